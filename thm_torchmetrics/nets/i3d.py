"""I3D computes the features of the Fréchet video distance (FVD).

Carreira and Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR 2017: Inception-v1
with its kernels inflated into time, trained on Kinetics-400. The keys are those of ``i3d_pretrained_400.pt``, which
``songweige/TATS@03bbce1 tats/fvd/`` publishes and ``JunyaoHu/common_metrics_on_video_quality`` calls ``videogpt``.
"""

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 224
"""Height and width of the input."""

LEAST_FRAMES = 9
"""Below this many frames the last average pool has nothing to average."""

Triple = tuple[int, int, int]
"""Sizes along time, height and width."""

_BLOCKS: dict[str, tuple[int, int, int, int, int, int]] = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
"""Channels of each block: the plain branch, two branches of two convolutions, the convolution behind the pool."""

_POOLS: dict[str, tuple[Triple, Triple]] = {
    "Conv3d_1a_7x7": ((1, 3, 3), (1, 2, 2)),
    "Conv3d_2c_3x3": ((1, 3, 3), (1, 2, 2)),
    "Mixed_3c": ((3, 3, 3), (2, 2, 2)),
    "Mixed_4f": ((2, 2, 2), (2, 2, 2)),
}
"""Kernel and stride of the maximum pool behind some of the layers."""


class InceptionI3d(nn.Module):
    """The network computes the 400 logits of Kinetics that FVD compares.

    Input of `forward`: float32 ``(N, 3, T, 224, 224)``, RGB, -1..1, with T >= 9.
    Output: float32 ``(N, 400)``, before the softmax.
    """

    def __init__(self) -> None:
        super().__init__()
        self.logits = _Conv(1024, 400, 1, normalized=False)
        self.Conv3d_1a_7x7 = _Conv(3, 64, 7, stride=2)
        self.Conv3d_2b_1x1 = _Conv(64, 64, 1)
        self.Conv3d_2c_3x3 = _Conv(64, 192, 3)
        width = 192
        for name, widths in _BLOCKS.items():
            self.add_module(name, _Mixed(width, widths))
            width = widths[0] + widths[2] + widths[4] + widths[5]
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, clips: Tensor) -> Tensor:
        """Return the logits, averaged over time.

        Clips of more than 224x224 pixels give logits at several places, ``(N, 400, h, w)``.
        """
        logits: Tensor = self.logits(self.pooled(clips))
        return logits.mean(dim=2).squeeze(-1).squeeze(-1)

    def pooled(self, clips: Tensor) -> Tensor:
        """Return the averages over windows of 2x7x7, ``(N, 1024, T', 1, 1)``, that the logits are made of."""
        return F.avg_pool3d(self.feature_maps(clips)["Mixed_5c"], (2, 7, 7), stride=1)

    def feature_maps(self, clips: Tensor) -> dict[str, Tensor]:
        """Return the output of every layer by name, before the pool that may follow it."""
        maps: dict[str, Tensor] = {}
        x = clips
        for name in chain(("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"), _BLOCKS):
            maps[name] = self.get_submodule(name)(x)
            x = _max_pool(maps[name], *_POOLS[name]) if name in _POOLS else maps[name]
        return maps


class _Conv(nn.Module):
    """A layer is a convolution, and BatchNorm and ReLU, or a bias."""

    def __init__(self, width_in: int, width: int, kernel: int, stride: int = 1, normalized: bool = True) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(width_in, width, kernel, stride=stride, bias=not normalized)
        self.bn = nn.BatchNorm3d(width, eps=1e-5) if normalized else None

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.conv3d.kernel_size, self.conv3d.stride
        x = F.pad(x, _same_padding(x, kernel, stride)) if kernel != (1, 1, 1) else x
        x = self.conv3d(x)
        return x if self.bn is None else F.relu_(self.bn(x))


class _Mixed(nn.Module):
    """The block concatenates three branches of convolutions and a pool with a convolution."""

    def __init__(self, width_in: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.b0 = _Conv(width_in, widths[0], 1)
        self.b1a, self.b1b = _Conv(width_in, widths[1], 1), _Conv(widths[1], widths[2], 3)
        self.b2a, self.b2b = _Conv(width_in, widths[3], 1), _Conv(widths[3], widths[4], 3)
        self.b3b = _Conv(width_in, widths[5], 1)

    def forward(self, x: Tensor) -> Tensor:
        branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)))
        return torch.cat([*branches, self.b3b(_max_pool(x, (3, 3, 3), (1, 1, 1)))], dim=1)


def _max_pool(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Return the maximum over windows; zeros around the edge change nothing, since no value is below 0."""
    return F.max_pool3d(F.pad(x, _same_padding(x, kernel, stride)), kernel, stride)


def _same_padding(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> list[int]:
    """Return TensorFlow's padding ``SAME`` for this size, last axis first; an odd pixel goes behind."""
    padding: list[int] = []
    for size, length, step in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        total = max(length - (size % step or step), 0)
        padding += [total // 2, total - total // 2]
    return padding
