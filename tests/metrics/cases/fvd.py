"""Cases of FVD on given features: SciPy's matrix root, with each covariance."""

import numpy as np
import scipy.linalg
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference


def _clip_features() -> list[ClipInputs]:
    """Each with 256 clips a side or more, so that nothing is to be warned of."""
    generator = torch.Generator().manual_seed(17)
    parts: list[ClipInputs] = []
    for count in (260, 270, 256, 280):
        target = torch.randn(count, 2, generator=generator, dtype=torch.float64)
        preds = 1.5 * target + torch.randn(count, 2, generator=generator, dtype=torch.float64) + 0.5
        parts.append({"preds": preds if parts else target, "target": target})
    return parts


def _distance(divisor: int, offset: float = 0.0) -> Reference:
    def value(clips: list[ClipInputs]) -> float:
        sides = [np.concatenate([clip[side].numpy() for clip in clips]) for side in ("preds", "target")]
        means = [side.mean(axis=0) for side in sides]
        spreads = [np.cov(side, rowvar=False, ddof=divisor) + offset * np.eye(2) for side in sides]
        root = scipy.linalg.sqrtm(spreads[0] @ spreads[1]).real
        return float(((means[0] - means[1]) ** 2).sum() + np.trace(spreads[0] + spreads[1] - 2 * root))

    return value


_CLIPS = _clip_features()

CASES = [
    Case("fvd", _CLIPS, _distance(1), {**GIVEN, "num_features": 2}, 1e-9),
    Case("fvd:styleganv", _CLIPS, _distance(0), {**GIVEN, "num_features": 2}, 1e-9),
    Case("fvd:fastvideo", _CLIPS, _distance(1, 1e-6), {**GIVEN, "num_features": 2}, 1e-9),
]
