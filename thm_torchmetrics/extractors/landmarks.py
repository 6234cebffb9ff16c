"""Extract 68 face landmarks with face-alignment's networks; `dlib` has those of dlib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.face_detection import FaceAlignmentS3FD
from thm_torchmetrics.extractors.network import PooledNetwork
from thm_torchmetrics.faces.boxes import choose_face
from thm_torchmetrics.faces.fan import POINTS, decode_heatmaps, fan_geometry, mirrored_heatmaps
from thm_torchmetrics.imaging.resize import resize_crops
from thm_torchmetrics.nets.fan import FAN
from thm_torchmetrics.weights import Checkpoints, CustomFiles

_CROP_SIDE = 256


@dataclass(frozen=True)
class Fan(PooledNetwork):
    """Run face-alignment's 2DFAN-4 from 256x256 crops to heat maps."""

    batch_size: int = 8

    def build(self) -> nn.Module:
        """Return the architecture."""
        return FAN()

    def heatmaps(self, crops: Tensor, flip: bool) -> Tensor:
        """Return heat maps ``(N, 68, 64, 64)`` of 8-bit crops ``(N, 3, 256, 256)``.

        Args:
            crops: RGB, uint8.
            flip: whether the heat maps of the mirrored crops are added.
        """
        network = self.network(crops.device)

        def maps(batch: Tensor) -> Tensor:
            images = batch.to(torch.float32) / 255.0
            heat: Tensor = network(images)
            return heat + mirrored_heatmaps(network(images.flip(3))) if flip else heat

        return self.in_batches(maps, crops)


@dataclass(frozen=True)
class FanLandmarks(Extractor):
    """Extract landmarks as the face-alignment package does, in whole pixels.

    The package is of A. Bulat and G. Tzimiropoulos, 2017.

    Attributes:
        fan: the landmark network.
        detector: the face detector.
        face: the face of a frame that counts.
        flip: whether the heat maps of the mirrored face are added.
    """

    kind = "landmarks"

    fan: Fan
    detector: FaceAlignmentS3FD
    face: str = "largest"
    flip: bool = False

    @classmethod
    def make(
        cls, name: str, files: CustomFiles = None, *, face: str = "largest", flip: bool = False, **options: Any
    ) -> Self:
        """Return the extractor; ``options`` are those of other landmark extractors.

        Raises:
            WeightsError: if a checkpoint is absent, corrupt or not allowed.
        """
        source = Checkpoints.of(files, "fan2d")
        return cls(Fan.make("fan2d", source), FaceAlignmentS3FD.make("fan-s3fd", source), face, flip)

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "fan"

    def extract(self, chunk: Chunk) -> Tensor:
        """Return points ``(n, 68, 2)``, x and y in pixels, float64; NaN if a frame has no face."""
        frames = chunk.as_uint8()
        height, width = frames.shape[-2:]
        points = torch.full((len(frames), POINTS, 2), torch.nan, dtype=torch.float64, device=frames.device)
        boxes, index = [], []
        for i, faces in enumerate(self.detector.faces(chunk)):
            chosen = choose_face(faces, self.face, (height, width))
            if chosen is not None:
                boxes.append(faces[chosen, :4])
                index.append(i)
        if index:
            at = torch.tensor(index, dtype=torch.int64, device=frames.device)
            geometry = fan_geometry(torch.stack(boxes))
            crops = resize_crops(frames, geometry.crops, (_CROP_SIDE, _CROP_SIDE), index=at)
            points[at] = decode_heatmaps(self.fan.heatmaps(crops, self.flip), geometry)
        return points
