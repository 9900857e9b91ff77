from dataclasses import replace
from random import Random

import pytest

from advice_fakes import BANDS, LEVEL, REAL, SPECIFIC_WINS, UNLABELLED, measured, sized
from advisor.recommend import Choice, Recommendation, recommend
from advisor.steps import next_steps
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, Outcome, TrialResult
from fakes import GIB, GPU, GPU_HARDWARE, HARDWARE, PROVENANCE, trial_result
from models import cost
from models.config import VARIANTS, configure

GUIDELINE_SPECIFIC = sized(REAL, train=139_423)
"""Where the guideline says specific."""


def advised(
    trials: tuple[TrialResult, ...],
    *,
    dataset: DatasetProfile | None = REAL,
    hardware: HardwareProfile | None = HARDWARE,
    goal: str = "cross",
) -> Recommendation:
    found = recommend(trials, hardware=hardware, dataset=dataset, goal=goal)
    # what holds for every recommendation
    if found.candidate:
        row = VARIANTS[found.candidate.variant]
        assert not row.baseline
        assert [(c.part, c.answer) for c in found.choices] == [("encoder", row.encoder), ("decoder", row.decoder)]
        assert not found.tied or found.candidate in found.tied
        assert found.runner_up != found.candidate
    assert not any(VARIANTS[c.variant].baseline for c in found.tied)
    assert all((c.basis == "measured") == (c.decided_by == "trials") for c in found.choices)
    assert all(caution.endswith(".") for caution in found.cautions)
    return found


def nano(variant: str) -> Candidate:
    return Candidate(variant=variant, size="nano")


def grounds(found: Recommendation) -> list[str]:
    return [choice.decided_by for choice in found.choices]


def failed(variant: str, seed: int = 0, outcome: Outcome = Outcome.OUT_OF_MEMORY) -> TrialResult:
    return trial_result(variant=variant, seed=seed, outcome=outcome, dataset=REAL)


@pytest.mark.parametrize("winner", LEVEL)
def test_clear_winner_is_taken_whatever_the_guideline_says(winner: str) -> None:
    found = advised(measured(LEVEL | {winner: (0.460, 0.466, 0.454)}))
    assert (found.verdict, found.candidate, found.tied) == ("better", nano(winner), (nano(winner),))
    assert found.runner_up == nano("cecd" if winner == "secd" else "secd")


def test_tie_of_all_follows_the_guideline() -> None:
    few = advised(measured(LEVEL))
    assert (few.verdict, few.candidate, grounds(few)) == ("tied", nano("cecd"), ["guideline", "guideline"])
    many = advised(measured(LEVEL, dataset=GUIDELINE_SPECIFIC), dataset=GUIDELINE_SPECIFIC)
    assert (many.verdict, many.candidate, grounds(many)) == ("tied", nano("secd"), ["guideline", "guideline"])
    assert set(few.tied) == set(many.tied) == {nano(variant) for variant in LEVEL}
    assert few.runner_up == nano("secd")


def test_tie_of_all_where_the_guideline_is_silent_goes_to_the_fewest_parameters() -> None:
    between = sized(REAL, train=50_000)
    found = advised(measured(LEVEL, dataset=between), dataset=between)
    assert (found.verdict, found.candidate, grounds(found)) == ("tied", nano("cecd"), ["cost", "guideline"])
    fewest = min(LEVEL, key=lambda v: cost.parameters(configure(v, "nano", bands=BANDS, image_pixels=32)))
    assert found.candidate == nano(fewest)


def test_trials_that_decide_the_encoder_overrule_the_guideline() -> None:
    found = advised(measured(SPECIFIC_WINS))
    assert (found.verdict, found.candidate, found.tied) == ("tied", nano("secd"), (nano("sesd"), nano("secd")))
    assert found.choices == (
        Choice(part="encoder", answer="specific", basis="measured", decided_by="trials"),
        Choice(part="decoder", answer="common", basis="prior", decided_by="guideline"),
    )
    assert found.opinions[0].answer == "common"


