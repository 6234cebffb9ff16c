"""Extract the features of torchvision's Inception for EAT's Fréchet distance."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FrozenNetwork
from thm_torchmetrics.nets.imagenet_inception import ImageNetInception


@dataclass(frozen=True)
class InceptionOnImageNet(FrozenNetwork):
    """Compute the pooled features of torchvision's Inception, trained on ImageNet, as EAT's script does."""

    kind = "inception"

    def build(self) -> nn.Module:
        """Return the architecture."""
        return ImageNetInception()

    def extract(self, chunk: Chunk) -> Tensor:
        """Return features ``(n, 2048)``."""
        return self.in_batches(self.network(chunk.rows.device), chunk.as_float())
