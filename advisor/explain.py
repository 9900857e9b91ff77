"""The recommendation in words: the headline, the reasons with their sources, and what would settle what is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from advisor.belief import Part, Posterior
from advisor.cautions import counted, joined, too_few
from advisor.evidence import Effect, Evidence
from advisor.guideline import GRADES, RULES
from advisor.pace import EqualSeconds
from advisor.recommend import TIE_RULE, Basis, Choice, Recommendation
from bench.score import METRICS
from bench.score.goal import GOALS
from bench.score.interval import Contrast
from bench.score.power import POWER, Pilot
from bench.units import duration, percent
from models.config import SIZES, VARIANTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence of the advice."""

    text: str
    basis: Basis
    source: str
    """Trials and seeds it rests on, or the guideline's source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What both faces show."""

    headline: str
    """"Tied: CECD nano and SECD nano cannot be told apart. Take CECD (common encoder: the guideline, …)."."""
    reasons: tuple[Reason, ...]
    cautions: tuple[str, ...]
    next_steps: tuple[str, ...]
    """Each with a command that can be run as it stands."""


def explain(recommendation: Recommendation) -> Advice:
    """Put the recommendation into words."""
    return Advice(
        headline=_headline(recommendation),
        reasons=tuple(_reasons(recommendation)),
        cautions=recommendation.cautions,
        next_steps=tuple(_next_steps(recommendation)),
    )


def as_document(recommendation: Recommendation, advice: Advice) -> dict[str, Any]:
    """Recommendation, words and every rule of the guideline as plain JSON values."""
    parts = {"recommendation": recommendation, "words": advice, "guideline": RULES}
    return {name: msgspec.to_builtins(part) for name, part in parts.items()}


def sources_once(reasons: Sequence[Reason]) -> list[tuple[Reason, str]]:
    """Each reason with the source to say behind it; empty where the last reason of its basis had the same."""
    said: dict[Basis, str] = {}
    rows = []
    for reason in reasons:
        rows.append((reason, "" if said.get(reason.basis) == reason.source else reason.source))
        said[reason.basis] = reason.source
    return rows


def _headline(recommendation: Recommendation) -> str:
    chosen = recommendation.candidate
    if chosen is None:
        return "No advice: no trial was completed and nothing is known of the data."
    if recommendation.evidence and recommendation.evidence.starved:
        return f"Nothing fits: every trial ran out of memory. The least to ask for is {chosen.title}."
    one_size = len({c.size for c in recommendation.tied}) < 2
    name = VARIANTS[chosen.variant].title if one_size else chosen.title
    parts = _parts(recommendation.choices)
    match recommendation.verdict:
        case "better":
            return f"Take {name}: at {chosen.size} size it beats every other candidate scored beyond the noise."
        case "tied":
            tied = joined([c.title for c in sorted(recommendation.tied)])
            return f"Tied: {tied} cannot be told apart. Take {name} ({parts})."
        case "undecided":
            alone = recommendation.runner_up is None
            why = f"only {chosen.title} was trained" if alone else "too few trainings to know the noise"
            return f"Undecided: {why}. Take {name} for now ({parts})."
        case "prior":
            return f"By the guideline alone, nothing measured: take {name} ({parts})."


def _parts(choices: Sequence[Choice]) -> str:
    grounds = {"trials": "the trials", "guideline": "the guideline", "cost": "fewer parameters", "lack": "all there is"}
    return ", ".join(f"{choice.answer} {choice.part}: {grounds[choice.decided_by]}" for choice in choices)


