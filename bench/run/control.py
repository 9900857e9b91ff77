"""What a user may ask of a run while it goes on: from any thread, and from a signal's handler."""

from collections.abc import Callable


class Control:
    """Carries wishes to the run that it was given to; before and after that run they change nothing."""

    def __init__(self) -> None:
        self.stopping = False
        """Whether the run was asked to end."""
        self._end_trial: Callable[[str | None], None] | None = None

    def stop(self) -> None:
        """No further trial; those that run save what can be gone on with, and end."""
        self.stopping = True
        self.cancel(None)

    def cancel(self, trial_id: str | None) -> None:
        """End this trial, or all that run, as cancelled; the run goes on with the next."""
        if self._end_trial:
            self._end_trial(trial_id)

    def bind(self, end_trial: Callable[[str | None], None]) -> None:
        """Say who ends a trial."""
        self._end_trial = end_trial
