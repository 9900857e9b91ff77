"""What a request becomes when it is held against data and machine."""

from pathlib import Path

import pytest

import fakes
from bench.plan.plan import Request
from bench.run.settle import settle


@pytest.mark.parametrize(("from_scratch", "kept"), [(False, True), (True, False)])
def test_a_request_from_scratch_has_no_place_for_weights_and_descriptors(
    from_scratch: bool, kept: bool, tmp_path: Path
) -> None:
    settled = settle(
        Request(variants=("cecd",), from_scratch=from_scratch),
        fakes.DATASET,
        fakes.QUERIES,
        fakes.HARDWARE,
        devices=("cpu",),
        cache=str(tmp_path),
        checkpoints=str(tmp_path),
        run_id="run",
    )
    assert (bool(settled.setting.checkpoints), bool(settled.setting.descriptors)) == (kept, kept)