def _reasons(recommendation: Recommendation) -> list[Reason]:
    evidence = recommendation.evidence if recommendation.verdict != "prior" else None
    measured = _source(evidence) if evidence else ""
    reasons = []
    for choice in recommendation.choices:
        if evidence:
            effect = next((e for e in evidence.effects if e.part == choice.part), None)
            reasons += [
                Reason(text=text, basis="measured", source=measured)
                for text in (_effect_words(effect, evidence) if effect else [])
            ]
        for opinion in recommendation.opinions:
            if opinion.question == choice.part:
                answer = f"{opinion.answer} {choice.part}" if opinion.answer else f"no opinion on the {choice.part}"
                text = f"Guideline: {answer}, since {opinion.why}"
                if opinion.answer and opinion.answer != choice.answer:
                    overruled = choice.decided_by == "trials"
                    text += ". The trials overrule it here" if overruled else ". The trials hold no counterpart with it"
                elif opinion.answer:
                    text += _lean_words(recommendation.posterior, choice.part)
                reasons.append(
                    Reason(
                        text=text,
                        basis="prior",
                        source="; ".join(dict.fromkeys(GRADES[rule.certainty] for rule in opinion.rules))
                        + ("; thresholds ours" if choice.part == "encoder" else ""),
                    )
                )
    if evidence and recommendation.candidate:
        reasons += [
            Reason(text=text, basis="measured", source=measured) for text in _gain_words(recommendation, evidence)
        ]
    if evidence and evidence.at_equal_seconds:
        source = f"{counted(evidence.at_equal_seconds.seeds, 'seed')} each, no interval"
        words = _equal_time_words(evidence.at_equal_seconds, evidence)
        reasons.append(Reason(text=words, basis="measured", source=source))
    reasons += [
        Reason(text=text, basis="calibrated", source="lines fitted to the trials here")
        for text in recommendation.diagnosis
    ]
    reasons += _serving(recommendation)
    if recommendation.verdict in {"tied", "undecided"}:
        reasons.append(Reason(text=TIE_RULE, basis="prior", source="our rule, fixed before the run"))
    return reasons


def _serving(recommendation: Recommendation) -> list[Reason]:
    """What searching the archive costs."""
    found = recommendation.serving
    if found is None:
        return []
    synthetic = recommendation.evidence is not None and recommendation.evidence.synthetic
    measured = "measured on synthetic descriptors" if synthetic else "measured on descriptors of these data"
    return [
        Reason(
            text=text.rstrip("."),
            basis="calibrated" if found.measured else "prior",
            source=measured if found.measured else "images x dimensions x 4 bytes",
        )
        for text in found.sentences
    ]


def _lean_words(posterior: Posterior | None, part: Part) -> str:
    """How an opinion that the trials leave standing fares beside them."""
    held = next((p for p in posterior.parts if p.part == part), None) if posterior else None
    if held is None or held.trials is None or held.relation == "silent":
        return ""
    together = f"together {_signed(held.mean)} [{_signed(held.low)}, {_signed(held.high)}] at the full training"
    leaning = {
        "agree": "the trials lean the same way",
        "outweighs": "the trials lean the other way, too little to outweigh it",
        "overruled": "the trials lean the other way and outweigh it",
    }[held.relation]
    return f". As for points, {leaning}: {together}"


def _source(evidence: Evidence) -> str:
    compared = [s.completed for s in evidence.standings if s.completed and not VARIANTS[s.candidate.variant].baseline]
    seeds = sorted(set(compared))
    each = f"{seeds[0]} to {seeds[-1]} seeds" if len(seeds) > 1 else counted(seeds[0], "seed")
    trials = sum(compared)
    kind = "synthetic data" if evidence.synthetic else "these data"
    return f"{counted(trials, 'trial')}, {each} each, {counted(evidence.queries, 'query', 'queries')}, {kind}"


def _equal_time_words(found: EqualSeconds, evidence: Evidence) -> str:
    scores = ", ".join(f"{candidate.title} {percent(score)}" for candidate, score in found.scores.items())
    time = duration(found.seconds)
    return f"At equal training time ({time}) instead of equal steps: {scores} points of {_yardstick(evidence)}"


def _effect_words(effect: Effect, evidence: Evidence) -> list[str]:
    words = []
    if effect.contrast:
        verdict = "undecided"
        if effect.contrast.decided:
            verdict = f"{'specific' if effect.contrast.estimate > 0 else 'common'} is better"
        words.append(
            f"Specific minus common {effect.part}: {_interval(effect.contrast)} points of {_yardstick(evidence)}: "
            f"{verdict}"
        )
    if effect.cost is not None and effect.part == "decoder":
        more = "more" if effect.cost >= 0 else "less"
        words.append(f"A specific decoder takes {100 * abs(effect.cost):.0f} % {more} time a step")
    return words


def _yardstick(evidence: Evidence) -> str:
    return f"{evidence.goal.name} {METRICS[evidence.metric].title}@{evidence.k}"


def _interval(contrast: Contrast) -> str:
    return f"{_signed(contrast.estimate)} [{_signed(contrast.low)}, {_signed(contrast.high)}]"


def _signed(share: float) -> str:
    text = percent(abs(share))
    return text if text == "0.0" else f"{'+' if share > 0 else '−'}{text}"


