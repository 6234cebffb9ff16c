"""Cases of AUE on given intensities: NumPy's nanmean."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from metrics.cases.case import Case, ClipInputs, Reference, clip_mean

_LOWER = [7, 8, 9, 10, 11, 12, 13, 14, 15]
_UPPER = [0, 1, 2, 3, 4, 5, 6, 16]


def _intensities() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(7)
    clips: list[ClipInputs] = []
    for count in (4, 5, 1, 9):
        target = torch.rand(count, 17, generator=generator, dtype=torch.float64) * 5
        noise = torch.randn(count, 17, generator=generator, dtype=torch.float64)
        preds = (target + noise * bool(clips)).clamp(0, 5)
        clips.append({"preds_au": preds, "target_au": target})
    clips[3]["preds_au"][2] = torch.nan  # a frame without a face
    return clips


def _error(units: list[int], reduce: Callable[[Any], Any] = np.sum) -> Reference:
    def value(clips: list[ClipInputs]) -> float:
        preds, target = (np.concatenate([clip[side].numpy() for clip in clips]) for side in ("preds_au", "target_au"))
        return float(reduce(np.nanmean((preds - target) ** 2, axis=0)[units]))

    return value


_CLIPS = _intensities()

CASES = [
    Case("aue", _CLIPS, _error(sorted(_LOWER + _UPPER))),
    Case("aue-u", _CLIPS, _error(_UPPER)),
    Case("aue-l", _CLIPS, _error(_LOWER)),
    Case("aue:talkinggaussian-static", _CLIPS, _error(sorted(_LOWER + _UPPER))),
    Case("aue-u:talkinggaussian-static", _CLIPS, _error(_UPPER)),
    Case("aue-l:talkinggaussian-static", _CLIPS, _error(_LOWER)),
    Case("aue-l:mean", _CLIPS, _error(_LOWER, np.mean)),
    Case("aue-u:mean", _CLIPS, _error(_UPPER, np.mean)),
    Case("aue:mean", _CLIPS, _error(sorted(_LOWER + _UPPER), np.mean)),
    Case("aue-l", _CLIPS, clip_mean(_error(_LOWER)), {"average": "clip"}),
]
