"""LPIPS distances of pairs of frames."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from importlib import resources

import torch
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.extractors.network import FrozenNetwork
from thm_torchmetrics.nets.lpips import LPIPS


@dataclass(frozen=True)
class LpipsNetwork(FrozenNetwork):
    """The LPIPS network with a torchvision backbone; the heads come with the ``lpips`` package."""

    net: str = "alex"

    def __str__(self) -> str:
        return "lpips"

    def build(self) -> nn.Module:
        """The architecture."""
        return LPIPS(self.net)

    def fill(self, network: nn.Module) -> None:
        """Load the backbone's convolutions and the package's heads; the classifier's last layers are not used."""
        backbone = weights.load(self.weight, self.file)
        state = {key: value for key, value in backbone.items() if key.startswith("features.")}
        path = resources.files("lpips") / "weights" / "v0.1" / f"{self.net}.pth"
        heads = torch.load(str(path), map_location="cpu", weights_only=True)
        state |= {f"heads.{i}": heads[f"lin{i}.model.1.weight"].flatten() for i in range(len(heads))}
        weights.load_into(network, state, self.weight)

    def _architecture(self) -> Hashable:
        return self.net

    def distance(self, preds: Tensor, target: Tensor) -> Tensor:
        """Distances ``(N,)`` of frames ``(N, 3, H, W)``, float32 in 0..1."""
        return self.in_batches(self.network(preds.device), preds, target)


@dataclass(frozen=True, eq=False)
class CustomDistance:
    """A user's own network that compares two batches of frames, used as it is given."""

    module: nn.Module

    def __str__(self) -> str:
        return type(self.module).__name__

    def distance(self, preds: Tensor, target: Tensor) -> Tensor:
        """The module's distances ``(N,)``."""
        distances: Tensor = self.module(preds, target)
        return distances.reshape(len(preds))
