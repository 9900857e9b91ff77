"""Whether a run that is killed with SIGKILL, at any moment, loses a finished trial, keeps one twice or goes unnamed.

Run from the repository root: `python benchmarks/kills.py [--runs 200] [--seed 0] [--jobs 1]`. Each run is a real
`csmae-bench run` on tiny synthetic pairs; all runs of a job share one store. Its own process, that of its trial or both
are killed, at moments spread over a run's usual length; every third kill waits for the next write to the store. Then
the store must open, hold each trial that was told as finished once, and hold what it held before; and the next start
must name the run that was cut off. Ends with 1 where one of these does not hold.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from killed_run import OPTIONS, STORE, Ending, Kill, end, kills

from bench.errors import StoreError
from bench.result import Outcome, TrialResult
from bench.store.results import Results

FINISHED: Final = re.compile(r"^ *\d+/\d+  (.+?) seed (\d+)  ([a-z ]+?)  .*\n", re.MULTILINE)
"""What a run says of a trial that has ended: candidate, seed, outcome."""

CUT_OFF: Final = re.compile(r"^Run (\w+) was cut off", re.MULTILINE)
"""What the next start says of a run that was."""


class Campaign:
    """Runs that share a store, killed one after the other, and what the store must hold by now."""

    def __init__(self, folder: Path, options: str) -> None:
        self.store = Results(folder / STORE)
        self.killed = self.cut = self.named = self.unheard = 0
        self._folder, self._options = folder, options
        self._usual_seconds = 0.0
        """That runs take which end by themselves: the last of them."""
        self._runs: set[str] = set()
        self._trials: dict[str, Outcome] = {}
        self._cut_off: set[str] = set()
        """Runs that no start has named yet."""

    @property
    def completed(self) -> int:
        """Trials in the store that were trained and scored."""
        return list(self._trials.values()).count(Outcome.COMPLETED)

    def run(self, kill: Kill | None) -> list[str]:
        """Run, kill, and look at what is left; what is wrong with it, a sentence each.

        Args:
            kill: None: nobody is killed, and the time that it takes counts as usual.
        """
        ending = end(self._folder, kill, options=self._options, usual_seconds=self._usual_seconds)
        self.killed += ending.killed
        if not ending.killed:
            self._usual_seconds = ending.seconds
        if not self.store.path.exists():
            return [
                *ending.faults,
                *(["trials finished and there is no store"] if FINISHED.search(ending.told) else []),
            ]
        try:
            trials = self.store.trials(protocol=None)
            unfinished = {run.run_id: run.finished_at is None for run in self.store.runs()}
        except StoreError as error:
            return [*ending.faults, f"the store does not open: {error}"]
        own = unfinished.keys() - self._runs
        faults = [
            *ending.faults,
            *lost(self._trials, trials),
            *kept_twice(trials),
            *untrue(ending.told, [trial for trial in trials if trial.run_id in own]),
            *self._naming(ending, unfinished, started=bool(own)),
        ]
        self._runs |= own
        self._trials = {trial.trial_id: trial.outcome for trial in trials}
        return faults

    def _naming(self, ending: Ending, unfinished: Mapping[str, bool], *, started: bool) -> list[str]:
        """Whether the start named what was cut off before it; what is cut off now is for the next one to name."""
        named = set(CUT_OFF.findall(ending.told))
        faults = [f"run {run} was named as cut off and was not" for run in sorted(named - self._cut_off)]
        waiting = self._cut_off - named
        if started or not ending.killed:
            faults += [f"run {run} was cut off and the next start did not name it" for run in sorted(waiting)]
        self.unheard += sum(not unfinished[run] for run in waiting)
        self.named += len(named)
        left = {run for run, is_open in unfinished.items() if is_open}
        self.cut += len(left - self._cut_off)
        self._cut_off = left
        if not ending.killed:
            faults += [f"run {run} ended by itself and is left unfinished" for run in sorted(self._cut_off)]
        return faults


def lost(before: Mapping[str, Outcome], now: Iterable[TrialResult]) -> list[str]:
    """Trials of the store that are gone or have become something else."""
    outcomes = {trial.trial_id: trial.outcome for trial in now}
    return [
        f"trial {trial_id} was {outcome} and is {outcomes.get(trial_id, 'gone')}"
        for trial_id, outcome in before.items()
        if outcomes.get(trial_id) != outcome
    ]


def kept_twice(trials: Sequence[TrialResult]) -> list[str]:
    """Rows of one id, and trainings that a run completed more than once."""
    ids = Counter(trial.trial_id for trial in trials)
    trainings = Counter(
        f"{trial.candidate.title} seed {trial.seed}, {trial.training.steps} steps on {trial.data.train_pairs} pairs, "
        f"of run {trial.run_id}"
        for trial in trials
        if trial.outcome is Outcome.COMPLETED
    )
    return [f"{what} is there {count} times" for what, count in (ids | trainings).items() if count > 1]


def untrue(told: str, own: Iterable[TrialResult]) -> list[str]:
    """Trials that a run told of as finished and that the store does not have so."""
    stored = Counter((trial.candidate.title, str(trial.seed), trial.outcome.replace("_", " ")) for trial in own)
    said = Counter(FINISHED.findall(told))
    return [
        f"{' '.join(trial)} was told {count} times, the store has it {stored[trial]} times"
        for trial, count in said.items()
        if stored[trial] < count
    ]


def campaign(
    folder: Path, *, runs: int, seed: int, options: str = OPTIONS, name: str = ""
) -> tuple[Campaign, list[str]]:
    """Let one run go, kill this many, let one go; the campaign and what was wrong, a sentence each."""
    made = Campaign(folder, options)
    wrong: list[str] = []
    for number, kill in enumerate([None, *kills(runs, seed=seed), None]):
        cut = made.cut
        faults = made.run(kill)
        what = f"{kill.victim} at {kill.moment:.1%}{', next write' if kill.while_writing else ''}" if kill else "nobody"
        print(f"{name}{number:>3}  {what:24}  {'cut off' if made.cut > cut else '':7}  {'; '.join(faults)}", flush=True)
        wrong += [f"{name}run {number} ({what}): {fault}" for fault in faults]
    if not made.completed:
        wrong.append(f"{name}nothing was trained")
    return made, wrong


def main() -> int:
    """Kill, print what came of it, and say whether all held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="runs to kill in all")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, each job with a store of its own")
    asked = parser.parse_args()
    began = monotonic()
    with TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as pool:
        jobs = []
        for number in range(asked.jobs):
            own = Path(folder) / str(number)
            own.mkdir()
            runs = len(range(number, asked.runs, asked.jobs))
            name = f"job {number + 1}: " if asked.jobs > 1 else ""
            jobs.append(pool.submit(campaign, own, runs=runs, seed=asked.seed + number, name=name))
        done = [job.result() for job in jobs]
    counts = ((one.killed, one.cut, one.named, one.unheard, one.completed) for one, _ in done)
    killed, cut, named, unheard, completed = map(sum, zip(*counts, strict=True))
    wrong = [fault for _, faults in done for fault in faults]
    print(f"\n{asked.runs} runs struck in {monotonic() - began:.0f} s. {killed} were killed themselves, {cut} of these")
    print(f"with a run in the store: {named} named by the next start, {unheard} by one killed before it could say so.")
    print(f"{completed} completed trials are kept.")
    print("\n".join(wrong) or "All held.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
