"""Cases of FID on given features: SciPy's matrix root, and piq's iteration."""

import numpy as np
import piq
import scipy.linalg
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs


def feature_rows(width: int) -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(11)
    clips: list[ClipInputs] = []
    for count in (6, 7, 5, 9):
        target = torch.randn(count, width, generator=generator, dtype=torch.float64)
        preds = 1.5 * target + torch.randn(count, width, generator=generator, dtype=torch.float64) + 0.5
        clips.append({"preds": preds if clips else target, "target": target})
    return clips


def frechet(clips: list[ClipInputs]) -> float:
    """The Fréchet distance of all rows of both sides."""
    sides = [np.concatenate([clip[side].numpy() for clip in clips]) for side in ("preds", "target")]
    (m1, c1), (m2, c2) = ((side.mean(axis=0), np.cov(side, rowvar=False)) for side in sides)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float(((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * root.real))


def _frechet_piq(clips: list[ClipInputs]) -> float:
    preds, target = (torch.cat([clip[side] for clip in clips]) for side in ("preds", "target"))
    return float(piq.FID()(preds, target))


CASES = [
    Case("fid", feature_rows(2), frechet, {**GIVEN, "num_features": 2}),
    Case("fid:eat", feature_rows(2), frechet, {**GIVEN, "num_features": 2}),
    Case("fid:piq", feature_rows(2), _frechet_piq, {**GIVEN, "num_features": 2}),
]
