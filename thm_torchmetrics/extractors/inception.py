"""Inception features for FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FrozenNetwork
from thm_torchmetrics.nets.inception import FIDInception

NUM_FEATURES = 2048


@dataclass(frozen=True)
class Inception(FrozenNetwork):
    """Pool3 features of the FID Inception network, by the preprocessing of ``pytorch-fid`` or ``torch-fidelity``."""

    protocol: str = "pytorch-fid"

    def __str__(self) -> str:
        return "inception"

    def build(self) -> nn.Module:
        """The architecture."""
        return FIDInception()

    def extract(self, chunk: Chunk) -> Tensor:
        """Features ``(n, 2048)``."""
        network = cast(FIDInception, self.network(chunk.rows.device))
        if self.protocol == "pytorch-fid":
            return self.in_batches(network, chunk.as_float())
        return self.in_batches(network.forward_fidelity, chunk.as_uint8())
