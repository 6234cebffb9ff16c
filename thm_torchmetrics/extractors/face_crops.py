"""The crops that face networks see, and the landmark extractor behind them, which metrics of one clip share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.landmarks import landmark_makers
from thm_torchmetrics.extractors.pool import OwnFiles
from thm_torchmetrics.functional.expression import EMOTION_CROP_SIZE, emotion_crop_matrix
from thm_torchmetrics.functional.identity import align_faces, five_points, warp_affine

ARCFACE_SIZE = 112
"""Side of ArcFace's input in pixels."""


def crop_landmarks(name: str, files: OwnFiles, face: str) -> Any:
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


def arcface_crops(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """Faces turned, scaled and cut as ArcFace wants them.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        landmarks: ``(N, 68, 2)``, NaN where there is no face.

    Returns:
        Crops ``(N, 3, 112, 112)`` uint8, and ``(N,)`` bool: whether there was a face; without one the crop is black.
    """
    return align_faces(frames, five_points(landmarks), ARCFACE_SIZE)


def emotion_crops(frames: Tensor, landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """The squares around the faces that EmoNet was trained on.

    Args:
        frames: ``(N, 3, H, W)`` uint8.
        landmarks: ``(N, 68, 2)``, NaN where there is no face.

    Returns:
        Crops ``(N, 3, 256, 256)`` uint8, and ``(N,)`` bool: whether there was a face; without one the crop is black.
    """
    matrices = emotion_crop_matrix(landmarks)
    return warp_affine(frames, matrices, EMOTION_CROP_SIZE), matrices.isfinite().flatten(1).all(dim=1)
