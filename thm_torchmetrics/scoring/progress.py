"""Report the progress of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np

from thm_torchmetrics.core.clip import VideoSource
from thm_torchmetrics.media.video import DecodedFrame, VideoFile

S = TypeVar("S", bound=VideoSource)
F = TypeVar("F")


class Progress:
    """This class receives the progress of a run and ignores it; subclasses show it."""

    def step(self, text: str) -> None:
        """Show what is done before the first clip, such as ``loading networks``."""

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

    def alarm(self, text: str) -> None:
        """Show why the process ends at once."""

    def download(self, name: str, done: int, total: int | None) -> None:
        """Show the number of bytes of a checkpoint that have arrived."""


class CountedSource(Generic[S]):
    """The source reports each frame that is read.

    Args:
        source: the source of the frames.
        on_frame: called for each frame.
    """

    def __init__(self, source: S, on_frame: Callable[[], None]) -> None:
        self.source = source
        self.fps = source.fps
        self.size = source.size
        self.duration: float | None = getattr(source, "duration", None)
        self._on_frame = on_frame

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield the frames, as the source does."""
        return self._counted(self.source.frames())

    def _counted(self, frames: Iterable[F]) -> Iterator[F]:
        for frame in frames:
            self._on_frame()
            yield frame


class CountedVideo(CountedSource[VideoFile]):
    """The video file reports each frame that is read."""

    def decoded(self) -> Iterator[tuple[DecodedFrame, float, float]]:
        """Yield the frames, as `VideoFile.decoded`."""
        return self._counted(self.source.decoded())
