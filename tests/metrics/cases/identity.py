"""Cases of CSIM and AED-ID on given embeddings: SciPy's cosine."""

from typing import Any

import numpy as np
import scipy.spatial.distance
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference, clip_mean, face_mean


def embeddings() -> list[ClipInputs]:
    """Four clips of rows of eight numbers, some of NaN."""
    generator = torch.Generator().manual_seed(23)
    clips: list[ClipInputs] = []
    for count in (4, 5, 1, 9):
        target = torch.randn(count, 8, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, 8, generator=generator, dtype=torch.float64)
        clips.append({"preds": 3 * target + noise * bool(clips), "target": target.clone()})
    clips[0]["preds"] = clips[0]["target"]
    clips[3]["target"][0] = torch.nan  # no face at first
    clips[3]["preds"][[1, 2]] = torch.nan
    return clips


def _cosine(a: Any, b: Any) -> float:
    return float(1 - scipy.spatial.distance.cosine(a, b))


def _identity_distance(a: Any, b: Any) -> float:
    return float(((a / np.sqrt((a**2).sum()) - b / np.sqrt((b**2).sum())) ** 2).sum())


def _to_first(side: str) -> Reference:
    def value(clips: list[ClipInputs]) -> float:
        cosines = []
        for clip in clips:
            identity = next(row for row in clip[side].numpy() if not np.isnan(row).any())
            cosines += [_cosine(row, identity) for row in clip["preds"].numpy() if not np.isnan(row).any()]
        return float(np.mean(cosines))

    return value


_CLIPS = embeddings()
_ALONE: list[ClipInputs] = [{"preds": clip["preds"]} for clip in _CLIPS]

CASES = [
    Case("csim", _CLIPS, face_mean(_cosine), GIVEN),
    Case("csim", _CLIPS, clip_mean(face_mean(_cosine)), {**GIVEN, "average": "clip"}),
    Case("csim", _CLIPS, _to_first("target"), {**GIVEN, "reference": "target-first"}),
    Case("csim", _ALONE, _to_first("preds"), {**GIVEN, "reference": "preds-first"}),
    Case("aed-id", _CLIPS, face_mean(_identity_distance), GIVEN),
]
