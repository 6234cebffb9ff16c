"""Cases of blinks, of mouths in silence and of THEval on given landmarks: NumPy, frame by frame."""

import statistics
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, clip_mean
from metrics.cases.motion import Rows, of_each, rows_of_clips, seen
from parity.seeded import golden
from scipy.spatial.distance import pdist


def _eyes() -> list[ClipInputs]:
    """Landmarks of eyes that close now and then; one clip starts with closed ones, one lacks frames."""
    generator = torch.Generator().manual_seed(47)
    clips: list[ClipInputs] = []
    for count in (60, 75, 50, 90):
        points = 50 * torch.randn(count, 68, 2, generator=generator, dtype=torch.float64)
        gap = torch.full((count,), 3000.0) + 0.5 * torch.randn(count, generator=generator)
        for start in range(7 * len(clips), count, 17):
            gap[start : start + 2 + start % 4] = 3.0
        for first in (36, 42):
            corners = torch.tensor([0.0, 1, 2, 3, 2, 1]) * 10.0
            points[:, first : first + 6, 0] = first + corners + 0.2 * torch.randn(count, 6, generator=generator)
            points[:, first : first + 6, 1] = gap[:, None] * torch.tensor([0.0, 0, 0, 0, 1, 1])
        clips.append({"preds": points})
    clips[2]["preds"][[20, 33]] = torch.nan
    return clips


def _closed_runs(points: Rows, protocol: str) -> list[tuple[int, int]]:
    """First and last frame of each run of closed eyes."""
    runs: list[tuple[int, int]] = []
    for i, face in enumerate(points):
        lids = [np.linalg.norm(face[a] - face[b]) for a, b in ((37, 41), (38, 40), (43, 47), (44, 46))]
        widths = [np.linalg.norm(face[a] - face[b]) for a, b in ((36, 39), (42, 45))]
        ratio = ((lids[0] + lids[1]) / (2 * widths[0] + 1e-6) + (lids[2] + lids[3]) / (2 * widths[1] + 1e-6)) / 2
        closed = ratio < 0.2 if protocol == "talkingheadbench" else sum(lids) <= 18
        if closed and runs and runs[-1][1] == i - 1:
            runs[-1] = runs[-1][0], i
        elif closed:
            runs.append((i, i))
    return runs


def _blink_rate(clips: list[ClipInputs], protocol: str) -> float:
    points = clips[0]["preds"]
    return len(_closed_runs(points.numpy(), protocol)) / (len(seen(points)) / 25)


def _blink_duration(clips: list[ClipInputs], protocol: str) -> float:
    points = clips[0]["preds"].numpy()
    known = [
        (last - first + 1) / 25
        for first, last in _closed_runs(points, protocol)
        if first and last < len(points) - 1 and not np.isnan(points[[first - 1, last + 1]]).any()
    ]
    return float(np.median(known))


def _leaks(clips: list[ClipInputs]) -> float:
    """The share of open mouths in silence, over all clips."""
    found = []
    for clip in clips:
        for face, speech in zip(clip["preds"].numpy(), clip["audio"].numpy(), strict=True):
            ratio = np.linalg.norm(face[62] - face[66]) / np.linalg.norm(face[60] - face[64])
            if not speech and not np.isnan(ratio):
                found.append(ratio > 0.25)
    return float(np.mean(found))


def _spoken(points: int) -> list[ClipInputs]:
    """Landmarks with a flag for each frame, 1 where somebody speaks."""
    clips: list[ClipInputs] = []
    for clip in rows_of_clips(points, 2, lengths=(14, 16, 19, 23)):
        speech = (torch.arange(len(clip["preds"])) // 4 % 2).to(torch.float64)
        clips.append({"preds": clip["preds"], "audio": speech})
    return clips


def _restless(clips: list[ClipInputs], pairs: list[tuple[int, int]], corners: tuple[int, int]) -> float:
    faces = seen(clips[0]["preds"][clips[0]["audio"] == 0])
    openings = [
        np.mean([abs(face[a, 1] - face[b, 1]) for a, b in pairs]) / np.linalg.norm(face[corners[0]] - face[corners[1]])
        for face in faces
    ]
    return float(statistics.median(abs(value - np.mean(openings)) for value in openings))


def _lip_spread(points: Rows, lips: Sequence[int], scale: float) -> float:
    return float(np.std([pdist(face[list(lips)]) for face in points], axis=0).mean() * scale)


def _brow_change(points: Rows, brows: list[Sequence[int]], eyes: list[Sequence[int]]) -> float:
    heights = []
    for face in points:
        centers = [face[list(side)].mean(axis=0) for side in (*brows, *eyes)]
        scale = np.linalg.norm(centers[2] - centers[3])
        heights.append([np.linalg.norm(centers[i] - centers[i + 2]) / scale for i in (0, 1)])
    return float(np.abs(np.diff(heights, axis=0)).mean())


def _head_motion(rows: Rows) -> float:
    angles, center = rows[:, :3], rows[:, 3:]
    change = np.diff(angles, axis=0).var(axis=0).mean()
    return float(np.sqrt(angles.std(axis=0).mean() * change + center.var(axis=0).mean()))


_EYES_OF_CLIPS, _MESHES, _FACES, _HEADS = _eyes(), rows_of_clips(478, 2), rows_of_clips(68, 2), rows_of_clips(5)
_MESH_PAIRS = [(191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318)]
_PAIRS = [(61, 67), (62, 66), (63, 65)]
_MESH_BROWS, _MESH_EYES = (
    [golden("theval")[f"{side}_{part}_idxs"].tolist() for side in ("left", "right")] for part in ("eyebrow", "eye")
)
_BROWS: list[Sequence[int]] = [range(17, 22), range(22, 27)]
_EYES: list[Sequence[int]] = [range(36, 42), range(42, 48)]

CASES = [
    *(
        Case(f"blink-{what}:{name}", _EYES_OF_CLIPS, clip_mean(partial(value, protocol=name)), GIVEN)
        for what, value in (("rate", _blink_rate), ("duration", _blink_duration))
        for name in ("talkingheadbench", "survey")
    ),
    Case("lip-leak", _spoken(68), _leaks, GIVEN),
    Case("silent-lip", _spoken(478), clip_mean(partial(_restless, pairs=_MESH_PAIRS, corners=(33, 263)))),
    Case("silent-lip:theval-68", _spoken(68), clip_mean(partial(_restless, pairs=_PAIRS, corners=(36, 45))), GIVEN),
    Case("lip-dynamics", _MESHES, of_each(partial(_lip_spread, lips=golden("theval")["lip_indices"], scale=256))),
    Case("lip-dynamics:theval-68", _FACES, of_each(partial(_lip_spread, lips=range(48, 68), scale=1)), GIVEN),
    Case("eyebrow", _MESHES, of_each(partial(_brow_change, brows=_MESH_BROWS, eyes=_MESH_EYES))),
    Case("eyebrow:theval-68", _FACES, of_each(partial(_brow_change, brows=_BROWS, eyes=_EYES)), GIVEN),
    Case("head-motion", _HEADS, of_each(_head_motion)),
    Case("head-motion:theval-68", _HEADS, of_each(_head_motion), GIVEN),
]
