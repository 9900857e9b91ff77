from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from toys import TOY

from bench.data.cache import CachedSplit
from bench.result import Precision, Training
from bench.run.train import Trainer, batches, learning_rate, step_seconds
from models import csmae
from models.config import ModelConfig

CPU = torch.device("cpu")


def split_of(pairs: int) -> CachedSplit:
    """Pairs whose every S1 pixel is the pair's number, and S2 its negative plus a mark in one corner."""
    number = np.arange(pairs, dtype=np.float16)[:, None, None, None]
    s1 = np.broadcast_to(number, (pairs, 2, 16, 16)).copy()
    s2 = -np.broadcast_to(number, (pairs, 10, 16, 16)).copy()
    s1[:, :, 0, 0] += 0.5
    s2[:, :, 0, 0] -= 0.5
    return CachedSplit(ids=tuple(str(i) for i in range(pairs)), s1=s1, s2=s2, labels=None)


def trainer_of(
    split: CachedSplit,
    *,
    steps: int = 8,
    precision: Precision = "fp32",
    micro_batches: int = 1,
    may_split: bool = False,
) -> Trainer:
    config = ModelConfig(
        encoder="common", decoder="common", size=TOY, bands={"s1": 2, "s2": 10}, image_pixels=16, patch_pixels=4
    )
    training = Training(steps=steps, batch_pairs=4, warmup_steps=2)
    model = csmae.build(config, seed=0)
    return Trainer(
        model,
        split,
        training,
        seed=0,
        device=CPU,
        precision=precision,
        micro_batches=micro_batches,
        may_split=may_split,
    )


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in trainer.model.named_parameters()}


def train(trainer: Trainer, steps: int) -> list[float]:
    return [trainer.step()["total"].item() for _ in range(steps)]


