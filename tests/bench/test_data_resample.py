import numpy as np
import pytest
import torch

from bench.data.resample import bicubic_matrix, resize


@pytest.mark.parametrize(("source", "target"), [(60, 120), (20, 120), (60, 121), (7, 5), (32, 64), (9, 9), (2, 5)])
def test_it_is_torchs_bicubic_with_aligned_corners(source: int, target: int) -> None:
    images = np.random.default_rng(source).uniform(1, 16_000, (3, source, source)).astype(np.float32)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(images)[None], size=(target, target), mode="bicubic", align_corners=True
    )[0]
    np.testing.assert_allclose(resize(images, target), wanted.numpy(), rtol=1e-4, atol=0.1)


def test_a_constant_image_stays_constant() -> None:
    np.testing.assert_allclose(bicubic_matrix(60, 120).sum(axis=1), 1, rtol=1e-6)
