"""A fixed engine for the terminal interface: a recorded run, its advice, no waiting. Every number is made up."""

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from dataclasses import replace
from threading import Event as Flag
from time import monotonic

from textual.app import App
from textual.pilot import Pilot

import fakes
from advisor.evidence import Effect, Evidence, Standing
from advisor.explain import Advice
from advisor.reasons import Reason
from advisor.recommend import Choice, Recommendation
from advisor.tui.engine import Profile, Report
from bench.errors import BenchError
from bench.plan.plan import Request
from bench.result import CROSS_DIRECTIONS, DIRECTIONS, Candidate, Outcome, TrialResult
from bench.run.control import Control
from bench.run.events import (
    Event,
    PhaseEntered,
    Planned,
    Preparing,
    Profiled,
    RunFinished,
    RungScored,
    StepMeasured,
    TrialFinished,
    TrialStarted,
)
from bench.score.goal import Goal, MatrixRow
from bench.score.interval import Contrast
from bench.score.ties import NoiseFloor

REQUEST = Request(command="csmae-bench run --data synthetic")

PROFILE = Profile(hardware=fakes.HARDWARE, dataset=fakes.DATASET)

CROSS: dict[str, tuple[float, ...]] = {
    "cecd": (0.35, 0.36, 0.36),
    "cesd": (0.35, 0.36, 0.35),
    "secd": (0.36, 0.37, 0.37),
    "sesd": (0.36, 0.37, 0.38),
}

TRIALS = (
    *fakes.trials(CROSS)[:11],
    fakes.trial_result(
        variant="sesd", seed=2, outcome=Outcome.OUT_OF_MEMORY, cause="memory ran out: killed by the kernel at 8.0 GiB"
    ),
)
"""A run of four variants and three seeds; the last trial fails."""


def events(trials: Sequence[TrialResult] = TRIALS) -> Iterable[Event]:
    """What a run tells that ends with these trials."""
    yield Profiled(hardware=fakes.HARDWARE, dataset=fakes.DATASET, queries=fakes.QUERIES)
    yield Preparing(what="decoding 104 pairs", done=52, total=104)
    yield Planned(plan=fakes.run_plan(*trials))
    for number, trial in enumerate(trials, start=1):
        yield from trial_events(trial, number)
    completed = sum(trial.outcome is Outcome.COMPLETED for trial in trials)
    yield RunFinished(run_id="run", completed=completed, planned=len(trials), seconds=84.0, stopped="")


def trial_events(trial: TrialResult, number: int) -> Iterable[Event]:
    """What one trial tells."""
    yield TrialStarted(plan=fakes.trial_plan(trial), number=number, pid=4711)
    yield PhaseEntered(trial_id=trial.trial_id, phase="loading")
    yield PhaseEntered(trial_id=trial.trial_id, phase="training")
    for losses in trial.losses:
        yield StepMeasured(trial_id=trial.trial_id, losses=losses)
    if trial.outcome is Outcome.COMPLETED:
        yield PhaseEntered(trial_id=trial.trial_id, phase="embedding")
        yield RungScored(
            trial_id=trial.trial_id,
            step=trial.steps_done,
            scores=fakes.matrix("trained", trial.scores[-1].value, step=trial.steps_done),
            query_scores=(),
        )
    yield TrialFinished(result=trial)


def contrast(estimate: float, reach: float) -> Contrast:
    """An interval of this half width."""
    return Contrast(
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        level=0.95,
        comparisons=3,
        seed_error=reach / 3,
        query_error=reach / 4,
    )


def standing(variant: str, score: float, *, tied: bool, other: tuple[str, ...] = ()) -> Standing:
    """A candidate at nano size; the highest mean is 37.0."""
    return Standing(
        candidate=Candidate(variant=variant, size="nano"),
        completed=3 - len(other),
        other=other,
        score=score,
        seed_deviation=0.006,
        untrained=0.19,
        parameters=630_000,
        pairs_per_second=361.0,
        train_seconds=18.0,
        trial_seconds=20.0,
        peak_memory_bytes=fakes.GIB // 2,
        to_best=None if score == 0.37 else contrast(score - 0.37, 0.009),
        tied=tied,
    )


STANDINGS = (
    standing("sesd", 0.37, tied=True, other=("out of memory: killed by the kernel at 8.0 GiB",)),
    standing("secd", 0.367, tied=True),
    standing("cecd", 0.357, tied=False),
    standing("cesd", 0.354, tied=False),
)


def matrix_rows(cross: float) -> tuple[MatrixRow, ...]:
    """A retrieval matrix that is 10 points higher within a sensor."""
    return tuple(
        MatrixRow(
            direction=direction,
            trained=cross if direction in CROSS_DIRECTIONS else cross + 0.1,
            seed_deviation=0.006,
            untrained=0.19,
            chance=0.15,
        )
        for direction in DIRECTIONS
    )


