"""Where a face network's crop comes from: a landmark extractor, which metrics of one clip share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.landmarks import landmark_makers
from thm_torchmetrics.extractors.pool import OwnFiles


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
