"""FAN and EmoNet share the three-part residual block and the hourglass.

Bulat and Tzimiropoulos, "How far are we from solving the 2D & 3D Face Alignment problem?", ICCV 2017 (FAN);
Newell et al., "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DEPTH = 4
"""Halvings in one hourglass."""


class ConvBlock(nn.Module):
    """The block concatenates the outputs of three pre-activated 3x3 convolutions in a row.

    They make 1/2, 1/4 and 1/4 of the width. The shortcut is the input, or BN, ReLU and a 1x1 convolution of it where
    the width changes.

    Args:
        width_in: channels of the input.
        width: channels of the output.
    """

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        self.bn1 = nn.BatchNorm2d(width_in)
        self.conv1 = nn.Conv2d(width_in, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(quarter)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.downsample: nn.Module | None = None
        if width_in != width:
            shortcut = nn.Conv2d(width_in, width, 1, bias=False)
            self.downsample = nn.Sequential(nn.BatchNorm2d(width_in), nn.ReLU(inplace=True), shortcut)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(N, width, H, W)`` of ``(N, width_in, H, W)``."""
        first = self.conv1(F.relu_(self.bn1(x)))
        second = self.conv2(F.relu_(self.bn2(first)))
        third = self.conv3(F.relu_(self.bn3(second)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.cat((first, second, third), dim=1).add_(shortcut)


class HourGlass(nn.Module):
    """The hourglass halves four times and doubles four times, with a block beside each step.

    Args:
        width: channels of the input and of the output.
        halve: the 2x2 pooling on the way down: average in FAN, maximum in EmoNet.
    """

    def __init__(self, width: int, halve: Callable[[Tensor, int], Tensor]) -> None:
        super().__init__()
        self.halve = halve
        for level in range(DEPTH, 0, -1):
            for part in ("b1", "b2", "b3"):
                self.add_module(f"{part}_{level}", ConvBlock(width, width))
        self.b2_plus_1 = ConvBlock(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape ``(N, width, H, W)``; H and W are multiples of 16."""
        beside: list[Tensor] = []
        for level in range(DEPTH, 0, -1):
            beside.append(self._block("b1", level, x))
            x = self._block("b2", level, self.halve(x, 2))
        x = self.b2_plus_1(x)
        for level in range(1, DEPTH + 1):
            x = self._block("b3", level, x)
            x = beside.pop().add_(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return x

    def _block(self, part: str, level: int, x: Tensor) -> Tensor:
        out: Tensor = self.get_submodule(f"{part}_{level}")(x)
        return out
