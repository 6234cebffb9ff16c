"""Cases of the metrics of motion on given rows: NumPy, clip by clip."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference, clip_mean, face_mean
from scipy.ndimage import gaussian_filter
from scipy.signal import argrelextrema

Rows: TypeAlias = npt.NDArray[np.float64]


def rows_of_clips(*shape: int, lengths: tuple[int, ...] = (4, 6, 9, 13), targets: bool = False) -> list[ClipInputs]:
    """Rows of four clips, smooth and with noise; some lack a face."""
    generator = torch.Generator().manual_seed(41)
    clips: list[ClipInputs] = []
    for count in lengths:
        walk = torch.randn(count, *shape, generator=generator, dtype=torch.float64).cumsum(dim=0) * 5
        noise = torch.randn(count, *shape, generator=generator, dtype=torch.float64) * bool(clips)
        clips.append({"preds": walk + noise, "target": walk} if targets else {"preds": walk + noise})
    clips[2]["preds"][1] = torch.nan
    clips[3]["preds"][-1] = torch.nan
    return clips


def seen(rows: torch.Tensor) -> Rows:
    """The rows of frames with a face."""
    array: Rows = rows.numpy()
    return array[~np.isnan(array).reshape(len(array), -1).any(axis=1)]


def of_each(value: Callable[[Rows], float]) -> Reference:
    """The mean over clips of a value of the frames with a face."""
    return clip_mean(lambda clips: value(seen(clips[0]["preds"])))


def _steps(clips: list[ClipInputs]) -> float:
    """The mean over all neighbouring frames with a face of the mean absolute difference."""
    found = []
    for clip in clips:
        rows = clip["preds"].numpy()
        found += [np.abs(b - a).mean() for a, b in pairwise(rows)]
    return float(np.nanmean(found))


def _windows(side: torch.Tensor, of_face: bool) -> float:
    """Loopy's variance of the tip of the nose, or of the upper face relative to it, in whole windows of 12 frames."""
    values = []
    points = side.numpy()
    for start in range(0, len(points) - 11, 12):
        window = points[start : start + 12]
        moved = window[:, [30]]
        if of_face:
            moved = window[:, [0, 1, 2, 14, 15, 16, *range(17, 48)]] - moved
        values.append(np.mean([np.var(moved[:, k, axis]) for k in range(moved.shape[1]) for axis in (0, 1)]))
    return float(np.nanmean(values))


def _variance(of_face: bool) -> Reference:
    return clip_mean(lambda clips: _windows(clips[0]["preds"], of_face))


def _variance_difference(of_face: bool) -> Reference:
    return clip_mean(lambda clips: abs(np.subtract(*(_windows(clips[0][side], of_face) for side in clips[0]))))


def _dances() -> list[ClipInputs]:
    """Key points that slow down now and then, and beats of a sound in seconds."""
    generator = torch.Generator().manual_seed(43)
    clips: list[ClipInputs] = []
    for count in (90, 130, 101, 160):
        at = torch.arange(count, dtype=torch.float64)
        speed = 1.2 - (at * 2 * torch.pi / (37 + len(clips))).cos()
        walk = speed.cumsum(dim=0)[:, None, None] * torch.randn(1, 24, 3, generator=generator, dtype=torch.float64)
        beats = torch.rand(9, generator=generator, dtype=torch.float64).sort().values * count / 25
        clips.append({"preds": walk, "audio": beats})
    return clips


def _alignment(clips: list[ClipInputs], protocol: str) -> float:
    """The alignment of one clip, as its script computes it."""
    points, beats = (clips[0][name].numpy() for name in ("preds", "audio"))
    speeds = np.sqrt(((points[1:] - points[:-1]) ** 2).sum(axis=2))
    if protocol == "aist":
        motion = argrelextrema(np.concatenate([[0.0], speeds.sum(axis=1)]), np.less, order=10)[0]
        return float(np.mean([np.exp(-np.min((np.round(beats * 25) - beat) ** 2) / 2 / 9) for beat in motion]))
    motion = argrelextrema(gaussian_filter(speeds.mean(axis=1), 5), np.less)[0]
    if protocol == "kdtalker":
        return float(np.mean([np.exp(-np.min((motion / 25 - beat) ** 2) / (2 * 0.1**2)) for beat in beats]))
    frames = np.round(beats * 25)
    return float(np.mean([np.exp(-np.min((motion - beat) ** 2) / 2 / 9) for beat in frames if beat < len(speeds)]))


_ANGLES = rows_of_clips(3)
_LOGITS = rows_of_clips(3, 66)
_DANCES = _dances()
_FACES = rows_of_clips(68, 2, lengths=(24, 40, 26, 50), targets=True)
_PREDICTED: list[ClipInputs] = [{"preds": clip["preds"]} for clip in _FACES]

CASES = [
    Case("pose-error", rows_of_clips(3, targets=True), face_mean(lambda p, t: np.abs(p - t).mean()), GIVEN),
    Case("pose-diversity", _ANGLES, of_each(lambda rows: rows.std(axis=0).mean()), GIVEN),
    Case("pose-diversity:sadtalker", _LOGITS, of_each(lambda rows: rows.std(axis=0).mean(axis=1).mean())),
    Case("pose-delta", _ANGLES, _steps, GIVEN),
    Case("pose-delta", _ANGLES, clip_mean(_steps), {**GIVEN, "average": "clip"}),
    Case("motion-variance", _PREDICTED, _variance(of_face=False), GIVEN),
    Case("motion-variance:exp", _PREDICTED, _variance(of_face=True), GIVEN),
    Case("motion-variance:dglo", _FACES, _variance_difference(of_face=False), GIVEN),
    Case("motion-variance:dexp", _FACES, _variance_difference(of_face=True), GIVEN),
    *(
        Case(f"beat-align:{name}", _DANCES, clip_mean(partial(_alignment, protocol=name)), GIVEN)
        for name in ("kdtalker", "bailando", "aist")
    ),
]
