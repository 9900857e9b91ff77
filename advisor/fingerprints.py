"""SHA-256 of stored trials: the same content, the same string, whatever store it is read from."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

import msgspec

from bench.result import Costs, TrialResult


def content_hash(trial: TrialResult) -> str:
    """Of all that a trial is and measured, but for times, the machine's costs and what was predicted of them."""
    lasting = replace(
        trial,
        costs=Costs(parameters=trial.costs.parameters, micro_batches=trial.costs.micro_batches),
        losses=tuple(replace(lap, seconds=0.0) for lap in trial.losses),
        rungs=tuple(replace(rung, seconds=0.0) for rung in trial.rungs),
        predictions=(),
        marks=(),
    )
    return _sha256(lasting)


def scores_hash(trial: TrialResult) -> str:
    """Of what training and scoring the same again gives again."""
    return _sha256((trial.scores, trial.query_scores, trial.class_scores))


def _sha256(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(_plain(content), order="deterministic")).hexdigest()


def _plain(value: object) -> object:
    """Records as objects without their empty fields, so that one that is added later changes no hash."""
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _plain(found) for name, found in own.items() if found not in (None, (), "")}
    if isinstance(value, Mapping):
        return {name: _plain(found) for name, found in value.items()}
    if isinstance(value, tuple) and value and not isinstance(value[0], float):  # values of queries are many
        return [_plain(one) for one in value]
    return value