EVIDENCE = Evidence(
    goal=Goal(name="cross", directions=CROSS_DIRECTIONS),
    metric="f1_of_means",
    k=10,
    standings=STANDINGS,
    effects=(Effect(part="encoder", contrast=contrast(0.012, 0.008), cost=0.01),),
    noise=NoiseFloor(deviation=0.005, low=0.003, high=0.01, level=0.95, freedom=4),
    seeds=2,
    queries=8,
    archive=32,
    train_pairs=64,
    synthetic=True,
    matrices={s.candidate.title: matrix_rows(s.score or 0) for s in STANDINGS},
)

RECOMMENDATION = Recommendation(
    verdict="tied",
    candidate=STANDINGS[1].candidate,
    runner_up=STANDINGS[0].candidate,
    tied=(STANDINGS[0].candidate, STANDINGS[1].candidate),
    choices=(
        Choice(part="encoder", answer="specific", basis="measured", decided_by="trials"),
        Choice(part="decoder", answer="common", basis="measured", decided_by="cost"),
    ),
    opinions=(),
    evidence=EVIDENCE,
    cautions=(),
)

ADVICE = Advice(
    headline="Tied: SESD and SECD nano. Take SECD, the cheaper.",
    reasons=(
        Reason(
            text="A specific encoder scores 1.2 points higher, 95 % interval 0.4 to 2.0.",
            basis="measured",
            source="11 trials, 2 seeds or more",
        ),
        Reason(
            text="The decoder makes no difference beyond the noise of 0.5 points; the common one is 16 % faster.",
            basis="measured",
            source="11 trials",
        ),
        Reason(
            text="64 training pairs are few: the guideline would share the encoder.",
            basis="prior",
            source="our reconstruction of the paper's guideline",
        ),
    ),
    cautions=(
        "The images are synthetic: the order of candidates on real ones may differ.",
        "One of 12 trials ran out of memory.",
    ),
    next_steps=("Train on your own pairs: csmae-bench run --data PATH",),
)

REPORT = Report(
    run_id="run",
    started_at="2026-01-02T03:04:05+00:00",
    profile=replace(PROFILE, run_id="run"),
    recommendation=RECOMMENDATION,
    advice=ADVICE,
)


class FakeEngine:
    """Answers at once with fixed records, or with an error in place of any of them."""

    def __init__(
        self,
        *,
        report: Report | BenchError | None = None,
        profile: Profile | Exception = PROFILE,
        told: Iterable[Event | Exception] = (),
        request: Request = REQUEST,
    ) -> None:
        """Answer with these.

        Args:
            report: the last advice; once a run has ended it is `REPORT`, unless this is an error.
            told: what a run tells, an exception last if it breaks; nothing made of it is waited for.
        """
        self._report = report
        self._profile = profile
        self._told = told
        self.request = request
        self.closed = 0
        """Runs that were ended, by themselves or by closing."""
        self.profiles_read = 0

    def profile(self) -> Profile:
        self.profiles_read += 1
        if isinstance(self._profile, Exception):
            raise self._profile
        return self._profile

    def last_report(self) -> Report | None:
        if isinstance(self._report, Exception):
            raise self._report
        return REPORT if self.closed else self._report

    def run(self, control: Control) -> Generator[Event]:
        try:
            for event in self._told:
                if control.stopping:
                    return
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1


def half_run() -> Sequence[Event]:
    """What a run has told in the middle of training its sixth trial."""
    told = list(events())
    end = next(n for n, e in enumerate(told) if isinstance(e, TrialStarted) and e.number == 6)
    return told[: end + 8]


def held(told: Iterable[Event], gate: Flag) -> Generator[Event]:
    """These events, then the rest of the run is waited for until the gate opens."""
    yield from told
    assert gate.wait(timeout=30), "the test never opened the gate"


def drawn(app: App[None]) -> str:
    """What a person would see, as text."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in strips)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app work until this holds.

    Raises: AssertionError: it does not within ten seconds.
    """
    deadline = monotonic() + 10
    while not holds():
        assert monotonic() < deadline, f"it never came to this:\n{drawn(pilot.app)}"
        await pilot.pause(0.005)
    await pilot.pause()


async def still(pilot: Pilot[None]) -> None:
    """Wait until the picture no longer changes: tables measure their columns when the app is idle."""
    before = ""
    while (now := drawn(pilot.app)) != before:
        before = now
        await pilot.pause(0.05)


async def resized(pilot: Pilot[None]) -> AsyncIterator[str]:
    """Give the terminal each size that every screen must be good at."""
    for width, height in ((80, 24), (120, 40)):
        await pilot.resize_terminal(width, height)
        await still(pilot)
        yield f"{width}x{height}"
