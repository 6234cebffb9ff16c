"""Extract the features of clips by I3D, for the Fréchet video distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import check_features
from thm_torchmetrics.extractors.base import CustomModule
from thm_torchmetrics.extractors.network import PooledNetwork
from thm_torchmetrics.functional.fvd import video_network_input
from thm_torchmetrics.nets.i3d import LEAST_FRAMES, InceptionI3d
from thm_torchmetrics.weights import needed_by, registry

__all__ = ["LEAST_FRAMES", "NUM_FEATURES", "CustomClipNetwork", "I3d"]

NUM_FEATURES = 400
_FRAMES_AT_ONCE = 32


@dataclass(frozen=True)
class I3d(PooledNetwork):
    """Compute the 400 logits of a clip by I3D.

    The published TorchScript archive runs as it is, since its hash is that of the registry. All other checkpoints are
    state dicts, with the keys of `nets.i3d.InceptionI3d`.
    """

    @classmethod
    def required(cls, name: str) -> tuple[str, ...]:
        """Return the checkpoint of the network."""
        return needed_by("i3d", name)

    @property
    def scripted(self) -> bool:
        """Return whether the checkpoint is the published TorchScript archive."""
        return self.checkpoint.name == "i3d-torchscript" and registry()["i3d-torchscript"].matches(
            self.checkpoint.sha256
        )

    def build(self) -> nn.Module:
        """Return the architecture."""
        return _ScriptedI3d() if self.scripted else InceptionI3d()

    def load_weights(self, network: nn.Module) -> None:
        """Load the checkpoint into the architecture."""
        if isinstance(network, _ScriptedI3d):
            network.script = weights.load_torchscript(self.checkpoint.name, self.checkpoint.file)
        else:
            super().load_weights(network)

    def clip_features(self, frames: Tensor, protocol: str, resolution: int | None = None) -> Tensor:
        """Return the features ``(1, 400)`` of one clip.

        Args:
            frames: ``(T, 3, H, W)``, RGB, uint8 or float 0..1.
            protocol: the way in which the frames are prepared; see `functional.video_network_input`.
            resolution: as there.
        """
        network = self.network(frames.device)
        if isinstance(network, _ScriptedI3d) and protocol == "styleganv":
            grey = frames.to(torch.float32) * (1 if frames.dtype == torch.uint8 else 255)
            return cast(Tensor, network(grey.transpose(0, 1)[None], prepare=True))
        return cast(Tensor, network(_prepared(frames, protocol, resolution)))


class _ScriptedI3d(nn.Module):
    """The module calls the published archive as StyleGAN-V does."""

    script: nn.Module

    def forward(self, clips: Tensor, prepare: bool = False) -> Tensor:
        """Return ``(N, 400)``; with ``prepare`` the archive itself resizes frames in 0..255 and scales them."""
        features = self.script(clips, rescale=prepare, resize=prepare, return_features=True)
        return cast(Tensor, features).reshape(len(clips), -1)


@dataclass(frozen=True, eq=False)
class CustomClipNetwork(CustomModule):
    """A custom network of clips maps what I3D would get, ``(N, 3, T, 224, 224)``, to rows ``(N, D)``."""

    def clip_features(self, frames: Tensor, protocol: str, resolution: int | None = None) -> Tensor:
        """Return the features ``(1, D)`` of one clip, as `I3d.clip_features`."""
        clip = _prepared(frames, protocol, resolution).to(self.device(frames.device))
        return check_features(self, self.module(clip), 1).to(frames.device)


def _prepared(frames: Tensor, protocol: str, resolution: int | None) -> Tensor:
    """Return the input of the network ``(1, 3, T, 224, 224)``, made piece by piece, which saves memory."""
    pieces = [video_network_input(piece, protocol, resolution) for piece in torch.split(frames, _FRAMES_AT_ONCE)]
    return torch.cat(pieces, dim=1)[None]
