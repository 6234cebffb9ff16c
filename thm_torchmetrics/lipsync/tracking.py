"""Find the face tracks of a clip as SyncNet's pipeline does, at 25 frames per second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, frames_per_chunk
from thm_torchmetrics.faces.shots import shot_scores, shots
from thm_torchmetrics.faces.tracks import Track, tracks
from thm_torchmetrics.lipsync.frame_rate import check_still

FPS = 25
_LATE = 0.002
"""Seconds by which a frame may be late and still be shown; containers round times to milliseconds."""


class Detector(Protocol):
    """A detector finds the faces in frames; `SyncNetS3FD` is one."""

    def faces(self, frames: Tensor) -> list[Tensor]:
        """Return the faces in each frame of ``(n, 3, H, W)``, RGB, uint8.

        Returns:
            Per frame rows x1, y1, x2, y2 in pixels and score, best first.
        """


class ConstantFrameRate:
    """Convert a clip to 25 frames per second, those on display at 0, 40, 80 ... ms.

    A clip at 25 per second stays as it is. A first frame that comes late is shown from the start.

    Args:
        fps: rate of the clip, and the duration of its last frame.
        fixed: whether to ignore the clip's own times and put frame i at i / fps.
    """

    def __init__(self, fps: float, fixed: bool = False) -> None:
        self._fps = fps
        self._fixed = fixed
        self._count = 0  # frames returned
        self._taken = 0
        self._last: Tensor | None = None
        self._time = 0.0

    def pieces(self, chunk: Chunk) -> Iterator[Tensor]:
        """Add the next chunk, and yield the frames that it settles.

        Yields:
            Frames ``(n, 3, H, W)``, RGB, uint8, as many as a chunk may have at most, however long a picture stays.

        Raises:
            MediaError: if a picture stays longer than `frame_rate.MAX_STILL`.
        """
        frames = chunk.as_uint8()
        steps = range(self._taken, self._taken + len(chunk))
        times = [i / self._fps for i in steps] if self._fixed or not len(chunk.times) else list(chunk.times)
        known = frames if self._last is None else torch.cat([self._last, frames])
        offset = len(known) - len(frames)
        shown: list[int] = []
        if self._last is None:
            check_still(0.0, times[0])
        for i, time in enumerate(times, start=offset):
            if i:  # the frame before stays until now
                check_still(self._time, time - self._time)
                shown += self._until(time, i - 1)
            self._time = time
        self._taken += len(chunk)
        self._last = frames[-1:].clone()
        length = frames_per_chunk(known[0].numel())
        for start in range(0, len(shown), length):
            yield known[torch.tensor(shown[start : start + length], dtype=torch.int64, device=known.device)]

    def rest(self) -> Tensor | None:
        """Return the frames that the clip's last one still fills; None if there was no frame."""
        if self._last is None:
            return None
        check_still(self._time, 1 / self._fps)
        return self._last.expand(len(self._until(self._time + 1 / self._fps, 0)), -1, -1, -1)

    def _until(self, time: float, row: int) -> list[int]:
        """Return ``row`` once for each empty tick before ``time``."""
        rows = []
        while self._count / FPS < time - _LATE:
            rows.append(row)
            self._count += 1
        return rows


@dataclass(frozen=True)
class TrackOptions:
    """The options say which runs of faces are tracks; their defaults are syncnet_python's.

    Attributes:
        min_track: number of detections that a track must exceed.
        num_failed_det: largest difference of the indices of two detections of one track.
        min_face_size: mean width or height in pixels that a track must exceed.
        crop_scale: margin of the crop around the face.
        scenedetect: the version whose rules end a track at a cut.
        best_only: whether a track goes on with the best face that is left of a frame or with none.
    """

    min_track: int = 100
    num_failed_det: int = 25
    min_face_size: float = 100.0
    crop_scale: float = 0.4
    scenedetect: str = "0.5.1"
    best_only: bool = False


class TrackFinder:
    """Collect the faces and cuts of a clip frame by frame, and join them to tracks.

    Of each frame a few boxes and one number are kept.

    Args:
        detector: the face detector.
        options: the conditions under which a run of faces is a track.
    """

    def __init__(self, detector: Detector, options: TrackOptions) -> None:
        self._detector = detector
        self._options = options
        self._faces: list[Tensor] = []
        self._scores: list[Tensor] = []
        self._before: Tensor | None = None

    def add(self, frames: Tensor) -> None:
        """Add the next frames ``(n, 3, H, W)``, RGB, uint8; n may be 0."""
        if len(frames):
            self.find(frames)
            self.compare(frames)

    def find(self, frames: Tensor) -> None:
        """Detect faces in the next frames."""
        self._faces += self._detector.faces(frames)

    def compare(self, frames: Tensor) -> None:
        """Detect cuts in the next frames."""
        self._scores.append(shot_scores(frames, self._before, self._options.scenedetect).cpu())
        self._before = frames[-1].clone()

    @property
    def seen(self) -> tuple[int, int]:
        """Return the number of frames, and of those in which a face was found."""
        return len(self._faces), sum(len(faces) > 0 for faces in self._faces)

    def shots(self) -> list[tuple[int, int]]:
        """Return the shots ``(start, end)``, the end exclusive."""
        return shots(torch.cat(self._scores), self._options.scenedetect) if self._scores else []

    def tracks(self) -> list[Track]:
        """Return the tracks, by shot, then in the order in which they begin."""
        return tracks(
            self._faces,
            self.shots(),
            min_detections=self._options.min_track,
            min_side=self._options.min_face_size,
            max_gap=self._options.num_failed_det,
            best_only=self._options.best_only,
        )
