"""SyncNet maps five frames of a mouth, and 0.2 s of sound, to one embedding each.

Chung and Zisserman, "Out of time: automated lip sync in the wild", ACCV workshop 2016; the network of
``joonson/syncnet_python``, whose checkpoint ``syncnet_v2.model`` (a bare state dict) fits key by key.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu

_MAPS = 6  # maps of the lip tower's first convolution at a time, on a CPU


class SyncNet(nn.Module):
    """SyncNet has two towers, one for frames and one for sound, each with its own head.

    The distance of their embeddings grows with asynchrony.

    `forward_lip` and `forward_audio` return one 1024-d float32 vector per window of five frames (25 fps) or twenty MFCC
    columns (100 per second). Row i of the published measure uses frames i..i+4 and columns 4i..4i+19.
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
        self.float()  # under any default dtype: Lightning's bf16-true sets another

    def forward(self, frames: Tensor, mfcc: Tensor) -> tuple[Tensor, Tensor]:
        """Return `forward_lip` of ``frames`` and `forward_audio` of ``mfcc``."""
        return self.forward_lip(frames), self.forward_audio(mfcc)

    def forward_audio(self, mfcc: Tensor) -> Tensor:
        """Return audio embeddings ``(N, 1024)`` of windows of twenty MFCC columns.

        Args:
            mfcc: ``(N, 1, 13, 20)`` float32, coefficients by columns.
        """
        embedding: Tensor = self.netfcaud(self.netcnnaud(mfcc).flatten(1))
        return embedding

    def forward_lip(self, frames: Tensor) -> Tensor:
        """Return lip embeddings ``(N, 1024)`` of windows of five frames.

        Args:
            frames: ``(N, 3, 5, 224, 224)`` float32, **BGR**, 0..255.
        """
        embedding: Tensor = self.netfclip(self.lip_features(frames))
        return embedding

    def forward_lip_clip(self, frames: Tensor) -> Tensor:
        """Return lip embeddings ``(T - 4, 1024)`` of every window of a clip.

        Only the first convolution reaches over time, so running the tower over the whole clip equals running it window
        by window, and no frame is copied five times. Its maps take 4.6 MB per frame. On a CPU they are made and pooled
        a few at a time, so that memory is reused. Cut a long clip into pieces that share four frames.

        Args:
            frames: ``(3, T, 224, 224)`` float32, **BGR**, 0..255.
        """
        first, rest = self.netcnnlip[:4], self.netcnnlip[4:]
        windows = frames.shape[1] - 4
        step = _MAPS if frames.device.type == "cpu" else windows
        maps = [first(frames[None, :, start : start + step + 4]) for start in range(0, windows, step)]
        embedding: Tensor = self.netfclip(rest(torch.cat(maps)).flatten(1))
        return embedding

    def lip_features(self, frames: Tensor) -> Tensor:
        """Return the inputs of the lip head, ``(N * (T - 4), 512)``.

        Args:
            frames: ``(N, 3, T, 224, 224)`` float32, **BGR**, 0..255.
        """
        features: Tensor = self.netcnnlip(frames)
        return features.flatten(1)


class _OverTime(nn.Conv3d):
    """This layer alone reaches over time, from ``(N, C, T, H, W)`` to ``(N * T', C', H', W')``."""

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        maps = F.conv3d(channels_last_on_cpu(x), weight, bias, self.stride, self.padding)
        return maps.transpose(1, 2).flatten(0, 1)


class _PerFrame(nn.Conv3d):
    """This convolution covers one frame and runs in two dimensions, which is faster.

    Its key keeps the five-dimensional shape.
    """

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight[:, :, 0], bias, self.stride[1:], self.padding[1:])


class _OfSound(nn.Conv2d):
    """This convolution runs on MFCC windows."""

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, self.stride, self.padding)


_Conv = _OverTime | _PerFrame | _OfSound


class _Tower(nn.Sequential):
    """A tower is a row of convolutions, each with its norm and ReLU, and of maximum pools.

    A norm with running statistics runs as a part of its convolution, and a ReLU after the pool that follows it, where
    the map is smaller. The numbers are the same up to rounding, and a CPU needs a third less time.
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
    """Return weight and bias of a convolution joined with the norm that follows it."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight * (variance + norm.eps).rsqrt()
    weight = conv.weight * scale.reshape(-1, *[1] * (conv.weight.ndim - 1))
    return weight, (cast(Tensor, conv.bias) - mean) * scale + norm.bias


def _stage(conv: _Conv) -> tuple[nn.Module, nn.Module, nn.Module]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU(inplace=True)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True), nn.Linear(512, 1024))
