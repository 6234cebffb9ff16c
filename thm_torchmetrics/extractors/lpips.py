"""Compute LPIPS distances of pairs of frames."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor, nn
from torch.nn.functional import interpolate

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk, check_features
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.base import CustomModule
from thm_torchmetrics.extractors.network import PooledNetwork
from thm_torchmetrics.nets.lpips import LPIPS
from thm_torchmetrics.weights import Checkpoint, Checkpoints, CustomFiles, needed_by

_LEAST_SIDE = {"alex": 31, "vgg": 16, "squeeze": 17}
"""The smallest frames that leave a pixel to the last layer of each classifier."""

ROW_SIDE = 64
"""Height and width of the frames whose feature maps are kept as rows: of ``alex`` 31,872 numbers."""


@dataclass(frozen=True)
class LpipsNetwork(PooledNetwork):
    """Run the LPIPS network on the torchvision classifier of a checkpoint.

    Attributes:
        heads: the channel weights, which come with the ``lpips`` package.
        net: ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    """

    heads: Checkpoint | None = None
    net: str = "alex"

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, *, net: str = "alex", **options: Any) -> Self:
        """Return the network.

        Raises:
            WeightsError: if a checkpoint is absent, corrupt or not allowed.
        """
        backbone, heads = cls.required(net)
        source = Checkpoints.of(files, backbone)
        return cls(source.obtain(backbone), heads=source.obtain(heads), net=net)

    @classmethod
    def required(cls, name: str) -> tuple[str, ...]:
        """Return the checkpoints of the classifier and of the channel weights."""
        return needed_by("lpips", name)

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "lpips"

    def build(self) -> nn.Module:
        """Return the architecture."""
        return LPIPS(self.net)

    def load_weights(self, network: nn.Module) -> None:
        """Load the classifier's convolutions and the channel weights.

        The classifier's last layers are not used.
        """
        backbone = weights.load(self.checkpoint.name, self.checkpoint.file)
        state = {key: value for key, value in backbone.items() if key.startswith("features.")}
        file = None if self.heads is None else self.heads.file
        heads = weights.load(f"lpips-{self.net}", file)
        state |= {f"heads.{i}": heads[f"lin{i}.model.1.weight"].flatten() for i in range(len(heads))}
        weights.load_into(network, state, self.checkpoint.name)

    def architecture(self) -> Hashable:
        """Return the part of the network's identity beyond its checkpoint."""
        return self.net, self.heads

    def distance(self, preds: Tensor, target: Tensor) -> Tensor:
        """Return distances ``(N,)`` of frames ``(N, 3, H, W)``, float32 in 0..1.

        Raises:
            InputError: if the frames are too small for the network.
        """
        (height, width), least = preds.shape[-2:], _LEAST_SIDE[self.net]
        if min(height, width) < least:
            raise InputError(
                f"LPIPS {self.net} needs frames of at least {least}x{least} pixels, got {width}x{height}; enlarge or "
                "leave out such frames"
            )
        return self.in_batches(self.network(preds.device), preds, target)

    def extract(self, chunk: Chunk) -> Tensor:
        """Return features ``(n, D)`` of the frames shrunk to 64x64, whose squared distances are those of LPIPS."""
        frames = interpolate(chunk.as_float(), (ROW_SIDE, ROW_SIDE), mode="bilinear", antialias=True)
        return self.in_batches(self.network(frames.device).rows, frames)


class CustomDistance(CustomModule):
    """A custom distance is a user's network that compares two batches of frames."""

    def distance(self, preds: Tensor, target: Tensor) -> Tensor:
        """Return the module's distances ``(N,)``.

        Raises:
            InputError: if it does not return one number per pair of frames.
        """
        distances = check_features(self, self.module(preds, target), len(preds))
        if distances.numel() != len(preds):
            raise InputError(
                f"the network {self} must return one number per pair of frames, got {tuple(distances.shape)} for "
                f"{len(preds)}; average over the other axes"
            )
        return distances.reshape(len(preds))