def _gain_words(recommendation: Recommendation, evidence: Evidence) -> list[str]:
    words = [
        f"{s.candidate.title} is out of the tie: {_interval(s.to_best)} points from the highest mean"
        for s in evidence.standings
        if s.to_best and s.to_best.decided and recommendation.verdict == "tied"
    ]
    standing = next(s for s in evidence.standings if s.candidate == recommendation.candidate)
    if standing.score is not None and standing.untrained is not None:
        rows = [r for r in evidence.matrices[standing.candidate.title] if r.direction in evidence.goal.directions]
        chances = [row.chance for row in rows if row.chance is not None]
        beside = f"; chance is {percent(sum(chances) / len(chances))}" if chances else ""
        words.append(
            f"Training moves {standing.candidate.title} from {percent(standing.untrained)} (untrained) to "
            f"{percent(standing.score)} points of {_yardstick(evidence)}{beside}"
        )
    if evidence.noise is not None:
        floor = evidence.noise
        words.append(
            f"Noise: trainings of one candidate with other seeds differ by {percent(floor.deviation)} points (standard "
            f"deviation; its interval is {percent(floor.low)} to {percent(floor.high)}); two single ones may differ by "
            "three times that by chance"
        )
        words += _power_words(evidence)
    else:
        words.append("Noise: unknown, no candidate has two completed seeds")
    return words


def _power_words(evidence: Evidence) -> list[str]:
    """The smallest difference that these seeds and queries find as a rule."""
    gap = next((s.to_best for s in evidence.standings if s.to_best and s.tied), None)
    if gap is None or not gap.error:
        return []
    pilot = Pilot(contrast=gap, seeds=evidence.seeds, queries=evidence.queries)
    least = pilot.smallest_gap(seeds=evidence.seeds, queries=evidence.queries)
    found = f"{counted(evidence.seeds, 'seed')} and {counted(evidence.queries, 'query', 'queries')}"
    return [
        f"With {found} a true difference of {percent(least)} points between two candidates is found in "
        f"{100 * POWER:.0f} % of cases"
    ]


def _next_steps(recommendation: Recommendation) -> list[str]:
    evidence = recommendation.evidence
    own = "csmae-bench run --data PATH"
    if evidence and evidence.starved and recommendation.candidate:
        least = f"--variants {recommendation.candidate.variant} --sizes nano"
        return [f"Ask for the least, or use more memory: {own} {least}"]
    if evidence is None or recommendation.verdict == "prior":
        return [f"Measure on your own pairs: {own}"]
    steps = []
    encoder = next((e.contrast for e in evidence.effects if e.part == "encoder"), None)
    if too_few(evidence):
        steps.append(f"Take more pairs before more seeds: {own}")
    elif encoder is None:
        steps.append(f"Compare all four variants with several seeds: {_again(evidence)} --seeds 3")
    elif not encoder.decided:
        steps.append(settle(encoder, evidence))
    if evidence.synthetic:
        steps.append(f"Ask your own pairs: {own}")
    elif all(standing.candidate.size == "nano" for standing in evidence.standings):
        steps.append(f"Look whether it holds in a larger network: {_again(evidence)} --sizes nano,tiny")
    steps.append('Look at every number: csmae-bench sql "from leaderboard"')
    return steps


def settle(effect: Contrast, evidence: Evidence) -> str:
    """What it would take to tell specific from common, if the difference is what it seems to be."""
    if percent(abs(effect.estimate)) == "0.0":
        return "Encoders are level here: more seeds of the same would show little. Try more pairs or another size"
    pilot = Pilot(contrast=effect, seeds=evidence.seeds, queries=evidence.queries)
    seconds = [s.trial_seconds for s in evidence.standings if s.tied and s.trial_seconds is not None]
    needed = pilot.needed(seconds_per_seed=sum(seconds) if seconds else None)
    wanted = f"To find an encoder difference of {100 * abs(effect.estimate):.1f} points with {100 * POWER:.0f} % power"
    if not needed.reachable:
        return f"{wanted}, {needed.why_not}; until then treat it as none"
    seeds = max(needed.seeds, evidence.seeds + 1)
    sizes = ",".join(name for name in SIZES if any(s.candidate.size == name for s in evidence.standings))
    again = _again(evidence) + ("" if sizes == "nano" else f" --sizes {sizes}")
    time = f", {duration(needed.seconds)} of training more" if needed.seconds else ""
    return f"{wanted}, {seeds} seeds are needed{time}: {again} --seeds {seeds}"


def _again(evidence: Evidence) -> str:
    """The command that asks for the same goal on the same kind of data."""
    (goal,) = (key for key, goal in GOALS.items() if goal == evidence.goal)
    data = "" if evidence.synthetic else " --data PATH"
    return f"csmae-bench run{data}" + ("" if goal == "cross" else f" --goal {goal}")
