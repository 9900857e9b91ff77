"""A trial in hand: what it tells, and what is seen of the machine meanwhile."""

from time import monotonic

from bench.plan.plan import TrialPlan
from bench.result import Provenance, TrialResult
from bench.run.ledger import Ledger
from bench.run.watch import Watch


class Hand:
    """Holds one running trial together until its result is asked for."""

    def __init__(self, trial: TrialPlan, *, number: int, provenance: Provenance) -> None:
        """Look at the machine from now on."""
        self.trial, self.number, self.provenance = trial, number, provenance
        self.ledger = Ledger(trial, provenance)
        self._began = monotonic()
        self._watch = Watch(trial.device)
        self._watch.start()

    def result(self) -> TrialResult:
        """The trial as far as it is known; to be asked once."""
        seen = self._watch.finish()
        return self.ledger.result(
            total_seconds=monotonic() - self._began, energy_joules=seen.energy_joules, marks=seen.marks
        )
