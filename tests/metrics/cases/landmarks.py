"""Cases of LMD, AKD and MKR on given landmarks: NumPy, frame by frame."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, clip_mean, face_mean


def _landmarks() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(5)
    clips: list[ClipInputs] = []
    for count in (4, 5, 1, 9):
        target = 100 + 20 * torch.randn(count, 68, 2, generator=generator, dtype=torch.float64)
        preds = target + 3 * torch.randn(count, 68, 2, generator=generator, dtype=torch.float64) * bool(clips)
        clips.append({"preds": preds, "target": target})
    clips[1]["preds"][3] = torch.nan  # a face missed in the prediction
    clips[3]["target"][0] = torch.nan  # no face to be found
    return clips


def _centered(points: Any) -> Any:
    return points - points.mean(axis=0)


def _mean_point_distance(first: int, last: int) -> Callable[[Any, Any], Any]:
    return lambda p, t: np.linalg.norm(_centered(p[first:last]) - _centered(t[first:last]), axis=1).mean()


def _coordinate_distance(first: int, last: int) -> Callable[[Any, Any], Any]:
    return lambda p, t: np.abs(p[first:last] - t[first:last]).mean()


def _missed(clips: list[ClipInputs]) -> float:
    missed = [
        np.isnan(p).any()
        for clip in clips
        for p, t in zip(clip["preds"].numpy(), clip["target"].numpy(), strict=True)
        if not np.isnan(t).any()
    ]
    return float(np.mean(missed))


_CLIPS = _landmarks()
_LIPS = face_mean(_mean_point_distance(48, 68))

CASES = [
    Case("lmd", _CLIPS, _LIPS, GIVEN),
    Case("lmd:vico", _CLIPS, face_mean(_coordinate_distance(48, 68)), GIVEN),
    Case("lmd:atvg", _CLIPS, lambda clips: 20 * _LIPS(clips), GIVEN),
    Case("lmd:centered-mouth", _CLIPS, clip_mean(_LIPS), GIVEN),
    Case("lmd:centered-face", _CLIPS, clip_mean(face_mean(_mean_point_distance(0, 68))), GIVEN),
    Case("lmd:eat-m", _CLIPS, clip_mean(_LIPS), GIVEN),
    Case("lmd:eat-f", _CLIPS, clip_mean(face_mean(_mean_point_distance(0, 68))), GIVEN),
    Case("akd", _CLIPS, face_mean(_coordinate_distance(0, 68)), GIVEN),
    Case("mkr", _CLIPS, _missed, GIVEN),
]
