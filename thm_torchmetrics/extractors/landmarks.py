"""The 68 face landmarks of every frame: face-alignment's networks, or dlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.extractors.face_detection import FaceAlignmentS3FD
from thm_torchmetrics.extractors.network import FrozenNetwork, CustomFiles
from thm_torchmetrics.faces.boxes import FACE_RULES, choose_face
from thm_torchmetrics.faces.fan import decode_heatmaps, fan_geometry, mirrored_heatmaps
from thm_torchmetrics.imaging.resize import resize_crops
from thm_torchmetrics.nets.fan import FAN


_CROP = 256


def landmark_makers(
    files: CustomFiles = None, face: str = "largest", *, flip: bool = False, upsample: int = 0
) -> dict[str, Callable[[], Any]]:
    """What makes each landmark extractor, by name.

    Args:
        files: the user's own checkpoints.
        face: which face of a frame counts: ``largest``, ``first`` (best score), ``last`` (worst) or ``center``.
        flip: whether ``fan`` adds the heat maps of the mirrored face.
        upsample: how often ``dlib`` doubles the frame before it looks for faces.

    Raises:
        InputError: if there is no such rule.
    """
    if face not in FACE_RULES:
        raise InputError(f"face must be one of {', '.join(map(repr, FACE_RULES))}, got {face!r}")
    return {
        "fan": lambda: FanLandmarks(Fan.of("fan2d", files), FaceAlignmentS3FD.of("fan-s3fd", files), face, flip),
        "dlib": lambda: DlibLandmarks.of(files, face, upsample),
    }


@dataclass(frozen=True)
class Fan(FrozenNetwork):
    """face-alignment's 2DFAN-4, from 256x256 crops to heat maps."""

    batch_size: int = 8

    def build(self) -> nn.Module:
        """The architecture."""
        return FAN()

    def heatmaps(self, crops: Tensor, flip: bool) -> Tensor:
        """Heat maps ``(N, 68, 64, 64)`` of 8-bit crops ``(N, 3, 256, 256)``, with those of the mirrored crops added."""
        network = self.network(crops.device)

        def maps(batch: Tensor) -> Tensor:
            images = batch.to(torch.float32) / 255.0
            heat: Tensor = network(images)
            return heat + mirrored_heatmaps(network(images.flip(3))) if flip else heat

        return self.in_batches(maps, crops)


@dataclass(frozen=True)
class FanLandmarks:
    """Landmarks as the face-alignment package finds them (A. Bulat and G. Tzimiropoulos, 2017): whole pixels."""

    fan: Fan
    detector: FaceAlignmentS3FD
    face: str = "largest"
    flip: bool = False

    def __str__(self) -> str:
        return "fan"

    def extract(self, chunk: Chunk) -> Tensor:
        """Points ``(n, 68, 2)``, x and y in pixels, float64; NaN where a frame has no face."""
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
            crops = resize_crops(frames, geometry.crops, (_CROP, _CROP), index=at)
            points[at] = decode_heatmaps(self.fan.heatmaps(crops, self.flip), geometry)
        return points


def crop_landmarks(name: str, files: CustomFiles, face: str) -> Any:
    """The landmark extractor of a crop; equal ones detect once per clip, whichever metric asks first.

    Args:
        name: ``fan`` or ``dlib``.
        files: the user's own checkpoints by name; a single file is the face network's, not the landmark network's.
        face: which face of a frame counts.

    Raises:
        InputError: if there is no such extractor or rule.
    """
    makers = landmark_makers(files if isinstance(files, Mapping) else None, face)
    if name not in makers:
        raise InputError(f"landmarks must be {' or '.join(map(repr, makers))}, got {name!r}")
    return makers[name]()


def crop_settings(extractor: Any, face: str) -> dict[str, str | None]:
    """How an extractor finds the face, for reports; None where it takes the whole frame or does not say."""
    landmarks = getattr(extractor, "landmarks", None)
    return {"landmarks": None, "face": None} if landmarks is None else {"landmarks": str(landmarks), "face": face}
