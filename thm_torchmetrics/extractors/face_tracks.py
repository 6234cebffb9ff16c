"""Face tracks of a clip as SyncNet's pipeline finds them, chunk by chunk, on frames at 25 per second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from thm_torchmetrics.clip import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.pool import Handle
from thm_torchmetrics.functional.face_tracks import Track, shot_scores, shots, tracks
from thm_torchmetrics.functional.faces import DetectorOutput, s3fd_faces
from thm_torchmetrics.functional.resize import resize_by
from thm_torchmetrics.nets.s3fd import S3FD

FPS = 25
_LATE = 0.002
"""Seconds by which a frame may come late and still count as there: containers round times to milliseconds."""
_LEAST_SIDE = 28  # of what the network is shown, which halves it five times
_MEAN_RGB = (123.0, 117.0, 104.0)


class Detector(Protocol):
    """What finds faces; `FaceDetector` does."""

    def faces(self, frames: Tensor) -> list[Tensor]:
        """Per frame of ``(n, 3, H, W)``, RGB, uint8: rows x1, y1, x2, y2, score in pixels, best first."""


@dataclass(frozen=True)
class FaceDetector(Handle):
    """The S3FD of syncnet_python, on frames shrunk by a factor.

    Attributes:
        scale: the factor; small faces are not found in small pictures.
        threshold: smallest score, exclusive.
    """

    batch_size: int = 16
    scale: float = 0.25
    threshold: float = 0.9

    def build(self) -> nn.Module:
        """The architecture."""
        return S3FD()

    def faces(self, frames: Tensor) -> list[Tensor]:
        """Boxes ``(k, 5)`` of each frame of ``(n, 3, H, W)``, RGB, uint8; in pixels of the full frame, best first.

        Raises:
            InputError: if the shrunk frames are too small for the network.
        """
        network = self.network(frames.device)
        mean = torch.tensor(_MEAN_RGB, dtype=torch.float32, device=frames.device).reshape(1, 3, 1, 1)
        size = (frames.shape[-2], frames.shape[-1])
        if round(self.scale * min(size)) < _LEAST_SIDE:
            raise InputError(
                f"frames of {size[1]}x{size[0]} are too small to look for faces at scale {self.scale:g}: {_LEAST_SIDE} "
                "pixels must be left; pass facedet_scale=1, or a protocol that takes whole frames, such as wav2lip-lrs"
            )
        found: list[Tensor] = []

        def detect(batch: Tensor) -> Tensor:
            small = resize_by(batch, self.scale)
            loc, conf = network(small.to(torch.float32) - mean)
            output = DetectorOutput(loc, conf, (small.shape[-2], small.shape[-1]))
            found.extend(s3fd_faces([output], size, self.threshold))
            return batch.new_empty(0)

        self.in_batches(detect, frames)
        return found


class EvenFrames:
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

    def take(self, chunk: Chunk) -> Tensor:
        """The frames ``(n, 3, H, W)``, RGB, uint8, that are settled by the next chunk; n may be 0."""
        frames = chunk.bytes()
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
