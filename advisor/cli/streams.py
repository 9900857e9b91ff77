"""The two streams: data on standard output, talk on standard error. What comes from data is shown as plain text."""

from collections.abc import Sequence
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.text import Text

from advisor import __version__
from bench.errors import ExitCode

SCHEMA_VERSION: Final = 1
"""Goes up when a field of the envelope or of a command's data changes its meaning or goes away."""


class PlainConsole(Console):
    """Prints strings as they are: no markup, no emoji codes, no control characters."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  rich's own
        super().__init__(markup=False, emoji=False, highlight=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:  # noqa: ANN401  rich's own
        """Every string printed comes through here, those in tables too."""
        return super().render_str(printable(text), **settings)


def stdout() -> Console:
    """Where data goes."""
    return PlainConsole()


def stderr(*, quiet: bool = False) -> Console:
    """Where talk, progress and errors go; a quiet one swallows them."""
    return PlainConsole(stderr=True, quiet=quiet)


def printable(text: str) -> str:
    """The text with what would move the cursor or change a colour replaced."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def envelope(command: str, code: ExitCode, data: object, *, warnings: Sequence[str] = ()) -> None:
    """Print the one JSON document of a command on standard output; records become objects, NaN becomes null."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "command": command,
        "status": code.name.lower(),
        "data": data,
        "warnings": list(warnings),
    }
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