def test_choices_name_the_parts_of_the_taken_one_when_the_composed_one_is_out_of_the_tie() -> None:
    scores = {"cecd": (0.300, 0.304, 0.296), "cesd": (0.400, 0.404, 0.396), "secd": (0.402, 0.406, 0.398)}
    found = advised(measured(scores | {"sesd": (0.300, 0.304, 0.296)}))
    # neither effect is decided, so that the guideline composes CECD, which the trials exclude
    assert (found.verdict, found.candidate, found.tied) == ("tied", nano("cesd"), (nano("secd"), nano("cesd")))
    assert found.choices == (
        Choice(part="encoder", answer="common", basis="prior", decided_by="guideline"),
        Choice(part="decoder", answer="specific", basis="measured", decided_by="trials"),
    )


@pytest.mark.parametrize(
    ("variants", "taken", "expected"),
    [
        (("secd", "sesd"), "secd", ["lack", "guideline"]),
        (("cesd", "sesd"), "cesd", ["guideline", "lack"]),
        (("cesd", "secd"), "cesd", ["guideline", "lack"]),
        (("cecd", "sesd"), "cecd", ["guideline", "guideline"]),
    ],
)
@pytest.mark.parametrize("seeds", [1, 3])
def test_trials_decide_nothing_about_a_kind_that_has_no_scored_counterpart(
    variants: tuple[str, ...], taken: str, expected: list[str], seeds: int
) -> None:
    found = advised(measured({variant: LEVEL[variant][:seeds] for variant in variants}))
    assert found.verdict == ("tied" if seeds > 1 else "undecided")
    assert (found.candidate, grounds(found)) == (nano(taken), expected)


@pytest.mark.parametrize(("variant", "expected"), [("cecd", ["guideline"] * 2), ("sesd", ["lack"] * 2)])
@pytest.mark.parametrize("seeds", [1, 3])
def test_single_candidate_is_undecided_and_no_merit_of_the_trials(
    variant: str, expected: list[str], seeds: int
) -> None:
    found = advised(measured({variant: LEVEL[variant][:seeds]}))
    assert (found.verdict, found.candidate, found.runner_up) == ("undecided", nano(variant), None)
    assert grounds(found) == expected


def test_one_seed_each_is_undecided_however_far_apart() -> None:
    found = advised(measured({"cecd": (0.10,), "secd": (0.50,), "sesd": (0.90,)}))
    assert (found.verdict, found.candidate) == ("undecided", nano("cecd"))
    assert len(found.tied) == 3
    assert any(caution.startswith("1 seed and 200 queries cannot") for caution in found.cautions)


def test_failed_candidate_is_cautioned_about_and_never_taken() -> None:
    found = advised((*measured({v: LEVEL[v] for v in ("cesd", "secd")}), failed("cecd"), failed("cecd", 1)))
    assert found.candidate == nano("cesd")
    assert nano("cecd") not in found.tied
    assert found.evidence is not None
    assert [len(s.other) for s in found.evidence.standings] == [0, 0, 2]
    assert "2 trials ended without a score." in found.cautions
    one = advised((*measured({"cecd": LEVEL["cecd"]}), failed("sesd")))
    assert "1 trial ended without a score." in one.cautions


@pytest.mark.parametrize("variants", [("cecd", "cesd", "secd", "sesd"), ("sesd",)])
def test_everything_out_of_memory_leaves_the_fewest_parameters_whatever_the_guideline_says(
    variants: tuple[str, ...],
) -> None:
    found = advised(tuple(failed(variant) for variant in variants), dataset=GUIDELINE_SPECIFIC)
    assert (found.verdict, found.candidate, found.tied, found.runner_up) == ("prior", nano("cecd"), (), None)
    assert grounds(found) == ["cost", "cost"]
    assert found.evidence is not None
    assert all(standing.other for standing in found.evidence.standings)
    assert found.cautions == ("No candidate has a score: nothing measured stands behind this.",)


def test_everything_failed_otherwise_leaves_the_guideline() -> None:
    found = advised((failed("cecd"), failed("sesd", outcome=Outcome.DIVERGED)))
    assert (found.verdict, found.candidate, grounds(found)) == ("prior", nano("cecd"), ["guideline", "guideline"])


