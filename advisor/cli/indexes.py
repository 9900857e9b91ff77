"""A comparison of indexes from its question to its exit code: measure, store what was measured, print the advice."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_state_path
from rich.console import Console
from rich.table import Table

from advisor import __version__
from advisor.cli.blocks import items, number_table
from advisor.cli.kept import kept_trial
from advisor.cli.streams import envelope, stderr, stdout
from bench.data.descriptors import descriptor_root
from bench.errors import BenchError, BudgetError, ExitCode
from bench.index import words
from bench.index.advise import RULE, advise
from bench.index.kinds import KINDS
from bench.index.launch import launch
from bench.index.records import IndexAdvice, IndexNeed, IndexOutlook, IndexPlan
from bench.index.wire import IndexProgress, IndexSkipped
from bench.plan.index import IndexMeasurement
from bench.profile.hardware import probe
from bench.result import Candidate
from bench.score.goal import GOALS
from bench.store.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked on the command line."""

    trial: str | None
    items: int | None
    k: int
    recall: float
    latency_seconds: float | None
    goal: str
    """A key of `GOALS`."""
    time_limit_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """Whose descriptors are searched."""

    trial_id: str
    candidate: Candidate
    data: str
    synthetic: bool
    pairs: int
    """Of the whole data set."""


@dataclass(slots=True)
class _Found:
    """What the measurement has told."""

    measurements: list[IndexMeasurement] = field(default_factory=list)
    skipped: list[IndexSkipped] = field(default_factory=list)
    problem: BenchError | None = None
    interrupted: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is missing, a sentence each."""
        return tuple(one.words for one in self.skipped) + ((f"{self.problem}",) if self.problem else ())

    @property
    def code(self) -> ExitCode:
        """How the measurement ended, for scripts."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return self.problem.exit_code if self.problem else ExitCode.DONE


def compare(question: Question, *, database: Path, as_json: bool, quiet: bool) -> ExitCode:
    """Measure, and print what follows for the archive that is to be.

    Raises: BenchError: the trial, its descriptors or the store cannot be used, or no index was measured in time.
    """
    store = Results(database)
    trial = _trial(store, question.trial)
    need = IndexNeed(
        items=question.items or trial.pairs, recall=question.recall, latency_seconds=question.latency_seconds
    )
    console = stderr(quiet=quiet)
    found = _follow(_plan(question, trial.trial_id, need.items), console)
    store.add_index_measurements(found.measurements)
    advice = advise(found.measurements, need)
    if advice is None:
        if found.interrupted:
            raise KeyboardInterrupt
        raise found.problem or BudgetError("the time limit ended before one index was measured: give a longer one")
    if as_json:
        document = _document(advice, trial, found, database)
        envelope("index", found.code, document, warnings=found.warnings)
    else:
        _show(stdout(), advice, trial, found)
    if found.problem:
        stderr().print(f"Ended early: {found.problem}", soft_wrap=True)
    return found.code


def _trial(store: Results, name: str | None) -> _Trial:
    kept = kept_trial(store, name, root=descriptor_root())
    dataset = store.run(kept.run_id).dataset
    return _Trial(
        trial_id=kept.trial_id,
        candidate=kept.candidate,
        data=dataset.name,
        synthetic=dataset.synthetic,
        pairs=sum(dataset.pairs.values()),
    )


def _plan(question: Question, trial_id: str, archive_items: int) -> IndexPlan:
    hardware = probe()
    return IndexPlan(
        trial_id=trial_id,
        descriptors=str(descriptor_root()),
        directions=GOALS[question.goal].directions,
        kinds=tuple(KINDS),
        k=question.k,
        items=archive_items,
        threads=hardware.cores_usable,
        time_limit_seconds=question.time_limit_seconds,
        memory_limit_bytes=hardware.memory_available_bytes,
        machine=hardware.id,
        tool_version=__version__,
    )


