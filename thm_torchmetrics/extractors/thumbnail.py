"""Describe frames by small grey pictures of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.imaging.thumbnails import thumbnails
from thm_torchmetrics.weights import CustomFiles


@dataclass(frozen=True)
class Thumbnail(Extractor):
    """Shrink the frame to 32x32 grey pixels (`imaging.thumbnails`), without a network."""

    kind = "delay"

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, **options: Any) -> Self:
        """Return the extractor; it has no checkpoint and no options."""
        return cls()

    @classmethod
    def required(cls, name: str) -> tuple[str, ...]:
        """Return the names of the checkpoints, none."""
        return ()

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "thumbnail"

    def extract(self, chunk: Chunk) -> Tensor:
        """Return ``(n, 1024)`` in 0..1."""
        return thumbnails(chunk.as_float())
