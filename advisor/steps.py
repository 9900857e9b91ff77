"""What to run next, and what it would take to settle what is open."""

from advisor.cautions import too_few
from advisor.evidence import Evidence
from advisor.recommend import Recommendation
from bench.score.interval import Contrast
from bench.score.power import POWER, Pilot
from bench.units import duration, percent
from models.config import SIZES


def next_steps(recommendation: Recommendation) -> list[str]:
    """Each with a command that can be run as it stands."""
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
    goal = evidence.goal.key
    data = "" if evidence.synthetic else " --data PATH"
    return f"csmae-bench run{data}" + ("" if goal == "cross" else f" --goal {goal}")
