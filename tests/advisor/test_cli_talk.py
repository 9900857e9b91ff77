"""What a run says on standard error: lines that last, and bars for as long as someone watches."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

import fakes
from advisor.cli.bars import Bars, TimeLeft, talk
from advisor.cli.streams import PlainConsole
from advisor.cli.talk import Lines, goal_score, plan_lines
from bench.result import Outcome, TrialResult
from bench.run.events import (
    Event,
    PhaseEntered,
    Planned,
    Preparing,
    Profiled,
    RunFinished,
    StepMeasured,
    TrialFinished,
    TrialStarted,
)
from bench.score.goal import GOALS

GOAL = GOALS["cross"]


class Terminal(io.StringIO):
    """A stream that someone watches."""

    def isatty(self) -> bool:
        return True


def console(width: int = 120, *, terminal: bool = False, **settings: Any) -> Console:  # noqa: ANN401  rich's own
    return PlainConsole(width=width, file=Terminal() if terminal else io.StringIO(), **settings)


def said(shown: Console) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


def run_of(*results: TrialResult, stopped: str = "") -> list[Event]:
    """Every kind of event that a run sends, in order."""
    events: list[Event] = [
        Profiled(hardware=fakes.HARDWARE, dataset=fakes.DATASET, queries=fakes.QUERIES),
        Preparing(what="decoding pairs", done=3, total=64),
        Preparing(what="measuring a step of [b]CECD[/b]"),
        Planned(plan=fakes.run_plan(*results)),
    ]
    for number, result in enumerate(results, start=1):
        events += [TrialStarted(plan=fakes.trial_plan(result), number=number, pid=7)]
        events += [PhaseEntered(trial_id=result.trial_id, phase="loading")]
        events += [StepMeasured(trial_id=result.trial_id, losses=losses) for losses in result.losses]
        events += [PhaseEntered(trial_id=result.trial_id, phase="searching"), TrialFinished(result=result)]
    done = sum(result.outcome is Outcome.COMPLETED for result in results)
    return [*events, RunFinished(run_id="run", completed=done, planned=len(results), seconds=9, stopped=stopped)]


RESULTS = (
    fakes.trial_result(variant="secd", cross=0.364),
    fakes.trial_result(variant="cesd", seed=1, outcome=Outcome.OUT_OF_MEMORY, cause="killed by [red]the kernel"),
)


def test_a_trial_that_ends_is_one_line() -> None:
    shown = console()
    with Lines(shown, GOAL) as lines:
        for event in run_of(*RESULTS):
            lines.show(event)
    assert said(shown).splitlines()[-2:] == [
        "1/2  SECD nano seed 0  completed  7.0 s  cross-sensor F1 36.4 (untrained 19.0)  320 pairs/s",
        "2/2  CESD nano seed 1  out of memory  4.5 s  killed by [red]the kernel",
    ]


def test_the_plan_comes_first_with_its_reasons_and_refusals() -> None:
    assert plan_lines(fakes.run_plan(*RESULTS)) == [
        "2 trials of 2 candidates, about 14 s",
        "- arithmetic fp32, the fastest measured here",
        "- 100 steps a trial",
        f"- SESD large will not run: {fakes.REFUSAL.reason}",
    ]


def test_numbers_of_trials_stand_below_each_other() -> None:
    shown = console()
    lines = Lines(shown, GOAL)
    results = [fakes.trial_result(seed=seed) for seed in range(10)]
    for event in run_of(*results):
        lines.show(event)
    numbers = [line.partition("  CECD")[0] for line in said(shown).splitlines() if "completed" in line]
    assert numbers == [*(f" {number}/10" for number in range(1, 10)), "10/10"]


def test_why_a_run_ended_early_is_said() -> None:
    shown = console()
    Lines(shown, GOAL).show(run_of(*RESULTS, stopped="the time budget does not hold trial 3 of 12")[-1])
    assert said(shown) == "Ended early: the time budget does not hold trial 3 of 12.\n"


def test_a_quiet_console_hears_nothing() -> None:
    shown = console(terminal=True, quiet=True)
    with talk(shown, GOAL) as lines:
        for event in run_of(*RESULTS):
            lines.show(event)
    assert said(shown) == ""


def test_a_file_gets_whole_lines_however_narrow() -> None:
    shown = console(40)
    lines = Lines(shown, GOAL)
    for event in run_of(RESULTS[0]):
        lines.show(event)
    assert "1/1  SECD nano seed 0  completed  7.0 s  cross-sensor F1 36.4 (untrained 19.0)  320 pairs/s" in said(shown)


def test_a_terminal_gets_as_much_of_a_line_as_fits() -> None:
    shown = console(80, terminal=True, color_system=None)
    lines = Lines(shown, GOAL)
    for event in run_of(RESULTS[0]):
        lines.show(event)
    assert said(shown).splitlines()[-1].endswith("cross-sensor F1 36.4 (untrained 19.0)")


def test_the_score_is_the_mean_over_the_goals_directions() -> None:
    result = fakes.trial_result(cross=0.3, within=0.5)
    assert goal_score(result, GOALS["cross"], "f1_of_means", "trained") == pytest.approx(0.3)
    assert goal_score(result, GOALS["all"], "f1_of_means", "trained") == pytest.approx(0.4)


@pytest.mark.parametrize("goal", GOALS)
def test_the_score_of_data_without_labels_is_the_recall_of_partners_across_sensors(goal: str) -> None:
    result = fakes.trial_result(dataset=fakes.UNLABELLED_DATASET, cross=0.3)
    shown = console()
    lines = Lines(shown, GOALS[goal])
    for event in run_of(result):
        lines.show(event)
    assert "cross-sensor partner recall 30.0 (untrained 19.0)" in said(shown)


@pytest.mark.parametrize(
    ("terminal", "environment", "bars"),
    [(True, {}, True), (False, {}, False), (True, {"TERM": "dumb"}, False), (False, {"FORCE_COLOR": "1"}, False)],
)
def test_bars_are_for_those_who_watch(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], bars: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert isinstance(talk(console(terminal=terminal), GOAL), Bars) is bars


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text that the bars show after each event of a run."""
    monkeypatch.setenv("TERM", "xterm")
    shown = console(80, terminal=True, color_system=None)
    taken = []
    with Bars(shown, GOAL) as bars:
        for event in run_of(*RESULTS):
            bars.show(event)
            screen = console(80)
            screen.print(bars._progress.get_renderable())
            taken.append(said(screen))
    return taken


