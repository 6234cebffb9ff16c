"""Cases of AED, APD, E-FID and P-FID on given coefficients: column by column, and SciPy's matrix root."""

from collections.abc import Callable
from typing import Any

import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, clip_mean, face_mean
from metrics.cases.fid import frechet


def _coefficients(width: int = 257) -> list[ClipInputs]:
    """Long enough for a covariance of 64 dimensions of full rank; frames without a face on one side and on both."""
    generator = torch.Generator().manual_seed(29)
    clips: list[ClipInputs] = []
    for count in (70, 75, 66, 90):
        target = torch.randn(count, width, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, width, generator=generator, dtype=torch.float64)
        clips.append({"preds": 0.7 * target + 0.4 * noise + 0.2 if clips else target, "target": target})
    clips[1]["preds"][[0, 7]] = torch.nan
    clips[3]["target"][[7, 8]] = torch.nan
    return clips


def _absolute(columns: list[int]) -> Callable[[Any, Any], float]:
    return lambda a, b: float(sum(abs(a[k] - b[k]) for k in columns) / len(columns))


def _frechet_of_faces(clips: list[ClipInputs]) -> float:
    return frechet([{side: value[~value.isnan().any(dim=1)] for side, value in clip.items()} for clip in clips])


def _expression_frechet(clips: list[ClipInputs]) -> float:
    rows = [{side: value[~value.isnan().any(dim=1)] for side, value in clip.items()} for clip in clips]
    return frechet([{side: value[:, 80:144] for side, value in clip.items()} for clip in rows])


_CLIPS, _POSES, _BASEL, _BLENDSHAPES = _coefficients(), _coefficients(6), _coefficients(79), _coefficients(12)
_EXPRESSION, _ANGLES = _absolute(list(range(80, 144))), _absolute([224, 225, 226])
_POSE = _absolute([224, 225, 226, 254, 255, 256])

CASES = [
    Case("aed", _CLIPS, clip_mean(face_mean(_EXPRESSION)), GIVEN),
    Case("aed:vico", _CLIPS, face_mean(_EXPRESSION), GIVEN),
    Case("apd", _CLIPS, clip_mean(face_mean(_ANGLES)), GIVEN),
    Case("apd", _CLIPS, face_mean(_ANGLES), {**GIVEN, "average": "frame"}),
    Case("apd:vico", _CLIPS, face_mean(_POSE), GIVEN),
    Case("aed:features", _BLENDSHAPES, face_mean(_absolute(list(range(12)))), GIVEN),
    Case("apd:features", _POSES, face_mean(_absolute(list(range(6)))), GIVEN),
    Case("e-fid", _CLIPS, _expression_frechet, GIVEN),
    Case("e-fid:hallo", _BASEL, _frechet_of_faces, GIVEN),
    Case("e-fid:features", _BLENDSHAPES, _frechet_of_faces, {**GIVEN, "num_features": 12}),
    Case("p-fid", _POSES, _frechet_of_faces, GIVEN),
]
