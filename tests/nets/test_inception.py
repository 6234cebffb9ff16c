"""The TensorFlow-1 resize of FIDInception against torch-fidelity's."""

import pytest
import torch

from thm_torchmetrics.nets.inception import _resize_from_corner

reference = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow")


@pytest.mark.parametrize("size", [(299, 299), (64, 300), (451, 37), (1, 2), (598, 149)])
def test_resize_from_corner(size: tuple[int, int]) -> None:
    images = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(3)) * 255
    expected = reference.interpolate_bilinear_2d_like_tensorflow1x(images, size=(299, 299), align_corners=False)
    torch.testing.assert_close(_resize_from_corner(images, 299), expected, rtol=0, atol=2e-4)


def test_resize_in_closed_form() -> None:
    ramp = torch.arange(4, dtype=torch.float32).repeat(1, 1, 4, 1)
    resized = _resize_from_corner(ramp, 8)
    expected = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0])
    torch.testing.assert_close(resized[0, 0, 0], expected, rtol=0, atol=0)
