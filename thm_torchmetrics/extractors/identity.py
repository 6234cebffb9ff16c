"""Extract identity embeddings with ArcFace; `dlib` and `insightface` have other networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FaceNetwork
from thm_torchmetrics.faces.crops import ARCFACE_SIZE, arcface_crops
from thm_torchmetrics.imaging.resize import resize
from thm_torchmetrics.nets.iresnet import IResNet, iresnet18, iresnet50, iresnet100

_NETWORKS: Mapping[str, Callable[[], IResNet]] = MappingProxyType(
    {
        "arcface-r100": iresnet100,
        "arcface-r100-glint360k": iresnet100,
        "arcface-r50": iresnet50,
        "arcface-r18": iresnet18,
    }
)


@dataclass(frozen=True)
class ArcFace(FaceNetwork):
    """Run ArcFace's IResNets on the aligned face, or on the whole frame without landmarks.

    The face is aligned by five points.
    """

    kind = "identity"
    default_landmarks = "fan"
    whole_frames = True

    def build(self) -> nn.Module:
        """Return the architecture."""
        return _NETWORKS[self.checkpoint.name]()

    def extract(self, chunk: Chunk) -> Tensor:
        """Return embeddings ``(n, 512)``, not normalised; NaN if a frame has no face."""
        frames = chunk.as_uint8()
        network = self.network(frames.device)

        def embed(crops: Tensor) -> Tensor:
            embeddings: Tensor = network((crops.to(torch.float32) / 255.0 - 0.5) / 0.5)
            return embeddings

        if self.landmarks is None:
            return self.in_batches(embed, resize(frames, (ARCFACE_SIZE, ARCFACE_SIZE)))
        crops, found = arcface_crops(frames, self.points(chunk))
        return self.in_batches(embed, crops).masked_fill(~found[:, None], torch.nan)
