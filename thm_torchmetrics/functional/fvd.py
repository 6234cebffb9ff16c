"""Turn the frames of a clip into the input of I3D, as each protocol of the Fréchet video distance does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option
from thm_torchmetrics.imaging.checks import check_frames, check_range
from thm_torchmetrics.imaging.resize import resize_area

_SIDE = 224


@torch.no_grad()
def video_network_input(frames: Tensor, protocol: str = "videogpt", resolution: int | None = None) -> Tensor:
    """Turn the frames of one clip into the input of I3D.

    - ``videogpt``: values between the 256 levels are cut to the lower one; then as ``common-metrics``.
    - ``common-metrics``: the shorter side is brought to 224 pixels, the longer one rounded up, bilinearly without
      antialiasing; the middle 224x224 are cut out; -1..1.
    - ``styleganv``: 224x224, bilinearly, whatever the aspect; -1..1.
    - ``cd-fvd``: values are cut to the 256 levels; 224x224, bilinearly, whatever the aspect; -1..1.
    - ``fastvideo``: -1..1; then 224x224, bilinearly, whatever the aspect.
    - ``latentsync``: 224x224 by OpenCV's area filter; 0..1, a range for which I3D was not trained.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(T, 3, H, W)``.
        protocol: see above.
        resolution: the side to which a loader first resizes the frames: the shorter side, bilinearly with antialiasing,
            and the middle square is cut out; None: there is no loader.

    Returns:
        ``(3, T, 224, 224)`` float32.

    Raises:
        InputError: the frames are not RGB, a float value lies outside 0..1, or the protocol is unknown.

    Example:
        >>> clip = torch.full((10, 3, 48, 64), 255, dtype=torch.uint8)
        >>> video_network_input(clip).shape, video_network_input(clip).max()
        (torch.Size([3, 10, 224, 224]), tensor(1.))
    """
    check_option("protocol", protocol, _PREPARE)
    check_frames("frames", frames)
    check_range("frames", frames)
    if resolution is not None:
        if resolution < 1:
            raise InputError(f"`resolution` must be at least 1 pixel, got {resolution}")
        frames = _middle_square(_unit(frames), resolution, antialias=True)
    return _PREPARE[protocol](frames).transpose(0, 1)


def _unit(frames: Tensor) -> Tensor:
    """Return frames as float32 in 0..1."""
    return frames.to(torch.float32) / 255 if frames.dtype == torch.uint8 else frames.to(torch.float32)


def _levels(frames: Tensor) -> Tensor:
    """Return frames as uint8; what lies between two levels is cut to the lower one."""
    return frames if frames.dtype == torch.uint8 else (frames.to(torch.float32) * 255).to(torch.uint8)


def _middle_square(frames: Tensor, side: int, antialias: bool = False) -> Tensor:
    """Bring the shorter side to ``side`` and cut the middle square out."""
    height, width = frames.shape[-2:]
    scale = side / min(height, width)  # the product is rounded up as it is: of 50 pixels it gives 225
    size = [side, math.ceil(width * scale)] if height < width else [math.ceil(height * scale), side]
    frames = F.interpolate(frames, size=size, mode="bilinear", align_corners=False, antialias=antialias)
    top, left = ((length - side) // 2 for length in frames.shape[-2:])
    return frames[:, :, top : top + side, left : left + side]


def _stretched(frames: Tensor) -> Tensor:
    return F.interpolate(frames, size=[_SIDE, _SIDE], mode="bilinear", align_corners=False)


def _centered(frames: Tensor) -> Tensor:
    return (_middle_square(_unit(frames), _SIDE) - 0.5) * 2


def _centered_levels(frames: Tensor) -> Tensor:
    return _centered(_levels(frames))


def _stretched_scaled(frames: Tensor) -> Tensor:
    grey = frames.to(torch.float32) if frames.dtype == torch.uint8 else 255 * frames.to(torch.float32)
    return 2 * _stretched(grey) / 255 - 1


def _stretched_levels(frames: Tensor) -> Tensor:
    return _stretched_scaled(_levels(frames))


def _scaled_stretched(frames: Tensor) -> Tensor:
    return _stretched(_unit(frames) * 2 - 1)


def _by_area(frames: Tensor) -> Tensor:
    levels = frames if frames.dtype == torch.uint8 else (frames.to(torch.float32) * 255).round().to(torch.uint8)
    return resize_area(levels, (_SIDE, _SIDE)).to(torch.float32) / 255


_PREPARE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "videogpt": _centered_levels,
    "common-metrics": _centered,
    "styleganv": _stretched_scaled,
    "cd-fvd": _stretched_levels,
    "fastvideo": _scaled_stretched,
    "latentsync": _by_area,
}
