"""SyncNet: five frames of a mouth and 0.2 s of sound to one space in which distance means asynchrony.

Chung and Zisserman, "Out of time: automated lip sync in the wild", ACCV workshop 2016; the network of
``joonson/syncnet_python``, whose checkpoint ``syncnet_v2.model`` (a bare state dict) fits key by key.
The trained checkpoint could not be run here: equality was shown with seeded weights against the original's outputs.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu

_MAPS = 6  # of the lip tower's first convolution at a time


class SyncNet(nn.Module):
    """Two towers, one for frames and one for sound, each with its own head.

    :meth:`forward_lip` and :meth:`forward_audio` give one 1024-d float32 vector per window of five frames (25 fps) or
    twenty MFCC columns (100 per second). Row i of the published measure uses frames i..i+4 and columns 4i..4i+19.
    """

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = _Tower(
            *_stage(_OfSound(1, 64, 3, padding=1)),
            nn.MaxPool2d(1),  # keeps the published numbering of the layers
            *_stage(_OfSound(64, 192, 3, padding=1)),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_stage(_OfSound(192, 384, 3, padding=1)),
            *_stage(_OfSound(384, 256, 3, padding=1)),
            *_stage(_OfSound(256, 256, 3, padding=1)),
            nn.MaxPool2d(3, stride=2),
            *_stage(_OfSound(256, 512, (5, 4))),
        )
        self.netcnnlip = _Tower(
            *_stage(_OverTime(3, 96, (5, 7, 7), stride=(1, 2, 2))),
            nn.MaxPool2d(3, stride=2),
            *_stage(_PerFrame(96, 256, (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1))),
            nn.MaxPool2d(3, stride=2, padding=1),
            *_stage(_PerFrame(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            *_stage(_PerFrame(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            *_stage(_PerFrame(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            nn.MaxPool2d(3, stride=2),
            *_stage(_PerFrame(256, 512, (1, 6, 6))),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.float()  # whatever the default dtype is: Lightning's bf16-true changes it

    def forward(self, frames: Tensor, mfcc: Tensor) -> tuple[Tensor, Tensor]:
        """:meth:`forward_lip` of ``frames`` and :meth:`forward_audio` of ``mfcc``."""
        return self.forward_lip(frames), self.forward_audio(mfcc)

    def forward_audio(self, mfcc: Tensor) -> Tensor:
        """Audio embeddings ``(N, 1024)`` of MFCC windows, float32 ``(N, 1, 13, 20)``: coefficients by columns."""
        embedding: Tensor = self.netfcaud(self.netcnnaud(mfcc).flatten(1))
        return embedding

    def forward_lip(self, frames: Tensor) -> Tensor:
        """Lip embeddings ``(N, 1024)`` of windows, float32 ``(N, 3, 5, 224, 224)``: **BGR**, 0..255."""
        embedding: Tensor = self.netfclip(self.lip_features(frames))
        return embedding

    def forward_lip_clip(self, frames: Tensor) -> Tensor:
        """Lip embeddings ``(T - 4, 1024)`` of every window of a clip, float32 ``(3, T, 224, 224)``: **BGR**, 0..255.

        The first convolution alone reaches over time, so running the tower over the whole clip equals running it window
        by window, and no frame is copied five times. Its maps take 4.6 MB per frame: on a CPU they are made and pooled
        a few at a time, which spares the system the clearing of memory; cut a long clip into pieces that share four
        frames.
        """
        first, rest = self.netcnnlip[:4], self.netcnnlip[4:]
        windows = frames.shape[1] - 4
        step = _MAPS if frames.device.type == "cpu" else windows
        maps = [first(frames[None, :, start : start + step + 4]) for start in range(0, windows, step)]
        embedding: Tensor = self.netfclip(rest(torch.cat(maps)).flatten(1))
        return embedding

    def lip_features(self, frames: Tensor) -> Tensor:
        """The 512 numbers before the lip head, ``(N * (T - 4), 512)`` of float32 ``(N, 3, T, 224, 224)``."""
        features: Tensor = self.netcnnlip(frames)
        return features.flatten(1)


class _OverTime(nn.Conv3d):
    """``(N, C, T, H, W)`` to frames, ``(N * T', C', H', W')``: the only layer that reaches over time."""

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        maps = F.conv3d(channels_last_on_cpu(x), weight, bias, self.stride, self.padding)
        return maps.transpose(1, 2).flatten(0, 1)


class _PerFrame(nn.Conv3d):
    """A convolution of one frame in time, run in two dimensions, which is faster; the key keeps its 5-d shape."""

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight[:, :, 0], bias, self.stride[1:], self.padding[1:])


class _OfSound(nn.Conv2d):
    """A convolution of MFCC windows."""

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, self.stride, self.padding)


_Conv = _OverTime | _PerFrame | _OfSound


class _Tower(nn.Sequential):
    """Convolutions, each with its norm and ReLU, and maximum pools.

    A norm with running statistics is run as a part of its convolution, and a ReLU after the pool that follows it, where
    the map is smaller: the same numbers but for rounding, and a third of the time less on a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        layers = list(self)
        rectify = False
        for layer, norm in zip(layers, [*layers[1:], None], strict=True):
            if isinstance(layer, _Conv):
                x = F.relu_(x) if rectify else x
                x = layer.convolve(x, *_joined(layer, cast(nn.BatchNorm2d, norm)))
                rectify = True
            elif isinstance(layer, nn.MaxPool2d):
                x = layer(x)
        return F.relu_(x)


def _joined(conv: _Conv, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution and the norm that follows it."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight * (variance + norm.eps).rsqrt()
    weight = conv.weight * scale.reshape(-1, *[1] * (conv.weight.ndim - 1))
    return weight, (cast(Tensor, conv.bias) - mean) * scale + norm.bias


def _stage(conv: _Conv) -> tuple[nn.Module, nn.Module, nn.Module]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU(inplace=True)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True), nn.Linear(512, 1024))
