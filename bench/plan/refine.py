"""What to do with time that a run has left after its plan: where the next trial lowers the uncertainty most. Ours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Final

from bench.plan.forecast import Forecast, Setting
from bench.plan.keys import trunk_key
from bench.plan.plan import Request, TrialPlan, Wish
from bench.plan.schedule import trial_plan
from bench.result import CROSS_DIRECTIONS, Candidate, TrialResult

SEEDS_ENOUGH: Final = 5
"""Seeds that told two points apart where it was measured (see `docs/architecture.md`); more of them come last."""

SEEDS_MOST: Final = 10
"""Beyond, a seed narrows an interval by less than a twentieth."""

SUBSETS: Final = ((2, "half of the pairs"), (4, "a quarter of the pairs"))

LONGER: Final = 2
"""Times the steps of a training that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refiner:
    """Looks at a run as it stands."""

    request: Request
    setting: Setting
    forecast: Forecast
    begun: Sequence[TrialPlan]
    """Every trial so far, at least one."""
    waiting: int
    """Trials planned and not begun."""
    results: Sequence[TrialResult]
    """Completed, comparable with each other."""
    contenders: Sequence[Candidate]
    """Those that may be the best."""
    seconds: Callable[[TrialPlan], float]
    """What a trial would take."""

    def options(self) -> Iterator[TrialPlan]:
        """Trials worth their time, the most useful first."""
        yield from self._more_seeds(SEEDS_ENOUGH)
        yield from self._fewer_pairs()
        yield from self._longer()
        yield from self._more_seeds(SEEDS_MOST)

    def _more_seeds(self, most: int) -> Iterator[TrialPlan]:
        """A seed for whom it removes the most variance a second."""
        options = []
        for candidate in self.contenders:
            seeds = self._begun_seeds(candidate)
            if len(seeds) < most:
                wish = Wish(candidate=candidate, seed=max(seeds, default=-1) + 1, steps=self._steps)
                trial = self._planned(wish, "another seed")
                removed = 1 / len(seeds) - 1 / (len(seeds) + 1) if seeds else 1.0
                options.append((removed / self.seconds(trial), trial))
        for _, trial in sorted(options, key=lambda option: -option[0]):
            yield trial

    def _fewer_pairs(self) -> Iterator[TrialPlan]:
        whole = self.setting.data.train_pairs
        for divisor, purpose in SUBSETS:
            pairs = whole // divisor
            if pairs < 2 * self.setting.training.batch_pairs:
                return
            for seed in range(2):
                for candidate in self.contenders:
                    wish = Wish(candidate=candidate, seed=seed, steps=self._steps, train_pairs=pairs)
                    yield from self._unless_begun(wish, purpose)

    def _longer(self) -> Iterator[TrialPlan]:
        """Twice the steps, from the checkpoint, for all contenders when one still rises: they stay comparable."""
        if not any(self._rises(candidate) for candidate in self.contenders):
            return
        for seed in range(2):
            for candidate in self.contenders:
                yield from self._unless_begun(
                    Wish(candidate=candidate, seed=seed, steps=LONGER * self._steps), "longer training"
                )

    def _rises(self, candidate: Candidate) -> bool:
        """Whether the second half of the training still lifted its cross-sensor score by more than the margin."""
        gains = []
        for result in self.results:
            if result.candidate == candidate and len(result.rungs) > 1:
                half, full = (_cross(result, rung.step) for rung in result.rungs[-2:])
                if half is not None and full is not None:
                    gains.append(full - half)
        return bool(gains) and fmean(gains) > self.request.margin

    def _unless_begun(self, wish: Wish, purpose: str) -> Iterator[TrialPlan]:
        trial = self._planned(wish, purpose)
        same = (trial.candidate, trial.seed, trial.training.steps, trial.data.train_pairs)
        if all((t.candidate, t.seed, t.training.steps, t.data.train_pairs) != same for t in self.begun):
            yield trial

    def _planned(self, wish: Wish, purpose: str) -> TrialPlan:
        number = len(self.begun) + self.waiting + 1
        planned = partial(trial_plan, wish, number, self.request, self.setting, forecast=self.forecast, purpose=purpose)
        trial = planned()
        saved = [t.training.trunk_steps for t in self.begun if trunk_key(t) == trunk_key(trial)]
        return planned(steps_saved=max(saved)) if saved else trial

    @property
    def _steps(self) -> int:
        return self.begun[0].training.steps

    def _begun_seeds(self, candidate: Candidate) -> set[int]:
        whole = self.setting.data.train_pairs
        return {
            t.seed
            for t in self.begun
            if t.candidate == candidate and t.training.steps == self._steps and t.data.train_pairs == whole
        }


def _cross(result: TrialResult, step: int) -> float | None:
    """Mean cross-sensor score at a rung; None where it was not measured."""
    metric = "f1_of_means" if result.data.labelled else "partner_recall"
    values = [
        score.value
        for score in result.scores
        if (score.subject, score.step, score.metric) == ("trained", step, metric)
        and score.k == result.k
        and (score.query, score.archive) in CROSS_DIRECTIONS
    ]
    return fmean(values) if values else None
