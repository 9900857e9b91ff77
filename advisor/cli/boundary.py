"""The outermost layer: imports the command that is asked for, and turns every ending into words and an exit code."""

import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from itertools import takewhile
from typing import Any, Final

import rich_click as click
from platformdirs import user_state_path

from advisor.cli.options import unknown
from advisor.cli.streams import envelope, stderr
from bench.errors import BenchError, ExitCode

PROGRAM: Final = "csmae-bench"


class LazyGroup(click.RichGroup):
    """Commands that are imported when they are asked for."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401  click's own
        super().__init__(*args, **settings)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Their names, in the order of the table."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  the same
        """The command of this name, imported now."""
        if cmd_name not in self._modules:
            return None
        command: click.Command = import_module(self._modules[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the words begin with, or the nearest one in an error."""
        if args[0] not in self._modules:
            ctx.fail(unknown("command", self._modules, args[0]))
        return super().resolve_command(ctx, args)


def answer(group: click.Group, words: Sequence[str]) -> ExitCode:
    """Run the command that the words name; no exception but `SystemExit` and `KeyboardInterrupt` leaves it."""
    try:
        # typed words travel as the context's object: a run records the command line that asked for it
        code = group.main(list(words), PROGRAM, standalone_mode=False, obj=tuple(words))
    except click.Abort:
        return _report(group, words, ExitCode.INTERRUPTED, "interrupted")
    except click.ClickException as error:
        return _report(group, words, ExitCode.USAGE, f"error: {error.format_message()}")
    except BenchError as error:
        return _report(group, words, error.exit_code, f"error: {error}")
    except Exception as error:  # noqa: BLE001  whatever it is, a user is told in a sentence where the traceback lies
        return _report(group, words, ExitCode.FAILED, f"error: {_bug(error)}")
    return ExitCode(code or ExitCode.DONE)


def _report(group: click.Group, words: Sequence[str], code: ExitCode, sentence: str) -> ExitCode:
    """Say how it ended on standard error, and in an envelope where one was asked for."""
    stderr().print(f"{PROGRAM}: {sentence}", soft_wrap=True)
    if "--json" in takewhile(lambda word: word != "--", words):
        envelope(_named(group, words), code, {"error": sentence.removeprefix("error: ")})
    return code


def _named(command: click.Command, words: Sequence[str]) -> str:
    """The command that the words ask for, as "profile data"."""
    names: list[str] = []
    for word in words:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        names.append(word)
        command = found
    return " ".join(names)


def _bug(error: Exception) -> str:
    """Write the traceback where it can be found, and say where."""
    what = f"this is a bug in {PROGRAM}: {type(error).__name__}: {error}"
    now = datetime.now(UTC)
    path = user_state_path("csmae-advisor") / "crashes" / f"{now:%Y%m%dT%H%M%S.%f}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as failure:
        return f"{what} (the traceback could not be written to {path}: {failure.strerror})"
    return f"{what} (traceback: {path})"
