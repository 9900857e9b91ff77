"""csmae-bench doctor: what this machine answers, for a report, and whether a run has what it needs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from advisor.cli import options
from advisor.cli.blocks import items
from advisor.cli.machine import sheet
from advisor.cli.streams import envelope, stderr, stdout
from bench.errors import ExitCode, UsageError

if TYPE_CHECKING:  # loads psutil and NVML
    from bench.profile.checks import Check

SIGNS: Final = "±−─→"
"""What tables and sentences are written with."""

MARKS: Final = {True: "ok", False: "NOT MET", None: "-"}


@click.command("doctor", epilog=options.examples("csmae-bench doctor", "csmae-bench doctor -o machine.json"))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the recording to this file, which --simulate FILE reads, instead of printing it.",
)
@options.database
@options.as_json
def command(*, output: Path | None, database: Path, as_json: bool) -> ExitCode:
    """Check what a run needs, and record what this machine answers.

    The recording holds no names of users, hosts, folders, jobs or devices: it can be sent along with a report.

    Exit code 1: a check is not met.
    """
    from bench.profile.checks import Check, checks  # noqa: PLC0415  --help does without psutil and NVML
    from bench.profile.recording import dump, record  # noqa: PLC0415  the same
    from bench.profile.scrub import scrubbed  # noqa: PLC0415  the same

    raw = record()
    recording = scrubbed(raw)
    talk = stderr()
    talk.print("starting the training process, which takes seconds")
    found = [*checks(raw, database), _terminal(Check)]
    code = ExitCode.FAILED if any(check.met is False for check in found) else ExitCode.DONE
    text = dump(recording)
    if output:
        _write(output, text)
    if as_json:
        envelope("doctor", code, {"checks": found, "recording": recording})
        return code
    console = stdout()
    console.print(items(*((MARKS[check.met], f"{check.name}: {check.words}") for check in found)))
    console.print()
    console.print(sheet(recording.versions))
    if not output:
        console.print()
        click.echo(text)
    else:
        talk.print(f"recorded in {output}", soft_wrap=True)
    return code


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"-o {path}: the recording cannot be written: {error.strerror}") from error


def _terminal(check: "type[Check]") -> "Check":
    """Whether the terminal's character set has the signs that answers are written with."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        SIGNS.encode(encoding)
    except UnicodeEncodeError:
        words = f"{encoding} lacks {len(SIGNS)} signs that tables are drawn with: set LANG=C.UTF-8"
        return check(name="locale", met=False, words=words)
    width = stdout().width
    return check(name="locale", met=True, words=f"{encoding} has all signs; the terminal is {width} columns wide")
