"""The advice as text: headline, candidates, retrieval matrix, reasons, cautions, next steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from advisor.belief import Posterior
from advisor.cli.blocks import items, number_table
from advisor.evidence import Evidence, Standing
from advisor.explain import Advice, as_document, explain
from advisor.reasons import sources_once
from advisor.recommend import Basis, Recommendation, recommend
from bench.data.places import Queries
from bench.plan.index import IndexMeasurement
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Gallery, TrialResult
from bench.score import METRICS
from bench.score.goal import MatrixRow
from bench.units import millions, percent, signed_percent
from models.config import VARIANTS, Sensor

MISSING: Final = "–"
"""Where nothing was measured."""

BASELINE_WORDS: Final = (
    "Untrained: the same network before training. Bands: mean and deviation of each band. Thumbs: correlation of 8 x 8 "
    "grey pixels."
)

STYLES: Final[dict[Basis, str]] = {"measured": "green", "calibrated": "cyan", "prior": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counsel:
    """A recommendation and its words."""

    recommendation: Recommendation
    advice: Advice

    @property
    def document(self) -> dict[str, object]:
        """The same for scripts."""
        return as_document(self.recommendation, self.advice)


def advise(
    trials: Sequence[TrialResult],
    *,
    hardware: HardwareProfile,
    dataset: DatasetProfile,
    goal: str,
    queries: Queries | None = None,
    indexes: Sequence[IndexMeasurement] = (),
) -> Counsel:
    """What the trials say for the goal, and what the guideline says for this archive and machine."""
    recommendation = recommend(trials, hardware=hardware, dataset=dataset, goal=goal, queries=queries, indexes=indexes)
    return Counsel(recommendation=recommendation, advice=explain(recommendation))


def show_advice(console: Console, counsel: Counsel) -> None:
    """Print it all, the answer first."""
    recommendation, advice = counsel.recommendation, counsel.advice
    console.print(advice.headline, style="bold")
    if recommendation.evidence:
        _show_evidence(console, recommendation, recommendation.evidence)
    if recommendation.posterior and recommendation.posterior.share_of_full is not None:
        _show_beliefs(console, recommendation.posterior)
    _section(
        console,
        "Why",
        [
            (Text(reason.basis, STYLES[reason.basis]), f"{reason.text} ({source})" if source else reason.text)
            for reason, source in sources_once(advice.reasons)
        ],
    )
    _section(console, "Cautions", [(Text("!", "yellow"), caution) for caution in advice.cautions])
    _show_steps(console, advice.next_steps)


def _show_evidence(console: Console, recommendation: Recommendation, evidence: Evidence) -> None:
    console.print(f"\nCandidates{_on(evidence)}: {evidence.goal.name} {_scale(evidence)}{_seeds(evidence)}\n")
    console.print(candidates(recommendation, evidence))
    endings = [(standing.candidate.title, ending) for standing in evidence.standings for ending in standing.other]
    if endings:
        console.print()
        console.print(items(*endings))
    title = recommendation.candidate.title if recommendation.candidate else ""
    if title in evidence.matrices:
        console.print(
            f"\n{title}{_on(evidence)}: {_scale(evidence)}, {evidence.queries} queries, archive of {evidence.archive}\n"
        )
        console.print(matrix(evidence.matrices[title], evidence.uni_modal(title)))
        console.print(BASELINE_WORDS, style="dim")


def _show_beliefs(console: Console, posterior: Posterior) -> None:
    """What is expected of each candidate at the full training."""
    console.print("\nGuideline and trials together, for the full training, in points from the candidates' mean\n")
    console.print(beliefs(posterior))
    share = posterior.share_of_full or 0.0
    console.print(
        f"The trials show {_in_percent(share)} of the images that a full training shows, so much may still change: "
        "settled is how much of the doubt before them they have taken away.",
        style="dim",
    )


def beliefs(posterior: Posterior) -> Table:
    """Each candidate with its probability to be the best, what is expected of it, and what the trials have settled."""
    table = number_table("Candidate", "Best", "Expected", "95 %", "Settled")
    for belief in posterior.beliefs:
        table.add_row(
            belief.candidate.title,
            f"{100 * belief.probability_best:.0f} %",
            signed_percent(belief.advantage),
            f"{signed_percent(belief.low)} to {signed_percent(belief.high)}",
            f"{100 * belief.measured_share:.0f} %",
        )
    return table


def _in_percent(share: float) -> str:
    """A small share, to one digit that says something."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1g} %"