def test_bars_say_what_is_being_prepared(snapshots: list[str]) -> None:
    assert "decoding pairs  3/64" in snapshots[1]
    assert "measuring a step of [b]CECD[/b]" in snapshots[2]


def test_bars_follow_the_trial(snapshots: list[str]) -> None:
    assert "0/2 trials" in snapshots[3]
    assert "about 14 s left" in snapshots[3]
    assert "SECD nano seed 0" in snapshots[4]
    assert "loading" in snapshots[5]
    assert "training 10/100  loss 0.300" in snapshots[6]
    assert "pairs/s" not in snapshots[6]
    assert "training 20/100  loss 0.150  320 pairs/s" in snapshots[7]
    assert "searching" in snapshots[16]
    assert "1/2 trials" in snapshots[17]
    assert "SECD" not in snapshots[17]


def test_bars_keep_to_their_lines(snapshots: list[str]) -> None:
    assert all(len(snapshot.splitlines()) <= 2 for snapshot in snapshots)
    assert all(len(line) <= 76 for snapshot in snapshots for line in snapshot.splitlines())  # ^C needs room


def test_bars_go_away_and_the_cursor_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    shown = console(80, terminal=True)
    with Bars(shown, GOAL) as bars:
        bars.show(run_of(*RESULTS)[1])
    ending = said(shown)
    assert ending.rfind("\x1b[?25h") > ending.rfind("\x1b[?25l")
    assert ending.rstrip("\n").endswith("\x1b[2K")


def test_time_left_is_the_plans_until_a_trial_has_shown_the_pace() -> None:
    plans = [fakes.trial_plan(fakes.trial_result(seed=seed)) for seed in range(3)]
    now = 100.0
    left = TimeLeft(plans, now=lambda: now)
    assert left.seconds() == 21
    left.start(plans[0])
    now += 3
    assert left.seconds() == 18
    now += 30
    assert left.seconds() == 14
    slow = fakes.trial_result(seed=0)
    left.finish(replace(slow, costs=replace(slow.costs, total_seconds=14.0)))
    assert left.seconds() == 28
    left.start(plans[1])
    left.finish(fakes.trial_result(seed=1, outcome=Outcome.FAILED))
    assert left.seconds() == 14


def test_a_baseline_is_not_counted_as_a_candidate() -> None:
    trials = [fakes.trial_result(variant=variant) for variant in ("cecd", "secd", "mae")]
    assert plan_lines(fakes.run_plan(*trials))[0] == "3 trials of 2 candidates and 1 baseline, about 21 s"
