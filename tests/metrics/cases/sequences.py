"""Cases of the distances of sequences: NumPy, by a table of alignments filled cell by cell."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference, clip_mean
from scipy.special import logsumexp

Rows: TypeAlias = npt.NDArray[np.float64]
GAMMA = 0.01


def sequences(*shape: int) -> list[ClipInputs]:
    """Rows of four clips, whose sides differ in length but for the first; some rows lack a face."""
    generator = torch.Generator().manual_seed(47)
    clips: list[ClipInputs] = []
    for preds, target in ((5, 5), (6, 9), (11, 7), (8, 13)):
        walk = torch.randn(13, *shape, generator=generator, dtype=torch.float64).cumsum(dim=0) / 4
        noise = torch.randn(preds, *shape, generator=generator, dtype=torch.float64) * bool(clips) / 8
        clips.append({"preds": walk[:preds] + noise, "target": walk[:target].clone()})
    clips[2]["preds"][1] = torch.nan
    clips[3]["target"][4] = torch.nan
    return clips


def unit(rows: Rows) -> Rows:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def lips(points: Rows) -> Rows:
    """The lip points around their mean; squared distances of the rows are means over points."""
    mouth = points[:, 48:]
    return ((mouth - mouth.mean(axis=1, keepdims=True)) / np.sqrt(20)).reshape(len(points), -1)


def rows(values: Rows) -> Rows:
    """The rows as they are."""
    return values


def warped(of: Callable[[Rows], Rows], gamma: float = GAMMA) -> Reference:
    """The mean over clips of Soft-DTW over the longer length, of frames with a face."""

    def value(clips: list[ClipInputs]) -> float:
        sides = (of(clips[0][side].numpy()) for side in ("preds", "target"))
        first, second = (side[~np.isnan(side).any(axis=1)] for side in sides)
        table = np.full((len(first) + 1, len(second) + 1), np.inf)
        table[0, 0] = 0
        for i, row in enumerate(first):
            for j, other in enumerate(second):
                reached = np.array([table[i, j], table[i + 1, j], table[i, j + 1]])
                soft = -gamma * logsumexp(-reached / gamma)
                table[i + 1, j + 1] = ((row - other) ** 2).sum() + soft
        return float(table[-1, -1] / max(len(first), len(second)))

    return clip_mean(value)


def rigid(of: Callable[[Rows], Rows]) -> Reference:
    """The mean over clips of the mean over frames of one number with a face on both sides."""

    def value(clips: list[ClipInputs]) -> float:
        pairs = zip(*(of(clips[0][side].numpy()) for side in ("preds", "target")), strict=False)
        return float(np.nanmean([((a - b) ** 2).sum() for a, b in pairs]))

    return clip_mean(value)


FEATURES: dict[str, tuple[list[ClipInputs], Callable[[Rows], Rows]]] = {
    "csim-seq": (sequences(8), unit),
    "lmd-seq": (sequences(68, 2), lips),
    "pose-seq": (sequences(3), rows),
    "expression-seq": (sequences(63), rows),
    "lpips-seq": (sequences(16), rows),
    "lse-d-seq": (sequences(16), rows),
}
"""The rows of each metric, and what it compares of them."""

CASES = [
    *(Case(key, clips, warped(of), GIVEN) for key, (clips, of) in FEATURES.items()),
    *(Case(f"{key}:frame", clips, rigid(of), GIVEN) for key, (clips, of) in FEATURES.items()),
]


def _delay(clips: list[ClipInputs]) -> float:
    """The shift of the smallest mean squared difference among those of enough pairs, shift by shift."""
    preds, target = (clips[0][side].numpy() for side in ("preds", "target"))
    found: dict[int, Rows] = {}
    for k in range(-10, 11):
        pairs = [(preds[t + k], row) for t, row in enumerate(target) if 0 <= t + k < len(preds)]
        differences = np.array([((a - b) ** 2).sum() for a, b in pairs])
        found[k] = differences[~np.isnan(differences)]
    most = max(map(len, found.values()))
    return min((each.mean(), abs(k)) for k, each in found.items() if len(each) * 2 >= most)[1]


def shifted() -> list[ClipInputs]:
    """Rows of four clips that are 0, 3, -2 and 5 frames late, with noise; some lack features."""
    generator = torch.Generator().manual_seed(53)
    clips: list[ClipInputs] = []
    for delay, count in ((0, 12), (3, 15), (-2, 17), (5, 20)):
        walk = torch.randn(40, 4, generator=generator, dtype=torch.float64).cumsum(dim=0)
        noise = torch.randn(count, 4, generator=generator, dtype=torch.float64) * bool(clips) / 8
        clips.append({"preds": walk[10 - delay : 10 - delay + count] + noise, "target": walk[10 : 10 + count].clone()})
    clips[2]["preds"][4] = torch.nan
    clips[3]["target"][-1] = torch.nan
    return clips


CASES.append(Case("delay", shifted(), clip_mean(_delay), GIVEN))