@pytest.mark.parametrize(
    ("train_pairs", "taken", "expected"),
    [
        (7_761, "cecd", ["guideline", "guideline"]),
        (7_762, "cecd", ["cost", "guideline"]),
        (50_000, "cecd", ["cost", "guideline"]),
        (139_422, "cecd", ["cost", "guideline"]),
        (139_423, "secd", ["guideline", "guideline"]),
    ],
)
def test_without_trials_the_guideline_speaks_at_the_papers_size(
    train_pairs: int, taken: str, expected: list[str]
) -> None:
    found = advised((), dataset=sized(REAL, train=train_pairs))
    assert (found.verdict, found.candidate) == ("prior", Candidate(variant=taken, size="base"))
    assert (grounds(found), found.evidence) == (expected, None)


def test_without_trials_and_data_there_is_no_advice() -> None:
    found = advised((), dataset=None)
    assert (found.verdict, found.candidate, found.choices, found.opinions) == ("prior", None, (), ())


@pytest.mark.parametrize("with_gpu", [True, False])
def test_memory_too_small_for_the_specific_encoder_at_vit_b_means_common(with_gpu: bool) -> None:
    needed = cost.state_bytes(configure("secd", "base", bands=BANDS, image_pixels=120))

    def machine(memory_bytes: int) -> HardwareProfile:
        if with_gpu:
            return replace(GPU_HARDWARE, gpus=(replace(GPU, memory_total_bytes=memory_bytes),))
        return replace(HARDWARE, memory_limit_bytes=memory_bytes)

    for memory, answer in [(needed - 1, "common"), (needed, "specific")]:
        found = advised((), dataset=GUIDELINE_SPECIFIC, hardware=machine(memory))
        assert found.choices[0].answer == answer
    assert needed < 8 * GIB
    assert advised((), dataset=GUIDELINE_SPECIFIC, hardware=None).choices[0].answer == "specific"


def test_unlabelled_data_are_advised_on_across_sensors_for_any_goal() -> None:
    trials = measured({"cecd": (0.20, 0.21, 0.19), "secd": (0.40, 0.41, 0.39)}, dataset=UNLABELLED)
    uni = advised(trials, dataset=UNLABELLED, goal="uni")
    assert (uni.verdict, uni.candidate) == ("better", nano("secd"))
    cross = advised(trials, dataset=UNLABELLED, goal="cross")
    assert set(uni.cautions) - set(cross.cautions) == {
        "Without labels only search across sensors is measured: nothing here is about search within one."
    }
    assert replace(uni, cautions=()) == replace(cross, cautions=())


def test_goal_decides_which_directions_count() -> None:
    common, specific = (measured({v: (0.40, 0.41, 0.39)}, within=w) for v, w in (("cecd", 0.70), ("secd", 0.50)))
    assert advised(common + specific, goal="uni").verdict == "better"
    assert advised(common + specific, goal="uni").candidate == nano("cecd")
    assert advised(common + specific, goal="cross").verdict == "tied"


def test_baseline_alone_leaves_the_guideline_alone() -> None:
    found = advised(measured({"mae": (0.30, 0.31)}))
    assert (found.verdict, found.candidate) == ("prior", nano("cecd"))


def test_trials_of_other_training_are_left_out_and_told() -> None:
    strangers = tuple(replace(t, trial_id=f"x-{t.trial_id}") for t in measured({"sesd": (0.9, 0.91)}, steps=500))
    found = advised(measured(LEVEL) + strangers)
    assert found.candidate == nano("cecd")
    said = "of other data, settings or protocol, or a seed again, left out of the comparison."
    assert f"2 trials {said}" in found.cautions
    found = advised(measured(LEVEL) + strangers[:1])
    assert f"1 trial {said}" in found.cautions


def test_trials_of_another_protocol_are_left_out() -> None:
    other = replace(trial_result(variant="sesd", seed=8, dataset=REAL), provenance=replace(PROVENANCE, protocol=9))
    found = advised((*measured(LEVEL), other))
    assert replace(found, cautions=(), evidence=None) == replace(advised(measured(LEVEL)), cautions=(), evidence=None)
    assert len(found.cautions) == len(advised(measured(LEVEL)).cautions) + 1