def _follow(plan: IndexPlan, console: Console) -> _Found:
    """Measure to the end, to an error or to Ctrl-C. Nothing is stored meanwhile: it would disturb what is timed."""
    found = _Found()
    try:
        with closing(launch(plan, log_file=user_state_path("csmae-advisor") / "logs" / "index.log")) as told:
            for event in told:
                match event:
                    case IndexProgress():
                        console.print(f"{event.what} ...", soft_wrap=True)
                    case IndexSkipped():
                        found.skipped.append(event)
                        console.print(event.words, soft_wrap=True)
                    case IndexMeasurement():
                        found.measurements.append(event)
    except KeyboardInterrupt:
        found.interrupted = True
    except BenchError as error:
        found.problem = error
    return found


def _show(console: Console, advice: IndexAdvice, trial: _Trial, found: _Found) -> None:
    data = f"{trial.data} data" if trial.synthetic else trial.data
    console.print(f"Searching with {trial.candidate.title} on {data}, trial {trial.trial_id}\n", style="bold")
    real = [one for one in found.measurements if one.source == "real"]
    largest = max((one.items for one in real), default=0)
    if largest and largest != advice.need.items:
        console.print(f"Measured on {largest:,} real descriptors of {advice.width} dimensions\n")
        console.print(_measured_table([one for one in real if one.items == largest], advice.k))
        console.print()
    console.print(f"At {advice.need.items:,} images\n")
    console.print(_outlook_table(advice.outlooks, advice.k))
    console.print()
    marks = [("→" if number == 1 else "-", sentence) for number, sentence in enumerate(advice.sentences)]
    console.print(items(*marks, *(("-", one.words) for one in found.skipped)))
    console.print(f"\nRule: {RULE}", style="dim")


def _measured_table(real: Sequence[IndexMeasurement], k: int) -> Table:
    """Each setting in the direction where it finds least."""
    table = _table(k)
    for kind in dict.fromkeys(one.kind for one in real):
        own = [one for one in real if one.kind == kind]
        whole = (words.seconds_words(own[0].build_seconds), words.megabytes(own[0].index_bytes))
        _add(table, kind, whole, {one.parameter: _measured_cells(own, one.parameter) for one in own})
    return table


def _measured_cells(own: Sequence[IndexMeasurement], parameter: int) -> tuple[str, str]:
    worst = min((one for one in own if one.parameter == parameter), key=lambda one: one.recall_at_k or 0.0)
    recall, error = 100 * (worst.recall_at_k or 0.0), 100 * (worst.recall_standard_error or 0.0)
    found = f"{recall:.1f} ± {error:.1f}" if KINDS[worst.kind].knob else "100"
    return found, words.milliseconds(worst.latency_seconds)


def _outlook_table(outlooks: Sequence[IndexOutlook], k: int) -> Table:
    table = _table(k)
    for kind in dict.fromkeys(one.kind for one in outlooks):
        own = [one for one in outlooks if one.kind == kind]
        built = next((words.seconds_words(one.build_seconds.value) for one in own if one.build_seconds), "–")
        whole = (built, words.megabytes(own[0].index_bytes.value))
        _add(table, kind, whole, {one.parameter: _outlook_cells(one) for one in own})
    return table


def _outlook_cells(outlook: IndexOutlook) -> tuple[str, str]:
    found = words.share(outlook.recall) if outlook.recall else "not known"
    return found, words.ends(outlook.latency_seconds) if outlook.latency_seconds else "–"


def _table(k: int) -> Table:
    return number_table("Index", f"Recall@{k} in %", "ms a query", "Build", "Memory")


def _add(table: Table, kind: str, whole: tuple[str, str], settings: dict[int, tuple[str, str]]) -> None:
    """A line for the kind, and one below it for each setting of its search."""
    row = KINDS[kind]
    if not row.knob:
        table.add_row(row.title, *settings[0], *whole)
        return
    table.add_row(row.title, "", "", *whole)
    for parameter, cells in sorted(settings.items()):
        table.add_row(f"  {row.words(parameter)}", *cells, "", "")


def _document(advice: IndexAdvice, trial: _Trial, found: _Found, database: Path) -> dict[str, object]:
    """The comparison as data for scripts."""
    return {
        "store": str(database),
        "trial_id": trial.trial_id,
        "candidate": trial.candidate,
        "data": trial.data,
        "synthetic": trial.synthetic,
        "rule": RULE,
        "advice": advice,
        "measurements": found.measurements,
    }
