"""Compute SyncNet's embeddings of lips and of sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import check_features
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.base import CustomModule
from thm_torchmetrics.extractors.network import PooledNetwork
from thm_torchmetrics.functional.lipsync import FRAMES_PER_WINDOW
from thm_torchmetrics.nets.syncnet import SyncNet
from thm_torchmetrics.weights import needed_by


class SyncEmbeddings(Protocol):
    """A network of this interface computes the two embeddings; `SyncNetwork` is one."""

    def lips(self, frames: Tensor) -> Tensor:
        """Return ``(T - 4, D)`` of frames ``(T, 3, 224, 224)``, RGB, uint8."""

    def sounds(self, windows: Tensor) -> Tensor:
        """Return ``(N, D)`` of MFCC windows ``(N, 1, 13, 20)``, float32."""


@dataclass(frozen=True)
class SyncNetwork(PooledNetwork):
    """Run the two halves of SyncNet (J. S. Chung and A. Zisserman, 2016)."""

    @classmethod
    def required(cls, name: str) -> tuple[str, ...]:
        """Return the checkpoints of the network and of the face detector that goes with it."""
        return needed_by("syncnet", name)

    def build(self) -> nn.Module:
        """Return the architecture."""
        return SyncNet()

    def lips(self, frames: Tensor) -> Tensor:
        """Return lip embeddings ``(T - 4, 1024)`` of frames ``(T, 3, 224, 224)``, RGB, uint8."""
        network = self.network(frames.device)
        return self.in_batches(lambda windows: network.forward_lip_clip(_clip_of(windows)), _windows_of(frames))

    def sounds(self, windows: Tensor) -> Tensor:
        """Return audio embeddings ``(N, 1024)`` of MFCC windows ``(N, 1, 13, 20)``, float32."""
        return self.in_batches(self.network(windows.device).forward_audio, windows)


@dataclass(frozen=True, eq=False)
class CustomSyncNetwork(CustomModule):
    """A custom SyncNet is a user's network with the two methods of `nets.syncnet.SyncNet`.

    ``forward_lip`` takes ``(N, 3, 5, 224, 224)``, BGR, float32 0..255, ``forward_audio`` ``(N, 1, 13, 20)``; both give
    ``(N, D)``.

    Raises:
        InputError: if it lacks one of the methods.
    """

    def __post_init__(self) -> None:
        for name in ("forward_lip", "forward_audio"):
            if not callable(getattr(self.module, name, None)):
                raise InputError(f"a custom network for lip sync needs the method {name}; {self} has none")

    def lips(self, frames: Tensor) -> Tensor:
        """Return lip embeddings ``(T - 4, D)`` of frames ``(T, 3, 224, 224)``, RGB, uint8."""
        clip = frames.flip(1).to(torch.float32)
        count = len(clip) - FRAMES_PER_WINDOW + 1
        windows = torch.stack([clip[start : start + count] for start in range(FRAMES_PER_WINDOW)], dim=2)
        return check_features(self, cast(Any, self.module).forward_lip(windows), count)

    def sounds(self, windows: Tensor) -> Tensor:
        """Return audio embeddings ``(N, D)`` of MFCC windows ``(N, 1, 13, 20)``, float32."""
        return check_features(self, cast(Any, self.module).forward_audio(windows), len(windows))


def _windows_of(frames: Tensor) -> Tensor:
    """Return every window of five frames, ``(T - 4, 3, H, W, 5)``, a view."""
    return frames.unfold(0, FRAMES_PER_WINDOW, 1)


def _clip_of(windows: Tensor) -> Tensor:
    """Return the frames of consecutive windows, each once, in SyncNet's layout.

    Returns:
        ``(3, T, H, W)``, BGR, float32.
    """
    frames = torch.cat([windows[0].movedim(-1, 0), windows[1:, ..., -1]])
    return frames.flip(1).transpose(0, 1).to(torch.float32)
