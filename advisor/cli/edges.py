"""A search for batch edges from its request to its exit code: follow it, store each try, print what was found."""

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from platformdirs import user_state_path
from rich.console import Console

from advisor.cli.blocks import count, items, number_table
from advisor.cli.streams import envelope, stderr, stdout
from bench.errors import ExitCode, StoreError
from bench.plan.edge import EdgeTry
from bench.run.edge import Edge
from bench.run.events import Preparing
from bench.run.executor import LocalExecutor
from bench.run.survey import Surveyed, SurveyRequest, survey
from bench.store.results import Results
from bench.units import duration, gib


@dataclass(slots=True)
class Found:
    """What the search has told."""

    setting: Surveyed | None = None
    edges: list[Edge] = field(default_factory=list)
    tries: int = 0
    interrupted: bool = False

    @property
    def code(self) -> ExitCode:
        """How the search ended, for scripts."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if any(edge.problem for edge in self.edges):
            useless = all(edge.out_of_time and edge.largest is None for edge in self.edges)
            return ExitCode.BUDGET if useless else ExitCode.FAILED
        return ExitCode.DONE if any(edge.largest for edge in self.edges) else ExitCode.UNFIT

    @property
    def warnings(self) -> tuple[str, ...]:
        """What ended a candidate's search early, a sentence each."""
        return tuple(f"{edge.candidate.title}: {edge.problem}" for edge in self.edges if edge.problem)


def find(request: SurveyRequest, *, database: Path, as_json: bool, quiet: bool) -> ExitCode:
    """Search, and print the edge of each candidate.

    Raises: BenchError: the request, the data, the machine or the store cannot be used.
    """
    found = _follow(request, Results(database), stderr(quiet=quiet))
    if as_json:
        envelope("edge", found.code, _document(found, request, database), warnings=found.warnings)
    elif found.setting:
        _show(stdout(), found, found.setting)
    if found.interrupted:
        stderr().print(f"Interrupted: {count(found.tries, 'tried size')} kept in {database}.", soft_wrap=True)
    return found.code


def _follow(request: SurveyRequest, store: Results, console: Console) -> Found:
    """Search to the end or to Ctrl-C; each try is stored as it comes."""
    store.check()
    found, waiting, doing = Found(), list[EdgeTry](), ""
    log_file = user_state_path("csmae-advisor") / "logs" / "edge.log"
    try:
        with closing(LocalExecutor(log_file)) as executor, closing(survey(request, executor)) as events:
            for event in events:
                match event:
                    case Preparing() if event.what != doing:
                        doing = event.what
                        console.print(f"{doing} ...", soft_wrap=True)
                    case Surveyed():
                        found.setting = event
                        console.print(_limit_line(event), soft_wrap=True)
                    case EdgeTry():
                        found.tries += 1
                        waiting.append(event)
                        console.print(_try_line(event), soft_wrap=True)
                        with suppress(StoreError):  # busy: kept with the next, or at the end
                            store.add_edge_tries(waiting)
                            waiting.clear()
                    case Edge():
                        found.edges.append(event)
    except KeyboardInterrupt:
        found.interrupted = True
    store.add_edge_tries(waiting)
    return found


def _limit_line(setting: Surveyed) -> str:
    limit = "unknown" if setting.memory_limit_bytes is None else gib(setting.memory_limit_bytes)
    return f"Memory limit of a training on {setting.device}: {limit} ({setting.memory_origin})"


def _try_line(tried: EdgeTry) -> str:
    told = f"fits, peak {_peak(tried)}" if tried.fits else f"does not fit: {tried.cause}"
    steps = count(tried.steps, "step")
    return f"{tried.candidate.title}: batch {tried.batch_pairs} {told} ({steps}, {duration(tried.seconds)})"


def _peak(tried: EdgeTry | None) -> str:
    return "unknown" if tried is None or tried.peak_bytes is None else gib(tried.peak_bytes)


def _show(console: Console, found: Found, setting: Surveyed) -> None:
    data = f"{setting.data} data" if setting.synthetic else setting.data
    console.print(f"Largest batches that trained on {setting.device}, {data}\n", style="bold")
    table = number_table("Candidate", "Pairs", "Runs", "Peak", "First that failed", "Tries", "Time")
    for edge in found.edges:
        table.add_row(
            edge.candidate.title,
            str(edge.largest.batch_pairs) if edge.largest else "none",
            str(edge.runs),
            _peak(edge.largest),
            str(edge.failed.batch_pairs) if edge.failed else "none",
            str(len(edge.tries)),
            duration(sum(one.seconds for one in edge.tries)),
        )
    console.print(table)
    console.print()
    console.print(items(*(("-", sentence) for sentence in (_limit_line(setting), *_reasons(found.edges)))))


def _reasons(edges: Sequence[Edge]) -> list[str]:
    """What bounds each edge, and what ended a search early."""
    return [
        sentence
        for edge in edges
        for sentence in (
            f"{edge.candidate.title}, bound by {edge.bound}" + (f" ({edge.failed.cause})" if edge.failed else ""),
            *((f"{edge.candidate.title}, ended early: {edge.problem}",) if edge.problem else ()),
        )
    ]


def _document(found: Found, request: SurveyRequest, database: Path) -> dict[str, object]:
    """The search as data for scripts."""
    setting = found.setting
    return {
        "store": str(database),
        "precision": request.precision,
        "setting": setting and {**msgspec.to_builtins(setting), "hardware": setting.hardware.id},
        "edges": [
            {
                "candidate": edge.candidate,
                "batch_pairs": edge.largest and edge.largest.batch_pairs,
                "runs": edge.runs,
                "peak_bytes": edge.largest and edge.largest.peak_bytes,
                "fails_at": edge.failed and edge.failed.batch_pairs,
                "cause": edge.failed and edge.failed.cause,
                "bound": edge.bound,
                "problem": edge.problem,
                "tries": [
                    {name: getattr(one, name) for name in ("batch_pairs", "fits", "steps", "peak_bytes", "seconds")}
                    for one in edge.tries
                ],
            }
            for edge in found.edges
        ],
    }
