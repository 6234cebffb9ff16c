"""Extract the intensities of twelve facial action units with LibreFace's networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FaceNetwork
from thm_torchmetrics.faces.libreface_crop import libreface_crops
from thm_torchmetrics.nets.libreface import LibreFaceRepVGG, LibreFaceResNet18, normalize

_NETWORKS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {"libreface": LibreFaceRepVGG, "libreface-resnet18": LibreFaceResNet18}
)


@dataclass(frozen=True)
class LibreFace(FaceNetwork):
    """Run LibreFace's RepVGG-A0 (``libreface``) or ResNet-18 (``libreface-resnet18``) on the aligned face.

    D. Chang et al., 2024. Each frame is measured alone, on the scale of DISFA, 0..5, as OpenFace's intensities are. The
    face is aligned by 68 landmarks, which is this package's own approximation; see `faces.libreface_crop`. Values
    differ from those of OpenFace, which has other units, models and landmarks: never compare one with the other.
    """

    kind = "action_units"
    default_landmarks = "fan"
    units: ClassVar[tuple[str, ...]] = ("01", "02", "04", "05", "06", "09", "12", "15", "17", "20", "25", "26")
    """Numbers of the action units, in the order of the columns."""

    def build(self) -> nn.Module:
        """Return the architecture."""
        return _NETWORKS[self.checkpoint.name]()

    def extract(self, chunk: Chunk) -> Tensor:
        """Return intensities ``(n, 12)``, 0..5; NaN if a frame has no face."""
        frames = chunk.as_uint8()
        network = self.network(frames.device)

        def estimate(crops: Tensor) -> Tensor:
            intensities: Tensor = network(normalize(crops))
            return intensities

        crops, found = libreface_crops(frames, self.points(chunk))
        return self.in_batches(estimate, crops).masked_fill(~found[:, None], torch.nan)
