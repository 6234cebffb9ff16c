"""SyncNet: five frames of a mouth and 0.2 s of sound to one space in which distance means asynchrony.

Chung and Zisserman, "Out of time: automated lip sync in the wild", ACCV workshop 2016; the network of
``joonson/syncnet_python``, whose checkpoint ``syncnet_v2.model`` (a bare state dict) fits key by key.
The trained checkpoint could not be run here: equality was shown with seeded weights against the original's outputs.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from thm_torchmetrics.nets.layout import channels_last_on_cpu


class SyncNet(nn.Module):
    """Two towers, one for frames and one for sound, each with its own head.

    :meth:`forward_lip` and :meth:`forward_audio` give one 1024-d float32 vector per window of five frames (25 fps) or
    twenty MFCC columns (100 per second). Row i of the published measure uses frames i..i+4 and columns 4i..4i+19.
    """

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_stage(nn.Conv2d(1, 64, 3, padding=1)),
            nn.MaxPool2d(1),  # keeps the published numbering of the layers
            *_stage(nn.Conv2d(64, 192, 3, padding=1)),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_stage(nn.Conv2d(192, 384, 3, padding=1)),
            *_stage(nn.Conv2d(384, 256, 3, padding=1)),
            *_stage(nn.Conv2d(256, 256, 3, padding=1)),
            nn.MaxPool2d(3, stride=2),
            *_stage(nn.Conv2d(256, 512, (5, 4))),
        )
        self.netcnnlip = nn.Sequential(
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
        by window, and no frame is copied five times. The first map takes 4.6 MB per frame: cut a long clip into pieces
        that share four frames.
        """
        return self.forward_lip(frames[None])

    def lip_features(self, frames: Tensor) -> Tensor:
        """The 512 numbers before the lip head, ``(N * (T - 4), 512)`` of float32 ``(N, 3, T, 224, 224)``."""
        features: Tensor = self.netcnnlip(frames)
        return features.flatten(1)


class _OverTime(nn.Conv3d):
    """``(N, C, T, H, W)`` to frames, ``(N * T', C', H', W')``: the only layer that reaches over time."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(channels_last_on_cpu(x)).transpose(1, 2).flatten(0, 1)


class _PerFrame(nn.Conv3d):
    """A convolution of one frame in time, run in two dimensions, which is faster; the key keeps its 5-d shape."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight[:, :, 0], self.bias, self.stride[1:], self.padding[1:])


def _stage(conv: nn.Conv2d | nn.Conv3d) -> tuple[nn.Module, nn.Module, nn.Module]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU(inplace=True)


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True), nn.Linear(512, 1024))
