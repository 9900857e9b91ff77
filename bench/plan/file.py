"""The plan as a file that people read and edit, run again and keep: TOML, or JSON where the name ends in .json."""

import json
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.plan.form import REQUEST, TABLES, TRIAL, VERSION, check_names, values
from bench.plan.plan import Request, RunPlan, Wish
from bench.plan.text import dumps, in_json
from bench.profile.dataset import DatasetProfile
from bench.profile.hardware import HardwareProfile
from bench.result import Candidate
from bench.units import parse_duration


def read(path: Path) -> Request:
    """What the file asks for: its trials, in order, as wishes.

    Raises: UsageError: it cannot be read or holds what no plan can; the message says where.
    """
    document = _parse(path)
    _check_version(document, path)
    check_names(document, TABLES, str(path))
    asked = values(document.get("request", {}), REQUEST, f"{path}, request")
    trials = document.get("trial", [])
    if not isinstance(trials, list):
        raise UsageError(f"{path}: trial is no list of tables: head each trial with [[trial]], in double brackets")
    if not trials:
        raise UsageError(f"{path} holds no trial: head each with [[trial]]")
    wishes = tuple(_wish(trial, f"{path}, trial {number}") for number, trial in enumerate(trials, start=1))
    _check_repeats(wishes, path)
    budget, precision = asked.pop("time_budget", None), asked.pop("precision", "auto")
    try:
        seconds = None if budget is None else parse_duration(budget)
    except UsageError as error:
        raise UsageError(f"{path}, request: time_budget: {error}") from error
    return Request(
        **asked, time_budget_seconds=seconds, precision=None if precision == "auto" else precision, wishes=wishes
    )


def write(plan: RunPlan, request: Request, *, hardware: HardwareProfile, dataset: DatasetProfile, path: Path) -> None:
    """Write the plan where `read` finds it; a file that is there is replaced.

    Raises: UsageError: it cannot be written there.
    """
    text = dumps(plan, request, hardware=hardware, dataset=dataset, path=path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _parse(path: Path) -> dict[str, Any]:
    kind = "JSON" if in_json(path) else "TOML"
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
        if not text.strip():
            raise UsageError(f"{path} is empty: csmae-bench plan makes a plan file")
        document = json.loads(text) if in_json(path) else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} is no {kind}: {error.msg} (at line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise UsageError(f"{path} is no {kind} that can be read: its brackets are nested too deep") from error
    except ValueError as error:  # TOML's own, which tell the line, and numbers with thousands of digits
        raise UsageError(f"{path} is no {kind}: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is no plan file: it holds no version and no trials")
    return document


def _check_version(document: Mapping[str, Any], path: Path) -> None:
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise UsageError(f"{path} does not say that it is a plan file: it must hold version = {VERSION}, at the top")
    if version > VERSION:
        raise UsageError(
            f"{path} was written by a newer csmae-bench (version {version}, this one reads {VERSION}): "
            "upgrade csmae-advisor, or make the plan again"
        )


def _wish(table: object, where: str) -> Wish:
    given = values(table, TRIAL, where)
    candidate = Candidate(variant=given.pop("variant"), size=given.pop("size"))
    try:
        return Wish(candidate=candidate, rungs=tuple(given.pop("rungs", ())), **given)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def _check_repeats(wishes: Collection[Wish], path: Path) -> None:
    """Refuse a trial that trains what another one trains."""
    seen: dict[tuple[object, ...], int] = {}
    for number, wish in enumerate(wishes, start=1):
        first = seen.setdefault((wish.candidate, wish.seed, wish.steps, wish.train_pairs), number)
        if first != number:
            raise UsageError(
                f"{path}, trial {number} is trial {first} again ({wish.candidate.title}, seed {wish.seed}, "
                f"{wish.steps} steps): give it another seed, or leave it out"
            )
