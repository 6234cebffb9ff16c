"""Inception-v3 computes the features of the Fréchet inception distance (FID).

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, with the weights of
TensorFlow's graph of 2015-12-05 that Heusel et al., NeurIPS 2017 (FID), used. ``mseitzer/pytorch-fid`` and
``toshas/torch-fidelity`` publish the same bytes (``pt_inception-2015-12-05-6726825d.pth``), which fit key by key.

It is not torchvision's Inception: BatchNorm epsilon 1e-3, average pools that leave the padding out of the count, a
maximum pool in the last block, 1008 classes, no auxiliary head.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu

SIDE = 299
"""Height and width to which every image is resized, of any aspect."""

Pool = Callable[[Tensor], Tensor]
"""A pool beside the convolutions of a block."""

Steps = list[tuple[int, int, int]]
"""Width, kernel height and kernel width of each convolution in a row."""


class FIDInception(nn.Module):
    """The network computes the pooled features that FID compares.

    Input of `forward`: float32 ``(N, 3, H, W)``, RGB, 0..1, any size.
    Output: float32 ``(N, 2048)``, as pytorch-fid and piq compute them. `forward_fidelity` computes torch-fidelity's
    features, which differ by about 2e-3 because of TensorFlow's resize and (x - 128) / 128; do not mix the two.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, (3, 3), stride=2, padded=False)
        self.Conv2d_2a_3x3 = _Conv(32, 32, (3, 3), padded=False)
        self.Conv2d_2b_3x3 = _Conv(32, 64, (3, 3))
        self.Conv2d_3b_1x1 = _Conv(64, 80, (1, 1))
        self.Conv2d_4a_3x3 = _Conv(80, 192, (3, 3), padded=False)
        self.Mixed_5b = _mixed5(192, 32)
        self.Mixed_5c = _mixed5(256, 64)
        self.Mixed_5d = _mixed5(288, 64)
        double = [(64, 1, 1), (96, 3, 3), (96, 3, 3)]
        self.Mixed_6a = _Mixed(288, {"branch3x3": [(384, 3, 3)], "branch3x3dbl": double}, _halve, stride=2)
        self.Mixed_6b = _mixed6(128)
        self.Mixed_6c = _mixed6(160)
        self.Mixed_6d = _mixed6(160)
        self.Mixed_6e = _mixed6(192)
        chains: dict[str, Steps] = {
            "branch3x3": [(192, 1, 1), (320, 3, 3)],
            "branch7x7x3": [(192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3)],
        }
        self.Mixed_7a = _Mixed(768, chains, _halve, stride=2)
        self.Mixed_7b = _Mixed7(1280, _average)
        self.Mixed_7c = _Mixed7(2048, _maximum)
        self.fc = nn.Linear(2048, 1008)
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, images: Tensor) -> Tensor:
        """Return pytorch-fid's features ``(N, 2048)`` of RGB 0..1 ``(N, 3, H, W)``.

        Images are resized by plain bilinear interpolation, then mapped by 2x - 1.
        """
        resized = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return self.features(2.0 * resized - 1.0)

    def forward_fidelity(self, images: Tensor) -> Tensor:
        """Return torch-fidelity's features ``(N, 2048)`` of RGB 0..255 ``(N, 3, H, W)``.

        Images, uint8 or float, are resized as by TensorFlow 1, then mapped by (x - 128) / 128.
        """
        resized = _resize_from_corner(images.to(torch.float32), SIDE)
        return self.features((resized - 128.0) / 128.0)

    def forward_clean(self, images: Tensor) -> Tensor:
        """Return clean-fid's features ``(N, 2048)`` of RGB 0..255 ``(N, 3, H, W)``.

        Images are resized as Pillow resizes floating point, bicubically with antialiasing, then cut to 0..255 and
        mapped by (x - 128) / 128.
        """
        wide = torch.float32 if images.device.type == "mps" else torch.float64  # Pillow adds up in double precision
        resized = F.interpolate(images.to(wide), size=(SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True)
        return self.features((resized.to(torch.float32).clamp(0, 255) - 128.0) / 128.0)

    def features(self, x: Tensor) -> Tensor:
        """Return features ``(N, 2048)`` of resized images.

        Args:
            x: ``(N, 3, h, w)`` float32, scaled to about -1..1.
        """
        return self.feature_maps(x)[-1].mean(dim=(2, 3))

    def feature_maps(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the maps with 64, 192, 768 and 2048 channels, which both packages offer.

        Args:
            x: ``(N, 3, h, w)`` float32, scaled to about -1..1.
        """
        low = self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(channels_last_on_cpu(x)))
        low = F.max_pool2d(self.Conv2d_2b_3x3(low), 3, stride=2)
        middle = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(low)), 3, stride=2)
        high = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(middle))))
        high = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(high))))
        return low, middle, high, self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(high)))


class _Conv(nn.Module):
    """A layer is a convolution, BatchNorm and ReLU."""

    def __init__(
        self, width_in: int, width: int, kernel: tuple[int, int], stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(width_in, width, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """The block concatenates chains of convolutions and a pool.

    Args:
        width_in: channels of the input.
        chains: key and convolutions of each chain; a single convolution has the plain key, several have ``key_1``, ...
        pool: the pool beside the chains.
        pool_width: channels of the 1x1 convolution after the pool; None for no such convolution.
        stride: with 2, the last convolution of each chain halves the map and has no padding.
    """

    def __init__(
        self, width_in: int, chains: dict[str, Steps], pool: Pool, pool_width: int | None = None, stride: int = 1
    ) -> None:
        super().__init__()
        self.pool = pool
        self.chains: list[list[str]] = []
        for key, steps in chains.items():
            names = [key] if len(steps) == 1 else [f"{key}_{i}" for i in range(1, len(steps) + 1)]
            width = width_in
            for name, (width_out, height, across) in zip(names, steps, strict=True):
                step = stride if name == names[-1] else 1
                self.add_module(name, _Conv(width, width_out, (height, across), step, padded=step == 1))
                width = width_out
            self.chains.append(names)
        self.branch_pool = nn.Identity() if pool_width is None else _Conv(width_in, pool_width, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(self._run(names, x) for names in self.chains), self.branch_pool(self.pool(x))], dim=1)

    def _run(self, names: list[str], x: Tensor) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x


def _mixed5(width_in: int, pool_width: int) -> _Mixed:
    chains: dict[str, Steps] = {
        "branch1x1": [(64, 1, 1)],
        "branch5x5": [(48, 1, 1), (64, 5, 5)],
        "branch3x3dbl": [(64, 1, 1), (96, 3, 3), (96, 3, 3)],
    }
    return _Mixed(width_in, chains, _average, pool_width)


def _mixed6(n: int) -> _Mixed:
    chains: dict[str, Steps] = {
        "branch1x1": [(192, 1, 1)],
        "branch7x7": [(n, 1, 1), (n, 1, 7), (192, 7, 1)],
        "branch7x7dbl": [(n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)],
    }
    return _Mixed(768, chains, _average, 192)


class _Mixed7(nn.Module):
    """The last two blocks have chains that end in a fork, and 2048 channels."""

    def __init__(self, width_in: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1 = _Conv(width_in, 320, (1, 1))
        self.branch3x3_1 = _Conv(width_in, 384, (1, 1))
        self.branch3x3_2a = _Conv(384, 384, (1, 3))
        self.branch3x3_2b = _Conv(384, 384, (3, 1))
        self.branch3x3dbl_1 = _Conv(width_in, 448, (1, 1))
        self.branch3x3dbl_2 = _Conv(448, 384, (3, 3))
        self.branch3x3dbl_3a = _Conv(384, 384, (1, 3))
        self.branch3x3dbl_3b = _Conv(384, 384, (3, 1))
        self.branch_pool = _Conv(width_in, 192, (1, 1))

    def forward(self, x: Tensor) -> Tensor:
        short = self.branch3x3_1(x)
        long = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        parts = (
            self.branch1x1(x),
            self.branch3x3_2a(short),
            self.branch3x3_2b(short),
            self.branch3x3dbl_3a(long),
            self.branch3x3dbl_3b(long),
            self.branch_pool(self.pool(x)),
        )
        return torch.cat(parts, dim=1)


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def _halve(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=2)


def _resize_from_corner(images: Tensor, side: int) -> Tensor:
    """Resize bilinearly as TensorFlow 1.

    Pixel i lies at input position ``i * size / side``, without an offset of half a pixel.
    """
    for dim in (3, 2):
        size = images.shape[dim]
        at = torch.arange(side, dtype=torch.float32, device=images.device) * (size / side)
        low = at.floor().to(torch.int64)
        shape = (side, 1) if dim == 2 else (side,)
        before = images.index_select(dim, low)
        after = images.index_select(dim, (low + 1).clamp_max(size - 1))
        images = before + (after - before) * (at - low).view(shape)
    return images