def candidates(recommendation: Recommendation, evidence: Evidence) -> Table:
    """Each candidate with its score, what it cost, and how it stands."""
    table = number_table("Candidate", "Trained", "Untrained", "Pairs/s", "Parameters")
    table.add_column("")
    for standing in evidence.standings:
        table.add_row(
            standing.candidate.title,
            _spread(standing.score, standing.seed_deviation),
            _share(standing.untrained),
            MISSING if standing.pairs_per_second is None else f"{standing.pairs_per_second:.0f}",
            MISSING if standing.parameters is None else millions(standing.parameters),
            _mark(standing, recommendation),
            style="bold" if standing.candidate == recommendation.candidate else "",
        )
    return table


def matrix(
    rows: Sequence[MatrixRow], uni_modal: Mapping[tuple[Sensor, Gallery], float] = MappingProxyType({})
) -> Table:
    """The retrieval matrix of one candidate beside what it has to beat, a direction a row.

    Args:
        uni_modal: what an autoencoder a sensor scores, by direction, if one was trained.
    """
    columns = {
        "Untrained": [row.untrained for row in rows],
        "2 x MAE": [uni_modal.get(row.direction) for row in rows],
        "Bands": [row.band_statistics for row in rows],
        "Thumbs": [row.thumbnail for row in rows],
        "Chance": [row.chance for row in rows],
    }
    shown = {title: values for title, values in columns.items() if any(value is not None for value in values)}
    table = number_table("Query → archive", "Trained", *shown)
    for number, row in enumerate(rows):
        query, archive = row.direction
        table.add_row(
            f"{query.upper()} → {archive.upper() if archive != 'both' else 'both'}",
            _spread(row.trained, row.seed_deviation),
            *(_share(values[number]) for values in shown.values()),
        )
    return table


def _on(evidence: Evidence) -> str:
    """Synthetic scores are never shown without the word."""
    return " on synthetic data" if evidence.synthetic else ""


def _scale(evidence: Evidence) -> str:
    return f"{METRICS[evidence.metric].title}@{evidence.k} in %"


def _seeds(evidence: Evidence) -> str:
    """How many trainings the numbers of a candidate are over."""
    counts = sorted({s.completed for s in evidence.standings if s.completed and not _is_baseline(s)})
    if not counts or counts[-1] == 1:
        return ", one seed" if counts else ""
    least = f"{counts[0]} to " if len(counts) > 1 else ""
    return f", mean ± sd over {least}{counts[-1]} seeds"


def _share(value: float | None) -> str:
    return MISSING if value is None else percent(value)


def _spread(value: float | None, deviation: float | None) -> str:
    return _share(value) if deviation is None else f"{_share(value)} ± {percent(deviation)}"


def _mark(standing: Standing, recommendation: Recommendation) -> str:
    """How the candidate stands, in words."""
    marks = {
        "recommended": standing.candidate == recommendation.candidate,
        "runner-up": standing.candidate == recommendation.runner_up,
        "tied": len(recommendation.tied) > 1 and standing.candidate in recommendation.tied,
        "baseline": _is_baseline(standing),
        "no result": standing.score is None,
    }
    return ", ".join(mark for mark, holds in marks.items() if holds)


def _is_baseline(standing: Standing) -> bool:
    return VARIANTS[standing.candidate.variant].baseline


def _section(console: Console, title: str, rows: Sequence[tuple[Text, str]]) -> None:
    """A title and its rows, the words hanging beside their marks; nothing when there are none."""
    if not rows:
        return
    console.print(f"\n{title}", style="bold")
    console.print(items(*rows))


def _show_steps(console: Console, steps: Sequence[str]) -> None:
    """What to do next, each command in one piece, so that it can be copied."""
    if steps:
        console.print("\nNext", style="bold")
    for step in steps:
        words, colon, command = step.partition(": csmae-bench ")
        if colon and len(f"-  {step}") > console.width:
            console.print(items(("-", f"{words}:")))
            console.print(f"   csmae-bench {command}", soft_wrap=True)
        else:
            console.print(items(("-", step)))
