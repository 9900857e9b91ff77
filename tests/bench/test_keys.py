"""What changes the key of a result, and what does not."""

from dataclasses import replace
from typing import Any

import pytest

from bench.plan.keys import result_key, trunk_key
from fakes import DATASET, data_use, trial_plan, trial_result

PLAN = trial_plan(trial_result())
DATA = data_use()


@pytest.mark.parametrize(
    "change",
    [
        {"model": replace(PLAN.model, masking="identical")},
        {"seed": 1},
        {"precision": "bf16"},
        {"training": replace(PLAN.training, batch_pairs=8)},
        {"training": replace(PLAN.training, learning_rate=1e-4)},
        {"training": replace(PLAN.training, warmup_steps=5)},
        {"training": replace(PLAN.training, weight_decay=0.0)},
        {"training": replace(PLAN.training, betas=(0.9, 0.999))},
        {"data": replace(DATA, fingerprint="00" * 32)},
        {"data": replace(DATA, train_pairs=DATASET.pairs["train"] // 2)},
    ],
)
def test_what_changes_the_weights_changes_both_keys(change: dict[str, Any]) -> None:
    changed = replace(PLAN, **change)
    assert trunk_key(changed) != trunk_key(PLAN)
    assert result_key(changed) != result_key(PLAN)


@pytest.mark.parametrize(
    "change",
    [
        {"training": replace(PLAN.training, steps=200)},
        {"training": replace(PLAN.training, decay_share=0.5)},
        {"k": 5},
        {"data": replace(DATA, query_pairs=4)},
        {"data": replace(DATA, archive_pairs=16)},
    ],
)
def test_what_changes_the_scores_of_the_same_trunk_changes_the_result_alone(change: dict[str, Any]) -> None:
    changed = replace(PLAN, **change)
    assert trunk_key(changed) == trunk_key(PLAN)
    assert result_key(changed) != result_key(PLAN)


@pytest.mark.parametrize(
    "change",
    [
        {"trial_id": "x"},
        {"run_id": "x"},
        {"device": "cuda:1"},
        {"threads": 7},
        {"cache": "elsewhere"},
        {"checkpoints": "elsewhere"},
        {"rungs": (10,)},
        {"micro_batches": 4},
        {"memory_limit_bytes": 10**9},
        {"predicted_seconds": 99.0},
        {"timeout_seconds": 99.0},
        {"purpose": "another"},
        {"retry_of": "x"},
        {"data": replace(DATA, name="renamed")},
        {"data": replace(DATA, layout="moved")},
    ],
)
def test_what_changes_no_number_changes_no_key(change: dict[str, Any]) -> None:
    changed = replace(PLAN, **change)
    assert result_key(changed) == result_key(PLAN)