def same(a: Mapping[Any, torch.Tensor], b: Mapping[Any, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


class RunsOut:
    """Stands for a network's method: in chosen calls memory runs out, after the work is done."""

    def __init__(self, method: Callable[..., object], *calls: int, error: Exception | None = None) -> None:
        self.method, self.calls, self.made = method, calls, 0
        self.error = error or RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    def __call__(self, *args: object, **kwargs: object) -> object:
        made = self.method(*args, **kwargs)
        self.made += 1
        if self.made in self.calls:
            raise self.error
        return made


def test_the_rate_rises_stays_and_falls_to_nothing() -> None:
    training = Training(steps=100, batch_pairs=2, learning_rate=0.1, warmup_steps=10, decay_share=0.3)
    rates = [learning_rate(step, training) for step in range(101)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9:70] == pytest.approx([0.1] * 61)
    assert all(a > b for a, b in pairwise(rates[70:]))
    assert rates[100] == 0


@pytest.mark.parametrize("decay_share", [0.0, 0.25, 0.3, 0.5, 1.0])
def test_trainings_of_every_length_share_their_rates_until_the_shorter_one_falls(decay_share: float) -> None:
    lengths = [Training(steps=steps, batch_pairs=2, warmup_steps=7, decay_share=decay_share) for steps in range(1, 60)]
    for short, long in pairwise(lengths):
        shared = range(short.trunk_steps)
        assert [learning_rate(step, short) for step in shared] == [learning_rate(step, long) for step in shared]
        assert short.trunk_steps <= long.trunk_steps
        last = learning_rate(short.steps - 1, short)
        assert last == pytest.approx(
            min(
                learning_rate(short.steps - 1, replace(short, decay_share=0)),
                short.learning_rate / max(1, short.decay_steps),
            )
        )


def test_each_pair_is_seen_once_an_epoch_with_both_images_flipped_alike() -> None:
    stream = batches(split_of(12), 4, seed=3, device=CPU)
    corners = {(0, 0), (0, 15), (15, 0), (15, 15)}
    places = set()
    for _ in range(2):
        epoch = [next(stream) for _ in range(3)]
        seen = sorted(int(images["s1"][i, 0, 5, 5]) for images in epoch for i in range(4))
        assert seen == list(range(12))
        for images in epoch:
            assert torch.equal(images["s1"][:, 0], -images["s2"][:, 0])
            for image in images["s1"][:, 0]:
                marked = [(r, c) for r, c in corners if image[r, c] != image[5, 5]]
                assert len(marked) == 1
                places.add(marked[0])
    assert places == corners


def test_the_last_incomplete_batch_is_left_out() -> None:
    stream = batches(split_of(10), 4, seed=0, device=CPU)
    assert [next(stream)["s1"].shape[0] for _ in range(5)] == [4] * 5


@pytest.mark.parametrize("skipped", [0, 1, 2, 3, 7])
def test_skipped_batches_leave_the_later_ones_as_they_are(skipped: int) -> None:
    whole = [*islice(batches(split_of(13), 4, seed=3, device=CPU), 10)]
    rest = [*islice(batches(split_of(13), 4, seed=3, device=CPU, skip=skipped), 10 - skipped)]
    for expected, found in zip(whole[skipped:], rest, strict=True):
        assert same(found, expected)


def test_skipped_batches_are_not_read() -> None:
    split = split_of(8)
    unreadable = replace(split, s1=split.s1[:0], s2=split.s2[:0])
    stream = batches(unreadable, 4, seed=0, device=CPU, skip=5)
    with pytest.raises(IndexError):
        next(stream)


def test_only_the_pairs_asked_for_are_seen() -> None:
    rows = np.array([1, 4, 5, 9, 11])
    stream = batches(split_of(12), 2, seed=0, device=CPU, rows=rows)
    seen = {int(value) for images in islice(stream, 20) for value in images["s1"][:, 0, 5, 5]}
    assert seen == {1, 4, 5, 9, 11}


def test_making_the_state_of_the_optimiser_leaves_the_network_as_it_was_built() -> None:
    trainer = trainer_of(split_of(12))
    assert same(weights(trainer), dict(csmae.build(trainer.model.config, seed=0).named_parameters()))
    moments = trainer.state()["moments"]
    assert not any(tensor.any() for held in moments.values() for tensor in held.values())


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_restored_training_goes_on_to_the_same_weights(precision: Precision) -> None:
    straight = trainer_of(split_of(13), precision=precision)
    train(straight, 3)
    kept = straight.state()
    other = trainer_of(split_of(13), precision=precision)
    other.restore(kept)
    assert (other.steps_done, train(other, 5)) == (3, train(straight, 5))
    assert same(weights(other), weights(straight))


def test_a_branch_is_a_training_of_its_length_and_leaves_no_trace() -> None:
    plain, short, forked = (
        trainer_of(split_of(12), steps=20),
        trainer_of(split_of(12)),
        trainer_of(split_of(12), steps=20),
    )
    expected = train(short, 8)
    train(forked, short.training.trunk_steps)
    with forked.branch(8):
        assert train(forked, short.training.decay_steps) == expected[short.training.trunk_steps :]
        assert same(weights(forked), weights(short))
    assert forked.steps_done == short.training.trunk_steps
    train(forked, 20 - forked.steps_done)
    train(plain, 20)
    assert same(weights(forked), weights(plain))


def test_the_state_of_another_network_is_refused_and_nothing_is_taken_over() -> None:
    trainer = trainer_of(split_of(12))
    state, before = trainer.state(), weights(trainer)
    train(trainer, 1)
    after = weights(trainer)
    last = list(state["weights"])[-1]
    with pytest.raises(ValueError, match="the state of another training"):
        trainer.restore(state | {"weights": state["weights"] | {last: torch.zeros(1)}})
    with pytest.raises(ValueError, match="another kind of device"):
        trainer.restore(state | {"noise": torch.zeros(16, dtype=torch.uint8)})
    assert same(weights(trainer), after)
    assert not same(after, before)


@pytest.mark.parametrize(
    "error", [None, MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")]
)
@pytest.mark.parametrize("fails", ["forward", "draw_noise"])
def test_a_batch_that_does_not_fit_is_trained_in_parts_with_the_same_pairs_and_masks(
    monkeypatch: pytest.MonkeyPatch, fails: str, error: Exception | None
) -> None:
    halved, from_the_start = trainer_of(split_of(12), may_split=True), trainer_of(split_of(12))
    expected = train(from_the_start, 1)
    from_the_start.micro_batches = 2
    expected += train(from_the_start, 2)
    monkeypatch.setattr(halved.model, fails, RunsOut(getattr(halved.model, fails), 2, error=error))
    assert train(halved, 3) == expected
    assert halved.micro_batches == 2
    assert same(weights(halved), weights(from_the_start))


def test_gradients_of_parts_that_fitted_are_dropped_with_those_that_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    halved, from_the_start = (
        trainer_of(split_of(12), may_split=True, micro_batches=2),
        trainer_of(split_of(12), micro_batches=4),
    )
    # the second part: the first has left its gradients already
    monkeypatch.setattr(halved.model, "parts", RunsOut(halved.model.parts, 2))
    assert train(halved, 3) == train(from_the_start, 3)
    assert halved.micro_batches == 4
    assert same(weights(halved), weights(from_the_start))


def test_training_in_parts_follows_the_plain_training() -> None:
    plain, parted = trainer_of(split_of(12)), trainer_of(split_of(12), micro_batches=3)
    assert train(parted, 8) == pytest.approx(train(plain, 8), rel=1e-4)


def test_memory_that_does_not_hold_one_pair_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(split_of(12), may_split=True)
    monkeypatch.setattr(trainer.model, "draw_noise", RunsOut(trainer.model.draw_noise, *range(9)))
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        trainer.step()
    assert trainer.micro_batches == 4


def test_a_measurement_never_splits_the_batch_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(split_of(12))
    monkeypatch.setattr(trainer.model, "forward", RunsOut(trainer.model.forward, 2))
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        step_seconds(trainer, budget_seconds=0)
    assert trainer.micro_batches == 1


def test_an_error_that_is_not_of_memory_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(split_of(12), may_split=True)
    monkeypatch.setattr(
        trainer.model, "forward", RunsOut(trainer.model.forward, 1, error=RuntimeError("shapes differ"))
    )
    with pytest.raises(RuntimeError, match="shapes differ"):
        trainer.step()
