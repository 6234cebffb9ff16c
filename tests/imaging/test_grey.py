"""Grey frames against OpenCV."""

import cv2
import pytest
import torch

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.grey import grey_levels


def test_grey_is_that_of_opencv() -> None:
    frames = torch.randint(0, 256, (2, 3, 64, 300), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for given in (frames, frames.to(torch.float32) / 255):
        for ours, frame in zip(grey_levels("frames", given), frames, strict=True):
            expected = cv2.cvtColor(frame.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY)
            assert (ours.numpy() == expected).all()


def test_values_that_no_pixel_has_are_named() -> None:
    with pytest.raises(InputError, match="`frames` has dtype"):
        grey_levels("frames", torch.full((1, 3, 4, 4), 255.0))
