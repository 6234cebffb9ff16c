"""Arrays of OpenCV, Pillow and scikit-image beside tensors."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor


def planes(images: npt.NDArray[np.uint8]) -> Tensor:
    """Images ``(N, H, W, C)`` as a tensor ``(N, C, H, W)``, still laid out as the array."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def as_image(crop: Tensor) -> npt.NDArray[np.int64]:
    """``(3, H, W)`` as ``(H, W, 3)``, signed so that differences can be taken."""
    return crop.permute(1, 2, 0).numpy().astype(np.int64)


def assert_same_pixels(crops: Tensor, expected: npt.NDArray[Any]) -> None:
    """Equal but for the rounding of a few: a processor without fused multiply-add gives OpenCV other last bits."""
    difference = np.abs(crops.permute(0, 2, 3, 1).numpy().astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


def pillow_crop(image: npt.NDArray[np.uint8], resized: list[int], corner: list[int]) -> npt.NDArray[np.uint8]:
    """What Pillow makes of one frame; in two steps, because Pillow 13 does the rows of a tall frame first."""
    (width, height), (left, top) = resized, corner
    wide = Image.fromarray(image).resize((width, image.shape[0]), Image.Resampling.BICUBIC)
    whole = wide.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(whole.crop((left, top, left + 224, top + 224)))
