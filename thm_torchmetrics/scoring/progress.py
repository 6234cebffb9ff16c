"""TITLE scoring/progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av
import numpy as np

from thm_torchmetrics.media.video import VideoFile


class Progress:
    """What a run tells about itself while it goes; this one says nothing."""

    def start(self, clips: int) -> None:
        """The run begins with so many clips."""

    def clip(self, key: str) -> None:
        """A clip begins."""

    def frame(self) -> None:
        """A frame was decoded."""

    def done(self) -> None:
        """The clip that began last has ended."""

    def note(self, text: str) -> None:
        """Something that the reader of the numbers should know."""

    def download(self, name: str, done: int, total: int | None) -> None:
        """So many bytes of a checkpoint have arrived."""


class CountedVideo:
    """A video that reports each decoded frame."""

    def __init__(self, video: VideoFile, on_frame: Callable[[], None]) -> None:
        self.video = video
        self.fps = video.fps
        self.size = video.size
        self._on_frame = on_frame

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:
        for frame in self.video.frames():
            self._on_frame()
            yield frame

    def decoded(self) -> Iterator[tuple[av.VideoFrame, float, float]]:
        for frame in self.video.decoded():
            self._on_frame()
            yield frame
