"""Pictures of each screen as text, from fixed records and with the clock stopped: look at them when they change."""

from collections.abc import Callable, Iterator
from itertools import chain
from threading import Event as Flag

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from advisor.tui.app import AdvisorApp
from advisor.tui.screens.help import HelpScreen
from advisor.tui.state import Task
from tui_fakes import PROFILE, REPORT, FakeEngine, drawn, events, half_run, held, resized, until


@pytest.fixture
def gate() -> Iterator[Flag]:
    """Holds a run until it is set; set in any case at the end, so that no thread waits for ever."""
    flag = Flag()
    yield flag
    flag.set()


def app_of(engine: FakeEngine, opening: Task = "profile") -> AdvisorApp:
    app = AdvisorApp(engine, opening=opening, clock=lambda: 100.0)
    app.animation_level = "none"  # a table that still scrolls is another picture each time
    return app


async def pictures(pilot: Pilot[None], snapshot: SnapshotAssertion, what: str, ready: Callable[[], bool]) -> None:
    """Compare what is drawn at both sizes."""
    await until(pilot, ready)
    async for size in resized(pilot):
        assert drawn(pilot.app) == snapshot(name=f"{what} {size}")


async def test_the_profile_shows_machine_data_and_classes(snapshot: SnapshotAssertion) -> None:
    app = app_of(FakeEngine())
    async with app.run_test(size=(80, 24)) as pilot:
        await pictures(pilot, snapshot, "profile", lambda: not app.state.busy)


async def test_a_run_shows_trials_and_curves_and_in_the_end_what_failed(
    snapshot: SnapshotAssertion, gate: Flag
) -> None:
    rest = list(events())[len(half_run()) :]
    app = app_of(FakeEngine(told=chain(held(half_run(), gate), rest)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "s")
        await until(pilot, lambda: bool(app.state.story and app.state.story.trials and app.state.story.trials[5].step))
        await pictures(pilot, snapshot, "going", lambda: app.state.busy == {"run"})
        gate.set()
        await pictures(pilot, snapshot, "over", lambda: app.state.report is REPORT and not app.state.busy)


async def test_the_advice_shows_headline_ties_matrix_and_reasons_and_help_its_keys(snapshot: SnapshotAssertion) -> None:
    app = app_of(FakeEngine(report=REPORT), opening="advice")
    async with app.run_test(size=(80, 24)) as pilot:
        await pictures(pilot, snapshot, "advice", lambda: not app.state.busy)
        await pilot.press("question_mark")
        await pictures(pilot, snapshot, "help", lambda: isinstance(app.screen, HelpScreen))


async def test_without_advice_the_screen_says_how_to_get_some(snapshot: SnapshotAssertion) -> None:
    app = app_of(FakeEngine(), opening="advice")
    async with app.run_test(size=(80, 24)) as pilot:
        await pictures(pilot, snapshot, "empty", lambda: app.state.profile is PROFILE and not app.state.busy)
