"""Pick the worst clips of a result, and take pictures of their worst frames for a report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clocks import pair_by_time
from thm_torchmetrics.core.inputs import pair_chunks
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.clip_files import ClipFile, ClipReader
from thm_torchmetrics.scoring.dataset import Dataset
from thm_torchmetrics.scoring.reasons import reason_of
from thm_torchmetrics.scoring.remarks import remarks
from thm_torchmetrics.scoring.result import ClipResult, Result
from thm_torchmetrics.scoring.still import Picture, Still

CLIPS = 8
"""The most clips of which pictures are taken."""
FRAMES = 3
"""The most frames of a clip of which pictures are taken."""
WIDTH = 320
"""The most pixels that a picture is wide."""


@dataclass(frozen=True)
class WorstFrame:
    """A worst frame has its number, its time in seconds, and its values by the metrics that it is worst of."""

    number: int
    time: float
    values: Mapping[str, float]


def worst_clips(result: Result) -> list[ClipResult]:
    """Return the clips with values, the worst first: by the mean of their places over the metrics."""
    places: dict[int, list[float]] = {}
    for key, metric in result.metrics.items():
        scores = [(i, clip.metrics[key].value) for i, clip in enumerate(result.clips) if key in clip.metrics]
        measured = [(i, value) for i, value in scores if value is not None and not math.isnan(value)]
        measured.sort(key=lambda each: each[1], reverse=not metric.higher_is_better)
        for place, (i, _) in enumerate(measured):
            places.setdefault(i, []).append((place + 0.5) / len(measured))
    order = sorted(places, key=lambda i: (sum(places[i]) / len(places[i]), i))
    return [result.clips[i] for i in order]


def worst_frames(clip: ClipResult, result: Result) -> list[WorstFrame]:
    """Return the worst frame by each metric that has values of single frames, in the order of the metrics."""
    found: dict[int, WorstFrame] = {}
    for key, score in clip.metrics.items():
        series = score.per_frame or {}
        if "value" not in series or "time" not in series or (score.detail or {}).get("delay"):
            continue  # without the delay of the clip, numbers are those of other pairs of frames
        values = [(value, i) for i, value in enumerate(series["value"]) if value is not None and not math.isnan(value)]
        if not values or (len(values) > 1 and min(values)[0] == max(values)[0]):  # no frame is worse than others
            continue
        value, number = (min if result.metrics[key].higher_is_better else max)(values)
        before = found[number].values if number in found else {}
        found[number] = WorstFrame(number, float(series["time"][number] or 0.0), {**before, key: value})
    return list(found.values())[:FRAMES]


def add_stills(result: Result, dataset: Dataset) -> None:
    """Add pictures of the worst frames of the worst clips to a result.

    Each shows the generated frame, the real frame beside which it was measured, and the landmarks of both where a
    metric of the run has a network that finds them.

    Args:
        result: the result of a run that kept the values of single frames.
        dataset: the clips and the metrics of the run.
    """
    metrics, items = dataset.run.metrics.members(), {item.key: item for item in dataset.items}
    reader = ClipReader(dataset.run.every, fps=dataset.run.fps)
    landmarks = next((metric.extractor for key, metric in metrics.items() if _finds_landmarks(metric)), None)
    taken = 0
    for clip in worst_clips(result):
        frames = worst_frames(clip, result)
        if not frames or taken == CLIPS:
            continue
        by_time = any(metrics[key].align == "time" and metrics[key].frame_by_frame for key in frames[0].values)
        try:
            with remarks():  # they were told when the clip was measured
                clip.stills = _stills(frames, *_videos(reader, items[clip.clip], by_time), by_time, landmarks)
        except Exception as error:  # the numbers stand without pictures
            clip.notes.append(f"no pictures of its worst frames: {reason_of(error)}")
        taken += bool(clip.stills)


def _finds_landmarks(metric: TalkingHeadMetric) -> bool:
    return metric.feature_shape == (68, 2) and metric.extractor is not None


def _videos(reader: ClipReader, item: Item, by_time: bool) -> tuple[AnyClip | None, AnyClip | None]:
    """Open both videos of a clip as the run did: where frames are paired by time, the target alone is thinned."""
    preds, target = (
        None if path is None else ClipFile(side, path)
        for side, path in (("preds", item.preds), ("target", item.target))
    )
    return reader.open(item.key, preds, every=1 if by_time else None), reader.open(item.key, target)


def _stills(
    frames: Iterable[WorstFrame], preds: AnyClip | None, target: AnyClip | None, by_time: bool, landmarks: Any
) -> list[Still]:
    """Return a picture of each frame, in the order of the frames in the file."""
    if preds is None:
        return []
    found: list[Still] = []
    wanted = sorted(frames, key=lambda frame: frame.number)
    pairs = pair_by_time(preds, target) if by_time and target is not None else pair_chunks(preds, target)
    start = 0
    for ours, real in pairs:
        if ours is None or not wanted:
            break
        while wanted and wanted[0].number < start + len(ours):
            frame = wanted.pop(0)
            row = frame.number - start
            shown = _picture(ours, row, landmarks)
            beside = None if real is None or row >= len(real) else _picture(real, row, landmarks)
            found.append(Still(frame.number, frame.time, frame.values, shown, beside, str(landmarks or "")))
        start += len(ours)
    return found


def _picture(chunk: Chunk, row: int, landmarks: Any) -> Picture:
    """Return a frame of a chunk, at most `WIDTH` wide, with its landmarks."""
    frame = Chunk(chunk.rows[row : row + 1], chunk.start + row)
    pixels = frame.as_uint8()[0].permute(1, 2, 0).cpu().numpy()
    height, width = pixels.shape[:2]
    points = None
    if landmarks is not None:
        (found,) = frame.features(landmarks).cpu().to(torch.float64).numpy()
        points = None if np.isnan(found).any() else found
    if width > WIDTH:
        image = Image.fromarray(pixels).resize((WIDTH, max(1, round(height * WIDTH / width))), Image.Resampling.LANCZOS)
        pixels = np.asarray(image)
        points = None if points is None else (points + 0.5) * (WIDTH / width) - 0.5
    return Picture(pixels, points)
