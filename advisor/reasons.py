"""Why, sentence by sentence: what the trials say, what the guideline says, and how the two go together."""

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.belief import Part, Posterior
from advisor.cautions import counted
from advisor.evidence import Effect, Evidence
from advisor.guideline import GRADES
from advisor.pace import EqualSeconds
from advisor.recommend import TIE_RULE, Basis, Recommendation
from bench.score import METRICS
from bench.score.interval import Contrast
from bench.score.power import POWER, Pilot
from bench.units import duration, percent, signed_percent
from models.config import VARIANTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence of the advice."""

    text: str
    basis: Basis
    source: str
    """Trials and seeds it rests on, or the guideline's source."""


def sources_once(reasons: Sequence[Reason]) -> list[tuple[Reason, str]]:
    """Each reason with the source to say behind it; empty where the last reason of its basis had the same."""
    said: dict[Basis, str] = {}
    rows = []
    for reason in reasons:
        rows.append((reason, "" if said.get(reason.basis) == reason.source else reason.source))
        said[reason.basis] = reason.source
    return rows


def reasons(recommendation: Recommendation) -> list[Reason]:
    """Every sentence that speaks for or against the choice."""
    evidence = recommendation.evidence if recommendation.verdict != "prior" else None
    measured = _source(evidence) if evidence else ""
    found = []
    for choice in recommendation.choices:
        if evidence:
            effect = next((e for e in evidence.effects if e.part == choice.part), None)
            found += [
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
                found.append(
                    Reason(
                        text=text,
                        basis="prior",
                        source="; ".join(dict.fromkeys(GRADES[rule.certainty] for rule in opinion.rules))
                        + ("; thresholds ours" if choice.part == "encoder" else ""),
                    )
                )
    if evidence and recommendation.candidate:
        found += [
            Reason(text=text, basis="measured", source=measured) for text in _gain_words(recommendation, evidence)
        ]
    if evidence and evidence.at_equal_seconds:
        source = f"{counted(evidence.at_equal_seconds.seeds, 'seed')} each, no interval"
        words = _equal_time_words(evidence.at_equal_seconds, evidence)
        found.append(Reason(text=words, basis="measured", source=source))
    found += [
        Reason(text=text, basis="calibrated", source="lines fitted to the trials here")
        for text in recommendation.diagnosis
    ]
    found += _serving(recommendation)
    if recommendation.verdict in {"tied", "undecided"}:
        found.append(Reason(text=TIE_RULE, basis="prior", source="our rule, fixed before the run"))
    return found


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
    mean, low, high = (signed_percent(share) for share in (held.mean, held.low, held.high))
    together = f"together {mean} [{low}, {high}] at the full training"
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
    return f"{signed_percent(contrast.estimate)} [{signed_percent(contrast.low)}, {signed_percent(contrast.high)}]"


def _gain_words(recommendation: Recommendation, evidence: Evidence) -> list[str]:
    words = [
        f"{s.candidate.title} is out of the tie: {_interval(s.to_best)} points from the highest mean"
        for s in evidence.standings
        if s.to_best and s.to_best.decided and recommendation.verdict == "tied"
    ]
    standing = next(s for s in evidence.standings if s.candidate == recommendation.candidate)
    if standing.score is not None and standing.untrained is not None:
        rows = [r for r in evidence.matrices[standing.candidate.title] if r.direction in evidence.goal.directions]
        chances = {row.direction: row.chance for row in rows if row.chance is not None}
        known = [chances[way] for way in evidence.goal.directions if way in chances]
        whole = len(known) == len(evidence.goal.directions)
        beside = f"; chance is {percent(evidence.goal.mean(known))}" if whole else ""
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
