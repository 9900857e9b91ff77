"""Takes out of a recording what names a person, a machine, a job or a device, and nothing that a profile is made of."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from bench.profile import cgroup
from bench.profile.nvml import Card
from bench.profile.recording import Recording

_NAMING: Final = {"SLURM_JOB_ID": "1"}
"""Variables that matter by being there, and what is kept of them."""

_UUID: Final = re.compile(r"(GPU|MIG)-[^,\s]*")


def scrubbed(recording: Recording) -> Recording:
    """The recording without names: groups become "group-1", devices "GPU-1"."""
    cards = recording.nvml.cards
    devices = _renamed(card.uuid for one in cards for card in (one, *one.instances) if card.uuid)
    variables = recording.variables | {name: _NAMING[name] for name in recording.variables if name in _NAMING}
    if chosen := variables.get("CUDA_VISIBLE_DEVICES"):
        variables["CUDA_VISIBLE_DEVICES"] = _UUID.sub(lambda match: _device(match[0], devices), chosen)
    return replace(
        recording,
        files=_without_groups(recording.files),
        variables=variables,
        nvml=replace(recording.nvml, cards=tuple(_card(card, devices) for card in cards)),
    )


def _renamed(uuids: Iterable[str]) -> dict[str, str]:
    """New names for devices: of one length, so that none is the beginning of another."""
    return {uuid: f"{uuid.partition('-')[0]}-{number:04}" for number, uuid in enumerate(uuids, start=1)}


def _device(word: str, devices: Mapping[str, str]) -> str:
    """The new name of the device whose UUID begins so; a word that names none, or several, still does."""
    named = [new for uuid, new in devices.items() if uuid.startswith(word) and word not in {"GPU-", "MIG-"}]
    return named[0] if len(named) == 1 else f"{word[:4]}{'' if named or len(word) == 4 else 'unknown'}"


def _card(card: Card, devices: Mapping[str, str]) -> Card:
    return replace(
        card,
        uuid=card.uuid and devices[card.uuid],
        instances=tuple(_card(instance, devices) for instance in card.instances),
    )


def _without_groups(files: Mapping[str, str]) -> dict[str, str]:
    """The files, with the folders of control groups numbered: they name users, services, containers and jobs."""
    membership = files.get(cgroup.MEMBERSHIP)
    if membership is None:
        return dict(files)
    numbers: dict[str, str] = {}
    lines = []
    for line in membership.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        parts = [
            name if name in {"", ".."} else numbers.setdefault(name, f"group-{len(numbers) + 1}")
            for name in group.split("/")
        ]
        lines.append(f"{number}:{controllers}:{'/'.join(parts)}")
    text = "\n".join(lines)
    old_paths, new_paths = cgroup.paths(membership), cgroup.paths(text)
    moved = dict(zip(old_paths, new_paths, strict=True))
    others = {path: content for path, content in files.items() if path not in moved}
    return {
        **others,
        cgroup.MEMBERSHIP: text,
        **{new: files[old] for old, new in moved.items() if old in files},
    }
