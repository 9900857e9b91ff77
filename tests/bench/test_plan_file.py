"""Plan files: what is written is read again, what is edited is understood, and what is wrong is named in one line."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

import fakes
from bench.errors import UsageError
from bench.plan.file import read, write
from bench.plan.form import REQUEST, TRIAL
from bench.plan.plan import Request, RunPlan, Wish
from bench.plan.text import dumps
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate, Prediction
from models.config import SIZES, VARIANTS

MADE = (
    Prediction(quantity="total_seconds", value=42, low=30, high=54, source="calibrated", basis="12 trials here"),
    Prediction(quantity="peak_rss_bytes", value=2**30, low=2**29, high=2**31, source="prior", basis="a formula"),
)

FILE = """\
version = 1
[request]
data = "my-pairs"
time_budget = "40m"
[[trial]]
variant = "secd"
size = "nano"
seed = 0
steps = 200
rungs = [50, 100]
[[trial]]
variant = "cecd"
size = "tiny"
seed = 3
steps = 100
train_pairs = 32
"""

WISHES = (
    Wish(candidate=Candidate(variant="secd", size="nano"), seed=0, steps=200, rungs=(50, 100)),
    Wish(candidate=Candidate(variant="cecd", size="tiny"), seed=3, steps=100, train_pairs=32),
)


def planned(wishes: Sequence[Wish], **changes: Any) -> RunPlan:  # noqa: ANN401  any field of a trial's plan
    """A plan of these trials."""
    some = fakes.trial_plan(fakes.trial_result())
    return fakes.run_plan(
        trials=tuple(
            replace(
                some,
                candidate=wish.candidate,
                seed=wish.seed,
                rungs=wish.rungs,
                training=replace(some.training, steps=wish.steps),
                data=replace(some.data, train_pairs=wish.train_pairs or some.data.train_pairs),
                **changes,
            )
            for wish in wishes
        )
    )


def text(plan: RunPlan, request: Request, *, hardware: HardwareProfile = fakes.HARDWARE, name: str = "p.toml") -> str:
    return dumps(plan, request, hardware=hardware, dataset=fakes.DATASET, path=Path(name))


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """`FILE` with one piece replaced, on disk."""

    def edit(old: str = "", new: str = "", *, name: str = "plan.toml") -> Path:
        assert old in FILE
        path = tmp_path / name
        path.write_text(FILE.replace(old, new, 1), encoding="utf-8")
        return path

    return edit


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    steps = draw(st.integers(1, 10**9))
    rungs = draw(st.sets(st.integers(1, steps - 1), max_size=4)) if steps > 1 else ()
    return Wish(
        candidate=Candidate(variant=draw(st.sampled_from([*VARIANTS])), size=draw(st.sampled_from([*SIZES]))),
        seed=draw(st.integers(0, 10**9)),
        steps=steps,
        rungs=tuple(sorted(rungs)),
        train_pairs=draw(st.none() | st.integers(2, 63)),  # of the 64 pairs of the data
    )


requests = st.builds(
    Request,
    data=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    time_budget_seconds=st.none() | st.floats(1e-3, 1e7) | st.integers(1, 10**7).map(float),
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:1"]),
    precision=st.sampled_from([None, "fp32", "bf16", "fp16"]),
    batch_pairs=st.integers(2, 10**6),
    learning_rate=st.floats(0, 1, exclude_min=True, exclude_max=True),
    k=st.integers(1, 1000),
    margin=st.floats(0, 1, exclude_max=True),
    refine=st.booleans(),
    wishes=st.lists(
        wishes(), min_size=1, max_size=6, unique_by=lambda wish: (wish.candidate, wish.seed, wish.steps)
    ).map(tuple),
)


@given(
    request=requests,
    words=st.text(st.characters(exclude_categories=[])),
    name=st.sampled_from(["plan.toml", "plan.json", "plan"]),
)
def test_what_is_written_is_read_again(request: Request, words: str, name: str) -> None:
    plan = planned(request.wishes, purpose=words, predictions=(replace(MADE[0], basis=words),))
    plan = replace(plan, notes=(words,), refusals=(replace(fakes.REFUSAL, reason=words),))
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(plan, request, hardware=fakes.HARDWARE, dataset=replace(fakes.DATASET, name=words), path=path)
        assert read(path) == request


@pytest.mark.parametrize(
    ("seconds", "typed"),
    [(90, "1m30s"), (2400, "40m"), (5400, "1h30m"), (7200, "2h"), (45, "45s"), (0.25, "0.25s"), (90000, "25h")],
)
def test_a_time_budget_is_written_as_people_type_it(seconds: float, typed: str) -> None:
    assert f'time_budget = "{typed}"' in text(planned(WISHES), Request(time_budget_seconds=seconds))


def test_without_a_time_budget_the_file_shows_how_to_set_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    written = text(planned(WISHES), Request())
    assert '\n# time_budget = "40m" ' in written
    path.write_text(written.replace("# time_budget", "time_budget").replace("  would", " # would"), encoding="utf-8")
    assert read(path).time_budget_seconds == 2400


def test_the_head_says_what_where_and_how() -> None:
    head = text(planned(WISHES), Request(), name="my plans/a.toml").partition("version")[0]
    assert head.startswith("# A plan of csmae-bench, made 20")
    assert f"\n# Machine {fakes.HARDWARE.id}: Imaginary CPU at 2 GHz, no GPU; trials on cpu\n" in head
    assert "\n# Data synthetic, generated: pairs 64 train, 8 query, 32 archive\n" in head
    assert "csmae-bench run --plan 'my plans/a.toml' --dry-run\n" in head
    assert "\n# - arithmetic fp32, the fastest measured here\n" in head
    assert "SIM" not in head


def test_a_simulated_machine_is_said_to_be_one() -> None:
    written = text(planned(WISHES), Request(), hardware=replace(fakes.HARDWARE, simulated="a100.json"))
    assert written.splitlines()[1] == "# SIM: the machine is simulated (a100.json)."


def test_each_trial_says_why_and_what_was_predicted() -> None:
    written = text(planned(WISHES, predictions=MADE, purpose="first result"), Request())
    assert written.count("# first result\n") == 2
    assert "# time 42 s (30 s to 54 s), calibrated: 12 trials here\n" in written
    assert "# memory of the process 1.0 GiB (0.5 GiB to 2.0 GiB), prior: a formula\n" in written


def test_a_time_without_an_interval_is_told_all_the_same() -> None:
    assert "# time about 7.0 s\n" in text(planned(WISHES), Request())


@pytest.mark.parametrize("name", REQUEST)
def test_each_key_of_the_request_is_written_with_its_comment(name: str) -> None:
    written = text(planned(WISHES), Request(time_budget_seconds=60))
    assert any(
        line.startswith(f"{name} = ") and line.endswith(f" # {REQUEST[name].comment}") for line in written.splitlines()
    )


def test_json_says_the_same_without_comments() -> None:
    document = json.loads(text(planned(WISHES, purpose="first result"), Request(), name="plan.json"))
    assert document["request"]["precision"] == "auto"
    assert document["trial"][0] == {
        "about": ["first result", "time about 7.0 s"],
        "variant": "secd",
        "size": "nano",
        "seed": 0,
        "steps": 200,
        "rungs": [50, 100],
    }
    assert document["refused"] == [{"variant": "sesd", "size": "large", "reason": fakes.REFUSAL.reason}]


def test_a_file_written_by_hand_leaves_the_rest_to_the_defaults(edited: Callable[..., Path]) -> None:
    assert read(edited()) == Request(data="my-pairs", time_budget_seconds=2400, wishes=WISHES)


def test_trials_can_be_deleted_and_moved(tmp_path: Path) -> None:
    document = tomlkit.parse(text(planned([*WISHES, replace(WISHES[0], seed=9)]), Request()))
    trials: Any = document["trial"]
    head = text(planned([*WISHES, replace(WISHES[0], seed=9)]), Request()).partition("[[trial]]")[0]
    path = tmp_path / "plan.toml"
    path.write_text(head + "".join(f"[[trial]]\n{trials[number].as_string()}\n" for number in (2, 0)), encoding="utf-8")
    assert read(path).wishes == (replace(WISHES[0], seed=9), WISHES[0])


def test_a_refused_candidate_can_become_a_trial(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    written = text(planned(WISHES), Request())
    path.write_text(written.replace("[[refused]]", "[[trial]]\nseed = 0\nsteps = 50"), encoding="utf-8")
    assert read(path).wishes[2] == Wish(candidate=fakes.REFUSAL.candidate, seed=0, steps=50)


def test_a_mark_at_the_beginning_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(FILE, encoding="utf-8-sig")
    assert read(path).wishes == WISHES


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps = 200", "stebs = 200", "trial 1: there is no key 'stebs' (did you mean steps?); there are variant, "),
        ("steps = 100", 'steps = "100"', 'trial 2: steps = "100" is not a whole number from 1'),
        ("steps = 100", "steps = true", "trial 2: steps = true is not a whole number"),
        ("steps = 100", "", "trial 2: steps is missing: it is a whole number from 1"),
        ("seed = 3", "seed = -1", "trial 2: seed = -1 is not a whole number from 0"),
        ("seed = 3", f"seed = {10**12}", "trial 2: seed = 1000000000000 is not a whole number from 0 to 1000000000"),
        ('"secd"', '"secc"', f'variant = "secc" is not one of {", ".join(VARIANTS)} (did you mean secd?)'),
        ('"tiny"', '"tinny"', f'trial 2: size = "tinny" is not one of {", ".join(SIZES)} (did you mean tiny?)'),
        ("rungs = [50, 100]", "rungs = 50", "trial 1: rungs = 50 is not a list of whole numbers, as [50, 100]"),
        ("rungs = [50, 100]", 'rungs = ["50"]', 'trial 1: rungs = ["50"] is not a list'),
        ("rungs = [50, 100]", "rungs = [100, 50]", "trial 1: rungs=[100, 50] do not rise"),
        ("rungs = [50, 100]", "rungs = [50, 200]", "trial 1: rungs=[50, 200] do not rise from 1 to below steps=200"),
        ("train_pairs = 32", "train_pairs = 1", "trial 2: train_pairs = 1 is not a whole number from 2"),
        ('"my-pairs"', "7", "request: data = 7 is not text in quotes"),
        ('"my-pairs"', '""', 'request: data = "" is not text'),
        ('"40m"', '"soon"', "request: time_budget: 'soon' is no duration: write 90s, 40m, 2h or 1h30m"),
        ('"40m"', "40", "request: time_budget = 40 is not text in quotes"),
        ("time_budget", "time_bugdet", "request: there is no key 'time_bugdet' (did you mean time_budget?)"),
        ("time_budget", "k = 0\ntime_budget", "request: k = 0 is not a whole number from 1"),
        ("time_budget", "learning_rate = nan\ntime_budget", "request: learning_rate = NaN is not a number above 0"),
        ("time_budget", "margin = 1.5\ntime_budget", "request: margin = 1.5 is not a number from 0 to below 1"),
        ("time_budget", 'refine = "yes"\ntime_budget', 'request: refine = "yes" is not true or false'),
        ("time_budget", 'precision = "fp8"\ntime_budget', "request: precision = \"fp8\" is not one of auto, fp32"),
        ("time_budget", f'device = [{"9, " * 50}]\ntime_budget', "9, 9, 9,… is not text in quotes"),
        ("time_budget", "data = 2026-01-02\ntime_budget", "Cannot overwrite a value (at line 4"),
        ("[request]", "[requests]", ": there is no key 'requests' (did you mean request?)"),
        ("[request]\n", 'request = "all"\n[refused]\n', "request is no table of keys and values"),
        ("version = 1", "version = 2", "was written by a newer csmae-bench (version 2, this one reads 1): upgrade"),
        ("version = 1", "", "does not say that it is a plan file: it must hold version = 1"),
        ("version = 1", 'version = "1"', "does not say that it is a plan file"),
        ("steps = 200", "steps = ", "is no TOML: Invalid value (at line 9, column 9)"),
        ("steps = 200", f"steps = {'9' * 5000}", "is no TOML: Exceeds the limit"),
        ("steps = 200", f"steps = {'[' * 50000}", "is no TOML that can be read: its brackets are nested too deep"),
        (FILE, "", "is empty: csmae-bench plan makes a plan file"),
        (FILE, "version = 1", "holds no trial: head each with [[trial]]"),
        (FILE, "version = 1\n[trial]\nseed = 0", "trial is no list of tables: head each trial with [[trial]]"),
        (FILE, "version = 1\ntrial = [3]", "trial 1 is no table of keys and values"),
        ("[[trial]]", "[[trial]]\nvariant = 'cecd'\nsize = 'tiny'\nseed = 3\nsteps = 100\ntrain_pairs = 32\n[[trial]]",
         "trial 3 is trial 1 again (CECD tiny, seed 3, 100 steps): give it another seed, or leave it out"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(edited: Callable[..., Path], old: str, new: str, said: str) -> None:
    path = edited(old, new)
    with pytest.raises(UsageError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"{", "is no JSON: Expecting property name enclosed in double quotes (at line 1, column 2)"),
        (b'{"version": 1,\n"trial": [1,]}', "(at line 2, column 1"),
        (b"[1]", "is no plan file: it holds no version and no trials"),
        (b"\xff\xfe", "is no text in UTF-8 (byte 1)"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"version": 1, "trial": [{}]}', "trial 1: variant is missing: it is one of cecd"),
    ],
)
def test_json_is_held_to_the_same_rules(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}")
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read(tmp_path / "plan.toml")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        write(planned(WISHES), Request(), hardware=fakes.HARDWARE, dataset=fakes.DATASET, path=tmp_path)


def test_a_name_of_the_data_that_is_no_text_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot stand in a plan file"):
        text(planned(WISHES), Request(data="pairs-\udcff"))


def test_every_key_of_a_trial_is_a_field_of_a_wish() -> None:
    fields = {"variant", "size", *Wish.__dataclass_fields__} - {"candidate"}
    assert set(TRIAL) == fields
