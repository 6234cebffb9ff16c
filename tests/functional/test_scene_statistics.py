"""Statistics of natural scenes in closed forms."""

import math

import pytest
import torch

from thm_torchmetrics.functional.scene_statistics import asymmetric_gaussian, luma_levels, nearest_shape


def test_the_grey_of_a_grey_level_is_that_level() -> None:
    grey = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
    assert luma_levels(grey, "grey")[0, 0].tolist() == [*range(256)]


def test_halves_of_mixed_colors_are_rounded_up() -> None:
    color = torch.tensor([250, 0, 0], dtype=torch.uint8).reshape(1, 3, 1, 1)  # 74.75
    half = torch.tensor([0, 50, 100], dtype=torch.uint8).reshape(1, 3, 1, 1)  # 29.35 + 11.4 = 40.75
    tie = torch.tensor([0, 250, 250], dtype=torch.uint8).reshape(1, 3, 1, 1)  # 146.75 + 28.5 = 175.25
    exact = torch.tensor([0, 0, 250], dtype=torch.uint8).reshape(1, 3, 1, 1)  # 28.5
    levels = [luma_levels(each, "grey").item() for each in (color, half, tie, exact)]
    assert levels == [75, 41, 175, 29]


def test_black_and_white_of_ycbcr() -> None:
    frames = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
    assert luma_levels(frames, "ycbcr").flatten().tolist() == [16, 235]


@pytest.mark.parametrize(("shape", "ratio"), [(1.0, 2.0), (2.0, math.pi / 2)])
def test_the_shape_of_a_known_distribution_is_found(shape: float, ratio: float) -> None:
    """Laplace has the variance of twice the squared mean magnitude, the Gaussian of pi / 2 times."""
    assert nearest_shape(torch.tensor([ratio], dtype=torch.float64), inverse=False).item() == pytest.approx(shape)
    assert nearest_shape(torch.tensor([1 / ratio], dtype=torch.float64), inverse=True).item() == pytest.approx(shape)


def test_the_fit_of_gaussian_samples_is_their_gaussian() -> None:
    sizes = torch.randn(1, 300_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).abs()
    samples = torch.cat([-2 * sizes[:, :200_000], sizes[:, 200_000:]], dim=1)  # equally dense on both sides of 0
    shape, left, right = asymmetric_gaussian(samples)
    assert [shape.item(), left.item(), right.item()] == pytest.approx([2, 2, 1], rel=0.02)


def test_values_of_one_sign_have_no_fit() -> None:
    assert asymmetric_gaussian(torch.ones(1, 9))[0].isnan().all()
