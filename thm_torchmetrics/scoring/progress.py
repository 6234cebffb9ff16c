"""Report the progress of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from thm_torchmetrics.media.video import DecodedFrame, VideoFile


class Progress:
    """This class receives the progress of a run and ignores it; subclasses show it."""

    def start(self, clips: int) -> None:
        """Start a run of this number of clips."""

    def clip(self, key: str) -> None:
        """Start a clip."""

    def frame(self) -> None:
        """Count a decoded frame."""

    def done(self) -> None:
        """End the clip that was started last."""

    def note(self, text: str) -> None:
        """Show a remark for the reader of the numbers."""

    def download(self, name: str, done: int, total: int | None) -> None:
        """Show the number of bytes of a checkpoint that have arrived."""


class CountedVideo:
    """The video reports each decoded frame.

    Args:
        video: the video.
        on_frame: called for each frame.
    """

    def __init__(self, video: VideoFile, on_frame: Callable[[], None]) -> None:
        self.video = video
        self.fps = video.fps
        self.size = video.size
        self._on_frame = on_frame

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield the frames, as `VideoFile.frames`."""
        for frame in self.video.frames():
            self._on_frame()
            yield frame

    def decoded(self) -> Iterator[tuple[DecodedFrame, float, float]]:
        """Yield the frames, as `VideoFile.decoded`."""
        for frame in self.video.decoded():
            self._on_frame()
            yield frame
