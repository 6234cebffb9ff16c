"""Face tracks of a clip as SyncNet's pipeline finds them, chunk by chunk, on frames at 25 per second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.faces.shots import shot_scores, shots
from thm_torchmetrics.faces.tracks import Track, tracks

FPS = 25
_LATE = 0.002
"""Seconds by which a frame may come late and still count as there: containers round times to milliseconds."""


class Detector(Protocol):
    """What finds faces; `SyncNetS3FD` does."""

    def faces(self, frames: Tensor) -> list[Tensor]:
        """Per frame of ``(n, 3, H, W)``, RGB, uint8: rows x1, y1, x2, y2, score in pixels, best first."""


class ConstantFrameRate:
    """The frames of a clip that are on display at 0, 40, 80 ... ms: 25 per second, whatever its times are.

    A clip at 25 per second stays as it is. A first frame that comes late is shown from the start.

    Args:
        fps: rate of the clip, which tells how long its last frame lasts.
        fixed: whether the clip's own times do not count, and frame i is at i / fps.
    """

    def __init__(self, fps: float, fixed: bool = False) -> None:
        self._fps = fps
        self._fixed = fixed
        self._count = 0  # frames given out
        self._taken = 0
        self._last: Tensor | None = None
        self._time = 0.0

    def add(self, chunk: Chunk) -> Tensor:
        """The frames ``(n, 3, H, W)``, RGB, uint8, that are settled by the next chunk; n may be 0."""
        frames = chunk.as_uint8()
        steps = range(self._taken, self._taken + len(chunk))
        times = [i / self._fps for i in steps] if self._fixed or not len(chunk.times) else list(chunk.times)
        shown = [] if self._last is None else self._until(times[0], 0)
        known = frames if self._last is None else torch.cat([self._last, frames])
        offset = len(known) - len(frames)
        for i, time in enumerate(times[1:], start=1):
            shown += self._until(time, i - 1 + offset)
        self._taken += len(chunk)
        self._last, self._time = frames[-1:].clone(), times[-1]
        return known[torch.tensor(shown, dtype=torch.int64, device=known.device)]

    def rest(self) -> Tensor | None:
        """The frames that the last one of the clip still fills; None if there was no frame."""
        if self._last is None:
            return None
        return self._last.expand(len(self._until(self._time + 1 / self._fps, 0)), -1, -1, -1)

    def _until(self, time: float, row: int) -> list[int]:
        """``row`` for each tick before ``time`` that nothing was given out for."""
        rows = []
        while self._count / FPS < time - _LATE:
            rows.append(row)
            self._count += 1
        return rows


@dataclass(frozen=True)
class TrackOptions:
    """What makes a run of faces a track; the defaults are those of syncnet_python.

    Attributes:
        min_track: detections, exclusive.
        num_failed_det: largest difference of the indices of two detections of one track.
        min_face_size: mean width or height in pixels, exclusive.
        crop_scale: how much of the surroundings the crop shows.
    """

    min_track: int = 100
    num_failed_det: int = 25
    min_face_size: float = 100.0
    crop_scale: float = 0.4


class TrackFinder:
    """Faces and cuts of a clip, kept frame by frame (a few boxes and a number each), and the tracks made of them.

    Args:
        detector: what finds faces.
        options: what makes a run of faces a track.
    """

    def __init__(self, detector: Detector, options: TrackOptions) -> None:
        self._detector = detector
        self._options = options
        self._faces: list[Tensor] = []
        self._scores: list[Tensor] = []
        self._before: Tensor | None = None

    def add(self, frames: Tensor) -> None:
        """Take the next frames ``(n, 3, H, W)``, RGB, uint8; n may be 0."""
        if len(frames):
            self.find(frames)
            self.compare(frames)

    def find(self, frames: Tensor) -> None:
        """Look for faces in the next frames."""
        self._faces += self._detector.faces(frames)

    def compare(self, frames: Tensor) -> None:
        """Look for cuts in the next frames."""
        self._scores.append(shot_scores(frames, self._before).cpu())
        self._before = frames[-1].clone()

    @property
    def seen(self) -> tuple[int, int]:
        """How many frames there were, and in how many of them a face was found."""
        return len(self._faces), sum(len(faces) > 0 for faces in self._faces)

    def tracks(self) -> list[Track]:
        """The tracks, by shot, then in the order in which they begin."""
        if not self._faces:
            return []
        return tracks(
            self._faces,
            shots(torch.cat(self._scores)),
            min_detections=self._options.min_track,
            min_side=self._options.min_face_size,
            max_gap=self._options.num_failed_det,
        )