def test_smallest_size_inside_a_tie_is_taken() -> None:
    scores = {"cecd": LEVEL["cecd"], "secd": LEVEL["secd"]}
    found = advised(measured(scores, size="tiny") + measured(scores))
    assert (found.verdict, found.candidate, len(found.tied)) == ("tied", nano("cecd"), 4)


def test_larger_size_that_beats_all_is_taken() -> None:
    tiny = {"cecd": (0.460, 0.466, 0.454)}
    found = advised(measured(LEVEL) + measured(tiny, size="tiny"))
    assert (found.verdict, found.candidate) == ("better", Candidate(variant="cecd", size="tiny"))


def test_what_the_trials_decide_is_heard_before_the_guideline_where_no_tied_one_has_both() -> None:
    means = {"cecd": 0.50, "cesd": 0.53, "secd": 0.515}
    trials = measured({v: (m - 0.009, m, m + 0.009) for v, m in means.items()}, dataset=GUIDELINE_SPECIFIC)
    found = advised(trials, dataset=GUIDELINE_SPECIFIC)
    assert found.evidence is not None
    assert [bool(e.contrast and e.contrast.decided) for e in found.evidence.effects] == [False, True]
    assert set(found.tied) == {nano("cesd"), nano("secd")}
    assert (found.candidate, grounds(found)) == (nano("cesd"), ["lack", "trials"])


def test_a_run_repeated_with_the_same_seed_decides_nothing() -> None:
    once = measured({"cecd": (0.36,), "secd": (0.37,)})
    again = tuple(replace(t, trial_id=f"again-{t.trial_id}") for t in once)
    assert advised(once + again).verdict == "undecided"


def test_a_single_query_decides_nothing() -> None:
    one = sized(REAL, query=1)
    found = advised(measured(LEVEL, dataset=one), dataset=one)
    assert (found.verdict, found.candidate) == ("undecided", nano("cecd"))


def test_unequal_seeds_can_decide() -> None:
    found = advised(measured({"cecd": (0.300, 0.304, 0.296), "secd": (0.400,)}))
    assert (found.verdict, found.candidate) == ("better", nano("secd"))


def test_order_of_the_trials_changes_nothing() -> None:
    trials = [*measured(SPECIFIC_WINS | {"mae": (0.2, 0.3, 0.4)}), failed("cecd", 4), failed("sesd", 5)]
    expected = advised(tuple(trials))
    for seed in range(4):
        Random(seed).shuffle(trials)
        assert advised(tuple(trials)) == expected


@pytest.mark.parametrize(
    ("scores", "relation", "decided_by"),
    [
        ({"cecd": (0.40, 0.31), "secd": (0.45, 0.36)}, "outweighs", "guideline"),
        ({"cecd": (0.40, 0.38, 0.39), "secd": (0.42, 0.40, 0.41)}, "overruled", "cost"),
        ({"cecd": (0.42, 0.40, 0.41), "secd": (0.40, 0.38, 0.39)}, "agree", "guideline"),
    ],
)
def test_a_guideline_that_the_trials_outweigh_decides_nothing_inside_a_tie(
    scores: dict[str, tuple[float, ...]], relation: str, decided_by: str
) -> None:
    found = advised(measured(scores))
    assert (found.verdict, found.candidate) == ("tied", nano("cecd"))
    assert found.posterior
    assert found.posterior.parts[0].relation == relation
    assert found.choices[0].decided_by == decided_by


def test_weights_of_directions_decide_what_is_best_and_are_asked_for_again() -> None:
    found = advised(measured(LEVEL), goal="s1-s2=3,s2-s1=1")
    assert found.evidence is not None
    assert found.evidence.goal.name == "weighted (S1 to S2 3, S2 to S1 1)"
    assert any("--goal s1-s2=3,s2-s1=1" in step for step in next_steps(found))


def test_weights_without_labels_keep_what_can_be_measured_and_say_so() -> None:
    found = advised(measured(LEVEL, dataset=UNLABELLED), dataset=UNLABELLED, goal="s1-s2=3,s2-s1=1,s1-both=2")
    assert found.evidence is not None
    assert found.evidence.goal.key == "s1-s2=3,s2-s1=1"
    assert any("within one or in an archive of both." in caution for caution in found.cautions)
