import math

import pytest
import torch
from torch import Tensor

from models.config import Sensor
from models.losses import Losses, discrepancy, nt_xent, reconstruction_error


def _cosine(a: Tensor, b: Tensor) -> float:
    x: list[float] = a.tolist()
    y: list[float] = b.tolist()
    dot = sum(i * j for i, j in zip(x, y, strict=True))
    return dot / math.sqrt(sum(i * i for i in x) * sum(j * j for j in y))


@pytest.fixture
def descriptors() -> Tensor:
    return torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_mim_is_the_log_share_of_the_partner_among_all_others(descriptors: Tensor, temperature: float) -> None:
    flat = descriptors.flatten(0, 1)
    losses = []
    for anchor in range(10):
        weights = {
            other: math.exp(_cosine(flat[anchor], flat[other]) / temperature) for other in range(10) if other != anchor
        }
        losses.append(-math.log(weights[(anchor + 5) % 10] / sum(weights.values())))
    found = nt_xent(descriptors[0], descriptors[1], temperature=temperature)
    assert found.item() == pytest.approx(sum(losses) / 10, rel=1e-5)


def test_mim_refuses_a_single_pair_in_words(descriptors: Tensor) -> None:
    with pytest.raises(ValueError, match="at least 2 pairs"):
        nt_xent(descriptors[0, :1], descriptors[1, :1], temperature=0.5)


def test_mim_is_computed_in_float32_under_autocast(descriptors: Tensor) -> None:
    plain = nt_xent(descriptors[0], descriptors[1], temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert nt_xent(descriptors[0], descriptors[1], temperature=0.01).item() == pytest.approx(plain.item())


def test_mde_is_the_softplus_of_the_cosine_negated(descriptors: Tensor) -> None:
    expected = [-math.log(1 + math.exp(_cosine(a, b))) for a, b in zip(*descriptors, strict=True)]
    assert discrepancy(descriptors[0], descriptors[1]).item() == pytest.approx(sum(expected) / 5, rel=1e-5)


def test_mde_is_least_for_descriptors_of_the_same_direction(descriptors: Tensor) -> None:
    apart, together = discrepancy(descriptors[0], descriptors[1]), discrepancy(descriptors[0], 3 * descriptors[0])
    assert together < apart


def test_reconstruction_error_averages_squares() -> None:
    drawn, true = torch.zeros(2, 2, 2), torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 2.0]]])
    assert reconstruction_error(drawn, true).item() == pytest.approx((1 + 4 + 9 + 16 + 4) / 8)


def test_the_total_is_the_sum_of_what_the_objective_holds() -> None:
    error: dict[tuple[Sensor, Sensor], float] = {
        ("s1", "s1"): 1.0,
        ("s2", "s2"): 2.0,
        ("s1", "s2"): 4.0,
        ("s2", "s1"): 8.0,
    }
    tensors = {pair: torch.tensor(value) for pair, value in error.items()}
    losses = Losses.of(tensors, mde=torch.tensor(-0.5))
    assert losses.umr is not None
    assert losses.cmr is not None
    assert (losses.umr.item(), losses.cmr.item(), losses.mim, losses.total.item()) == (3.0, 12.0, None, 14.5)
    assert (set(losses.umr_by), set(losses.cmr_by)) == ({"s1", "s2"}, {("s1", "s2"), ("s2", "s1")})
