"""csmae-bench: the benchmark and its advice without a screen. Importing this loads no torch, DuckDB or NumPy."""

import sys
from io import TextIOWrapper
from typing import Final, NoReturn

import rich_click as click

from advisor import __version__
from advisor.cli.boundary import LazyGroup, answer
from advisor.cli.options import examples

COMMANDS: Final = {
    "run": "advisor.cli.run",
    "plan": "advisor.cli.plan",
    "recommend": "advisor.cli.recommend",
    "receipt": "advisor.cli.receipt",
    "verify": "advisor.cli.verify",
    "guideline": "advisor.cli.guideline",
    "profile": "advisor.cli.profile",
    "estimate": "advisor.cli.estimate",
    "edge": "advisor.cli.edge",
    "index": "advisor.cli.index",
    "gallery": "advisor.cli.gallery",
    "curves": "advisor.cli.curves",
    "emit": "advisor.cli.emit",
    "train": "advisor.cli.train",
    "sql": "advisor.cli.sql",
    "doctor": "advisor.cli.doctor",
}
"""Each command, and the module that holds it as `command`."""


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "rich_help_config": {
            "theme": "default-slim",
            "options_table_help_sections": ["help", "default", "envvar"],
            "text_paragraph_linebreaks": "\n\n",
        },
    },
    epilog=examples(
        "csmae-bench run",
        "csmae-bench run --data my-pairs --time-budget 40m",
        "csmae-bench recommend",
        'csmae-bench sql "from leaderboard"',
    ),
)
@click.version_option(__version__, "-V", "--version", message="csmae-bench %(version)s")
def bench() -> None:
    """Which cross-sensor masked autoencoder should I train?

    Trains and scores the CSMAE variants on your Sentinel-1/2 pairs in short trials, keeps every outcome in
    results.duckdb, and says what to train and why.

    Exit codes: 0 done; 1 a trial failed; 2 wrong use or unusable data; 3 store busy or unreadable; 4 the time budget
    ended before a usable result; 5 nothing fits this machine; 130 Ctrl-C and 143 SIGTERM, finished trials are kept.
    """


def main() -> NoReturn:
    """Answer the words of the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without ± is no reason to fail
    sys.exit(answer(bench, sys.argv[1:]))
