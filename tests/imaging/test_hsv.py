"""Hue, saturation and value against OpenCV, every byte."""

import cv2
import numpy as np
import pytest
import torch

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.hsv import hsv


def test_every_colour_in_hsv() -> None:
    """All 4096 products of 16 levels, and a million random colours."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    some = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    some[:300] //= 20
    for image in (cube, some):
        got = hsv(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0)
        np.testing.assert_array_equal(got.numpy(), cv2.cvtColor(image, cv2.COLOR_RGB2HSV))


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"float32 of shape \(3, 4, 4\)"):
        hsv(torch.zeros(3, 4, 4))
    with pytest.raises(InputError, match=r"\(1, 4, 4\)"):
        hsv(torch.zeros(1, 4, 4, dtype=torch.uint8))
