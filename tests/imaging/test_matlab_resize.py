"""MATLAB's imresize against piq's, which computes in float32."""

import pytest
import torch
from piq.functional import imresize

from thm_torchmetrics.imaging.matlab_resize import resize_as_matlab


@pytest.mark.parametrize("size", [(48, 60), (47, 61), (20, 33), (3, 2)])
def test_shrinking_is_that_of_piq(size: tuple[int, int]) -> None:
    images = torch.rand(2, 1, 96, 121, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = imresize(images, sizes=size)
    torch.testing.assert_close(resize_as_matlab(images, size), expected, rtol=0, atol=5e-6)


def test_enlarging_is_that_of_piq() -> None:
    images = torch.rand(2, 1, 9, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = imresize(images, sizes=(20, 31))
    torch.testing.assert_close(resize_as_matlab(images, (20, 31)), expected, rtol=0, atol=5e-6)


def test_a_flat_picture_stays_flat() -> None:
    flat = torch.full((1, 11, 13), 77.0, dtype=torch.float64)
    torch.testing.assert_close(resize_as_matlab(flat, (5, 6)), flat[:, :5, :6])
