"""What the command palette offers of ours: one row an action."""

from typing import Final, NamedTuple


class Offer(NamedTuple):
    """One line of the palette."""

    title: str
    purpose: str
    action: str
    """Of the app. Offered only while the app allows it."""
    headless: str
    """What does the same without a terminal; empty for what only a screen has."""


PALETTE: Final = (
    Offer("Show profile", "Machine and data", "show_mode('profile')", ""),
    Offer("Show run", "Trials and their curves", "show_mode('run')", ""),
    Offer("Show advice", "What to train, and why", "show_mode('advice')", ""),
    Offer("Start the run", "Train and score every candidate", "start_run", "csmae-bench run"),
    Offer("Stop the run", "What has finished is kept", "stop_run", ""),
    Offer("Look again", "Read machine and data again", "read_profile", "csmae-bench profile"),
    Offer("Read again", "The advice of the last run in the store", "read_report", "csmae-bench recommend"),
    Offer("Copy command", "The command line that runs the same without a terminal", "copy_command", ""),
)
