"""How much of a run's wall time is not training, embedding or search.

A run of eight trials on synthetic pairs: the four variants at nano size, two seeds, within a time budget. What counts
as the work itself is taken from what the trials tell (training on all branches, and every scoring); the rest of the
wall time is overhead: starting the processes, measuring a step of each candidate, loading, storing. Decoding is done
before, since it is paid once a data set.

    python benchmarks/overhead.py                     # five minutes
    python benchmarks/overhead.py --seconds 120
"""

import argparse
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

from bench import session
from bench.data import cache
from bench.data.pairs import open_pairs
from bench.plan.plan import Request
from bench.result import Outcome
from bench.run.events import PhaseEntered, RunFinished, RungScored, TrialFinished, TrialStarted
from bench.store.results import Results
from bench.units import duration

GOAL = 0.10


def main() -> None:
    """Run once and print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="time budget of the run")
    parser.add_argument("--data", default="synthetic")
    asked = parser.parse_args()
    request = Request(data=asked.data, seeds=2, time_budget_seconds=asked.seconds, refine=False)
    with closing(open_pairs(asked.data)) as pairs:
        cache.prepare(pairs)
    with tempfile.TemporaryDirectory() as folder:
        spent = follow(request, Results(Path(folder) / "results.duckdb"))
    whole = spent.pop("whole run")
    work = spent["training"] + spent["scoring"]
    print(f"{'':24}{'seconds':>9}{'share':>8}")
    for name, seconds in {**spent, "anything else": whole - sum(spent.values()), "whole run": whole}.items():
        print(f"{name:24}{seconds:9.1f}{seconds / whole:8.1%}")
    print(f"\noverhead {1 - work / whole:.1%} of {duration(whole)}; goal: below {GOAL:.0%}")


def follow(request: Request, store: Results) -> dict[str, float]:
    """Seconds of the run by what it was doing, and of the whole."""
    spent = dict.fromkeys(("training", "scoring", "before the first trial"), 0.0)
    started = scoring_since = perf_counter()
    for event in session.run(request, store):
        now = perf_counter()
        match event:
            case TrialStarted(number=1):
                spent["before the first trial"] = now - started
            case PhaseEntered(phase="embedding"):
                scoring_since = now
            case RungScored() if event.step:
                spent["scoring"] += now - scoring_since
            case TrialFinished():
                assert event.result.outcome is Outcome.COMPLETED, event.result.cause
                spent["training"] += event.result.costs.train_seconds or 0.0
                # the untrained network is scored too, which takes as long as its last scoring
                spent["scoring"] += (event.result.costs.embed_seconds or 0.0) + (
                    event.result.costs.search_seconds or 0.0
                )
            case RunFinished():
                print(f"{event.completed} trials of {event.planned}")
                spent["whole run"] = now - started
    return spent


if __name__ == "__main__":
    main()
