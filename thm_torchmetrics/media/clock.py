"""Read the clock of a media file: where it starts, how long its streams are, when its frames are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream


def clock_start(container: InputContainer) -> float:
    """Return the earliest start of the file's streams, in seconds, never below zero.

    A transport stream counts from an arbitrary time. Subtracting this start puts its first picture or sample at time 0
    and keeps the distance between its streams.
    """
    streams = [*container.streams.video, *container.streams.audio]
    starts = [start for start in map(start_of, streams) if start is not None]
    return max(0.0, min(starts, default=0.0))


def start_of(stream: Stream) -> float | None:
    """Return the time in seconds at which a stream starts, as its container gives it."""
    if stream.start_time is None or not stream.time_base or stream.disposition & Disposition.attached_pic:
        return None
    return stream.start_time * float(stream.time_base)


def duration_of(container: InputContainer, stream: Stream) -> float | None:
    """Return the length of a stream in seconds, as its container states it; None if it does not."""
    if stream.duration is not None and stream.duration > 0 and stream.time_base:
        return stream.duration * float(stream.time_base)
    # matroska: a tag of the stream, such as 00:01:02.500000000; its header has one length for all streams
    tag = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", "").strip("\0 "))
    if tag:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def rate_of(stream: VideoStream) -> float:
    """Return the average frames per second of a stream; 25 if its container does not say."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and float(rate) > 0:
            return float(rate)
    return 25.0


def is_variable(times: Sequence[float]) -> bool:
    """Return whether the steps between the times of frames differ by more than half of their median.

    Containers round times to milliseconds at worst, and players show a frame of a whole rate within half a step.

    Example:
        >>> is_variable([0.0, 0.04, 0.08, 0.121]), is_variable([0.0, 0.04, 0.12])
        (False, True)
    """
    steps = sorted(after - before for before, after in pairwise(times))
    return bool(steps) and steps[-1] - steps[0] > 0.5 * steps[(len(steps) - 1) // 2]


class FrameClock:
    """The clock gives the time of each frame in seconds, which never decreases."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._step = 1.0 / rate_of(stream)
        self._start = clock_start(container)
        self._unit = stream.time_base or Fraction(0)
        self._previous = self._start - self._step
        context = stream.codec_context
        # avi stores no times; FFmpeg makes them up in the order of decoding, which is wrong where that is not shown
        is_reordered = context.has_b_frames and context.codec.canonical_name in ("h264", "hevc")
        self._is_counted = container.format.name == "avi" and is_reordered
        self._shift = 0.0
        self._back: list[int] = []
        self._times: list[float] = []

    def time(self, index: int, frame: av.VideoFrame, restarts: bool) -> float:
        """Return the time of the next frame."""
        follows = self._previous + self._step
        time = follows
        if frame.pts is not None and not (index and self._is_counted):
            # not `frame.time`: a frame that the decoder held back to the end does not know its unit
            time = frame.pts * self._unit.numerator / self._unit.denominator
            if restarts:
                self._shift = follows - time
            time += self._shift
            if index and time < self._previous:
                self._back.append(index)
                time = follows
        self._previous = time
        self._times.append(time)
        return time - self._start

    def duration(self, frame: av.VideoFrame) -> float:
        """Return the duration of a frame in seconds."""
        return frame.duration * float(self._unit) or self._step

    def remarks(self, path: Path) -> Iterator[str]:
        """Yield a remark on a rate that varies, and one on times that went back."""
        if is_variable(self._times):
            steps = sorted(after - before for before, after in pairwise(self._times))
            yield (
                f"{path}: the frame rate varies, a frame lasts {steps[0] * 1000:.0f} to {steps[-1] * 1000:.0f} ms; "
                'frames of two files are paired by number, or by their times with align="time"'
            )
        if self._back:
            yield (
                f"{path}: the times of {len(self._back)} frames lie before that of the frame before (the first is "
                f"frame {self._back[0]}); they are taken to follow it at the average rate; convert the video if this "
                "matters"
            )
