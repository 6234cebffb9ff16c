"""Windows against SciPy."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch

from thm_torchmetrics.imaging.windows import filter_inside, gaussian_taps


@pytest.mark.parametrize(("radius", "sigma"), [(5, 1.5), (3, 7 / 6)])
def test_taps_are_a_gaussian_that_sums_to_one(radius: int, sigma: float) -> None:
    impulse = np.eye(1, 2 * radius + 1, radius)[0]
    expected = scipy.ndimage.gaussian_filter1d(impulse, sigma, radius=radius, mode="constant")
    assert gaussian_taps(radius, sigma) == pytest.approx(expected / expected.sum(), rel=1e-12)


def test_the_filter_is_a_convolution_of_the_positions_inside() -> None:
    maps = torch.rand(2, 13, 17, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    taps = gaussian_taps(2, 1.0)
    for given, filtered in zip(maps, filter_inside(maps, taps), strict=True):
        expected = scipy.signal.convolve2d(given, np.outer(taps, taps), mode="valid")
        assert filtered.numpy() == pytest.approx(expected, rel=1e-12)
