"""What the app asks of the rest of the tool, and the real thing that answers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from advisor.explain import Advice
    from advisor.recommend import Recommendation
    from bench.plan.plan import Request
    from bench.profile.dataset import DatasetProfile
    from bench.profile.hardware import HardwareProfile
    from bench.run.control import Control
    from bench.run.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Machine and data, and where that is known from."""

    hardware: HardwareProfile
    dataset: DatasetProfile
    run_id: str = ""
    """The stored run that recorded them; empty when they were looked at just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The advice that the last run of a store gives."""

    run_id: str
    started_at: str
    """UTC, ISO 8601."""
    profile: Profile
    recommendation: Recommendation
    advice: Advice


class Engine(Protocol):
    """Each call is slow, and is made in a thread of its own."""

    @property
    def request(self) -> Request:
        """What a run is asked to do."""

    def profile(self) -> Profile:
        """Look at the machine and the data.

        Raises: BenchError: the data cannot be used.
        """

    def last_report(self) -> Report | None:
        """The advice of the last run in the store; None when there is no store or no run in it.

        Raises: BenchError: the store cannot be read.
        """

    def run(self, control: Control) -> Generator[Event]:
        """Run the request. Closing the generator kills the running trial.

        Args:
            control: by which the run is asked to end, what it trains being saved first.
        Raises: BenchError: the request, the data, the machine or the store cannot be used.
        """


class BenchEngine:
    """The benchmark and the advisor on this machine."""

    def __init__(self, request: Request, database: Path) -> None:
        self._request = request
        self._database = database

    @property
    def request(self) -> Request:
        """What a run is asked to do."""
        return self._request

    # each imports what it needs in the thread that asks: NumPy, SciPy and DuckDB would delay the first paint

    def profile(self) -> Profile:
        """Look at the machine and the data."""
        from bench.data.pairs import open_pairs  # noqa: PLC0415  see above
        from bench.profile.dataset import profile_dataset  # noqa: PLC0415
        from bench.profile.hardware import probe  # noqa: PLC0415

        with closing(open_pairs(self._request.data)) as pairs:
            return Profile(hardware=probe(), dataset=profile_dataset(pairs))

    def last_report(self) -> Report | None:
        """The advice of the last run in the store."""
        if not self._database.exists():
            return None
        from advisor.explain import explain  # noqa: PLC0415  see above
        from advisor.recommend import recommend  # noqa: PLC0415
        from bench.store.results import Results  # noqa: PLC0415

        store = Results(self._database)
        run_id = store.latest_run_id()
        if run_id is None:
            return None
        run = store.run(run_id)
        trials = store.trials(run_id=run_id)
        queries = store.queries(run.dataset.fingerprint)
        recommendation = recommend(
            trials,
            hardware=run.hardware,
            dataset=run.dataset,
            goal="cross",
            queries=queries,
            indexes=store.index_measurements(),
        )
        return Report(
            run_id=run_id,
            started_at=run.started_at,
            profile=Profile(hardware=run.hardware, dataset=run.dataset, run_id=run_id),
            recommendation=recommendation,
            advice=explain(recommendation),
        )

    def run(self, control: Control) -> Generator[Event]:
        """Run the request."""
        from bench import session  # noqa: PLC0415  see above
        from bench.store.results import Results  # noqa: PLC0415

        yield from session.run(self._request, Results(self._database), control=control)
