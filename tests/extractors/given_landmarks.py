"""Landmarks in place of those of a network."""

from dataclasses import dataclass

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors import Extractor


@dataclass(frozen=True, eq=False)
class GivenLandmarks(Extractor):
    """Landmarks known beforehand."""

    points: Tensor

    def extract(self, chunk: Chunk) -> Tensor:
        return self.points[chunk.start : chunk.start + len(chunk)]
