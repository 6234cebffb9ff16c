"""Extract Inception features for FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FrozenNetwork
from thm_torchmetrics.nets.inception import FIDInception
from thm_torchmetrics.weights import CustomFiles

NUM_FEATURES = 2048


@dataclass(frozen=True)
class Inception(FrozenNetwork):
    """Compute the pool3 features of the FID Inception network.

    Attributes:
        protocol: the preprocessing, ``pytorch-fid``, ``torch-fidelity`` or ``clean-fid``.
    """

    kind = "inception"

    protocol: str = "pytorch-fid"

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, **options: Any) -> Self:
        """Return the extractor; its checkpoint has another name than the extractor."""
        return super().make("inception-fid", files, **options)

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "inception"

    def build(self) -> nn.Module:
        """Return the architecture."""
        return FIDInception()

    def extract(self, chunk: Chunk) -> Tensor:
        """Return features ``(n, 2048)``."""
        network = self.network(chunk.rows.device)
        if self.protocol == "pytorch-fid":
            return self.in_batches(network, chunk.as_float())
        run = network.forward_clean if self.protocol == "clean-fid" else network.forward_fidelity
        return self.in_batches(run, chunk.as_uint8())
