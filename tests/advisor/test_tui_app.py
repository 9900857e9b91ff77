"""What keys and clicks do, what is shown then, and what is shown when the engine fails."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from threading import Event as Flag

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable

import fakes
from advisor.tui.app import AdvisorApp
from advisor.tui.screens.ask import AskScreen
from advisor.tui.screens.help import HelpScreen
from advisor.tui.widgets.standings_table import StandingsTable
from bench.errors import DataError, StoreError
from bench.run.events import CutOff, Event
from tui_fakes import PROFILE, REPORT, REQUEST, FakeEngine, drawn, events, half_run, held, resized, until


@pytest.fixture
def gate() -> Iterator[Flag]:
    """Holds a run until it is set; set in any case at the end, so that no thread waits for ever."""
    flag = Flag()
    yield flag
    flag.set()


def is_mode(app: AdvisorApp, mode: str) -> bool:
    return app.current_mode == mode


async def idle(pilot: Pilot[None], app: AdvisorApp) -> None:
    await until(pilot, lambda: not app.state.busy)


def told_until(gate: Flag) -> Iterable[Event]:
    """A run that goes on, an event at a time, once the gate is open."""
    yield from held(half_run(), gate)
    yield from list(events())[-5:]


async def test_keys_and_clicks_choose_modes_copy_the_command_help_and_quit() -> None:
    app = AdvisorApp(FakeEngine(report=REPORT))
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot, app)
        await pilot.press("y")
        assert app.clipboard == REQUEST.command
        for key, mode in (("2", "run"), ("3", "advice"), ("1", "profile")):
            await pilot.press(key)
            assert app.current_mode == mode
            await pilot.press("question_mark")
            assert isinstance(app.screen, HelpScreen)
            await until(pilot, lambda: "Copy command" in drawn(app))
            await pilot.press("escape")
            assert not isinstance(app.screen, HelpScreen)
        async for _ in resized(pilot):
            for number, mode in ((3, "advice"), (1, "profile")):
                await pilot.click(list(app.screen.query("ModeTab"))[number - 1])
                await until(pilot, partial(is_mode, app, mode))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_a_store_with_a_run_shows_its_advice_and_profile_without_looking_at_the_machine() -> None:
    engine = FakeEngine(report=REPORT)
    app = AdvisorApp(engine, opening="advice")
    async with app.run_test(size=(120, 40)) as pilot:
        await idle(pilot, app)
        assert "Tied: SESD and SECD nano. Take SECD, the cheaper." in drawn(app)
        await until(pilot, lambda: "Retrieval of SECD nano" in drawn(app))
        app.screen.query_one(StandingsTable).focus()
        await pilot.press("k")
        await until(pilot, lambda: "Retrieval of SESD nano" in drawn(app))
        await pilot.press("1")
        await until(pilot, lambda: "As run run recorded them" in drawn(app))
        assert engine.profiles_read == 0
        await pilot.press("r")
        await until(pilot, lambda: "As they are now" in drawn(app))
        assert engine.profiles_read == 1


async def test_a_run_started_from_the_palette_is_followed_by_its_advice() -> None:
    app = AdvisorApp(FakeEngine(told=events()))
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot, app)
        await pilot.press("ctrl+p", *"start the run")
        await until(pilot, lambda: "Train and score every candidate" in drawn(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.state.report is REPORT and not app.state.busy)
        assert app.current_mode == "run"
        assert "SESD nano, seed 2: out of memory: memory ran out: killed by the kernel" in drawn(app)
        assert app.screen.query_one(DataTable).row_count == 12
        await pilot.press("3")
        await until(pilot, lambda: "Tied: SESD and SECD nano" in drawn(app))


async def test_stopping_asks_closes_the_run_and_keeps_what_it_told(gate: Flag) -> None:
    engine = FakeEngine(told=told_until(gate))
    app = AdvisorApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot, app)
        await pilot.press("2")
        await pilot.click("#toggle")
        await until(pilot, lambda: bool(app.state.story and app.state.story.trials and app.state.story.trials[5].step))
        await pilot.click("#toggle")
        async for _ in resized(pilot):
            assert "Stop the run?" in drawn(app)
        await pilot.press("g")  # go on
        await pilot.pause()
        assert app.state.running
        assert "Stopping" not in drawn(app)
        await pilot.press("x", "s")  # stop
        await until(pilot, lambda: "Stopping" in drawn(app))
        gate.set()
        await until(pilot, lambda: "stopped by the user" in drawn(app))
        assert engine.closed == 1
        assert app.state.story
        assert [trial.status for trial in app.state.story.trials][4:7] == ["completed", "cancelled", "not run"]


async def test_quitting_during_a_run_asks_and_ends_the_run_first(gate: Flag) -> None:
    engine = FakeEngine(told=told_until(gate))
    app = AdvisorApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot, app)
        await pilot.press("s")
        assert not app.state.running, "s starts a run only where it can be seen"
        await pilot.press("2", "s")
        for key in ("q", "ctrl+q"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, AskScreen))
            await pilot.press("escape")
            await pilot.pause()
            assert app.state.running
        await pilot.press("q", "q")
        await pilot.pause()
        assert app.is_running
        gate.set()
        await until(pilot, lambda: not app.is_running)
    assert engine.closed == 1


async def test_each_error_is_shown_in_its_place_and_nowhere_else() -> None:
    breaks = [StoreError("results.duckdb is read-only"), *half_run(), ZeroDivisionError("division by zero")]
    app = AdvisorApp(
        FakeEngine(
            profile=DataError("/nowhere [b]does[/] not exist"),
            report=StoreError("results.duckdb is in use"),
            told=iter(breaks),  # the second start goes on behind the first error
        )
    )
    async with app.run_test(size=(80, 24)) as pilot:
        for keys, words in (
            (["1"], "/nowhere [b]does[/] not exist"),
            (["3"], "results.duckdb is in use"),
            (["2", "s"], "results.duckdb is read-only"),
            (["s"], "This is a bug in csmae-advisor: ZeroDivisionError: division by zero"),
        ):
            await idle(pilot, app)
            await pilot.press(*keys)
            await until(pilot, lambda words=words: words in drawn(app))  # type: ignore[misc]  # bound in the loop
            assert drawn(app).count("results.duckdb") + drawn(app).count("nowhere") <= 2


async def test_data_that_cannot_be_read_are_not_replaced_by_those_of_the_last_run() -> None:
    app = AdvisorApp(FakeEngine(profile=DataError("/nowhere does not exist"), report=REPORT))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.state.report is REPORT)
        await idle(pilot, app)
        assert "/nowhere does not exist" in drawn(app)
        assert "Nothing is known yet" in drawn(app)


async def test_names_are_text_and_never_markup_or_control_codes() -> None:
    hostile = "[red]x[/] [@click=app.quit]\x1b[2J\nnext"
    dataset = replace(fakes.DATASET, name=hostile, classes=(hostile, *fakes.CLASSES[1:]))
    profile = replace(PROFILE, dataset=dataset, hardware=replace(fakes.HARDWARE, cpu_name=hostile))
    app = AdvisorApp(FakeEngine(profile=profile))
    async with app.run_test(size=(200, 60)) as pilot:
        await idle(pilot, app)
        shown = drawn(app)
        assert shown.count("[red]x[/] [@click=app.quit]\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}next") == 4
        assert "\x1b" not in shown


async def test_any_size_and_theme_is_survived_in_every_mode() -> None:
    app = AdvisorApp(FakeEngine(report=REPORT, told=events()))
    async with app.run_test(size=(120, 40)) as pilot:
        await idle(pilot, app)
        await pilot.press("2", "s")
        await idle(pilot, app)
        for mode, theme, words in (("2", "textual-light", "total"), ("3", "ansi-dark", "Tied"), ("1", "nord", "CPU")):
            await pilot.press(mode)
            app.theme = theme
            for size in ((20, 5), (1, 1), (200, 60)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            assert words in drawn(app)


async def test_what_a_killed_run_left_is_told_when_the_next_one_starts() -> None:
    cut = CutOff(run_id="3f", finished=2, planned=12, trials=("SECD nano seed 1",))
    app = AdvisorApp(FakeEngine(told=[cut, *events()]))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await idle(pilot, app)
        await pilot.press("2", "s")
        await until(pilot, lambda: any(cut.words in note.message for note in app._notifications))


async def test_stopping_a_second_time_does_not_wait_for_what_is_being_saved(gate: Flag) -> None:
    engine = FakeEngine(told=told_until(gate))
    app = AdvisorApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await idle(pilot, app)
        await pilot.press("2", "s")
        await until(pilot, lambda: bool(app.state.story and app.state.story.trials and app.state.story.trials[5].step))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("s")
        await until(pilot, lambda: "Stopping" in drawn(app))
        assert not app._kill.is_set()
        await pilot.press("x")
        await until(pilot, app._kill.is_set)
        gate.set()
        await until(pilot, lambda: not app.state.running)
        assert engine.closed == 1
