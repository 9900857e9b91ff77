"""How good our estimates were here: predictions of stored trials beside what the trials then measured."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from advisor.cli.blocks import count, number_table
from advisor.cli.streams import envelope, stdout
from bench.errors import ExitCode
from bench.profile.hardware import probe
from bench.result import Outcome, Quantity, Source, TrialResult
from bench.store.results import Results
from bench.units import percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """All predictions of one quantity from one source."""

    quantity: Quantity
    source: Source
    predictions: int
    median_error: float
    """Of the absolute errors, each measured / predicted - 1."""
    ninetieth_error: float
    """That nine tenths of the absolute errors do not pass."""
    bias: float
    """Median of the errors: above zero when trials take more than was said."""
    inside: float
    """Share of measurements within their interval, which is meant to hold 95 %."""


def audit(trials: Iterable[TrialResult]) -> tuple[Audit, ...]:
    """The audits of completed trials, by quantity and source; what was not measured is left out."""
    errors: dict[tuple[Quantity, Source], list[tuple[float, bool]]] = defaultdict(list)
    for trial in trials:
        if trial.outcome is not Outcome.COMPLETED or trial.retry_of:  # one that went on was predicted as a whole
            continue
        for said in trial.predictions:
            found = _measured(trial, said.quantity)
            if found is not None and said.value:
                row = found / said.value - 1, said.low <= found <= said.high
                errors[said.quantity, said.source].append(row)
    return tuple(
        Audit(
            quantity=quantity,
            source=source,
            predictions=len(rows),
            median_error=median(abs(error) for error, _ in rows),
            ninetieth_error=_ninetieth([abs(error) for error, _ in rows]),
            bias=median(error for error, _ in rows),
            inside=sum(inside for _, inside in rows) / len(rows),
        )
        for (quantity, source), rows in sorted(errors.items())
    )


def show(database: Path, *, as_json: bool) -> ExitCode:
    """Print the audits of this machine's trials.

    Raises: StoreError: there is no store, or it cannot be read.
    """
    machine = probe().id
    trials = [t for t in Results(database).trials(protocol=None) if t.provenance.machine == machine]
    found = audit(trials)
    if as_json:
        envelope("estimate", ExitCode.DONE, {"machine": machine, "audit": found})
        return ExitCode.DONE
    console = stdout()
    if not found:
        console.print(f"{database} holds no trial of this machine with predictions: csmae-bench run makes them")
        return ExitCode.DONE
    console.print(
        f"Predictions of {count(len(trials), 'trial')} of this machine, in % of what was said\n", style="bold"
    )
    table = number_table("Quantity", "Source", "Number", "Median error", "90th pct.", "Bias", "Inside")
    for row in found:
        table.add_row(
            row.quantity.removesuffix("_bytes").removesuffix("_seconds").replace("_", " "),
            row.source,
            str(row.predictions),
            percent(row.median_error),
            percent(row.ninetieth_error),
            f"{100 * row.bias:+.1f}",
            percent(row.inside),
        )
    console.print(table)
    console.print("\nInside: share of measurements within their interval, which is meant to hold 95 %.")
    return ExitCode.DONE


def _measured(trial: TrialResult, quantity: Quantity) -> float | None:
    if quantity == "step_seconds":
        return median(trial.costs.step_seconds) if trial.costs.step_seconds else None
    value: float | None = getattr(trial.costs, quantity)
    return value


def _ninetieth(errors: list[float]) -> float:
    return quantiles(errors, n=10, method="inclusive")[-1] if len(errors) > 1 else errors[0]
