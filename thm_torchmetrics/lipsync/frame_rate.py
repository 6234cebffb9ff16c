"""Convert frame rates as FFmpeg's ``-r 25`` does, by the rules of two versions.

The rules were measured on the programs themselves. Frames may be any object; only their timestamps are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TypeVar

from thm_torchmetrics.errors import MediaError

Frame = TypeVar("Frame")

MAX_STILL = 10.0
"""Seconds for which a picture may stay, since it is repeated for all of them; assign to it to raise the limit."""
MAX_FPS = 1000
"""Frames per second that a video may claim where it is read at its own rate."""

MP3_DELAY = 1105
"""Samples by which an MP3 encoder and decoder delay the sound."""

_DIGITS = 6  # decimals of a tick; further ones are rounding noise


def check_still(time: float, seconds: float) -> None:
    """Check for how long a picture stays.

    Args:
        time: when it is shown first, in seconds.
        seconds: until the next picture.

    Raises:
        MediaError: if that is longer than `MAX_STILL`.
    """
    if seconds > MAX_STILL:
        raise MediaError(
            f"the picture at {time:.2f} s stays for {seconds:,.1f} s. At a constant rate it is repeated for all of it; "
            f"the limit is {MAX_STILL:g} s, so that a wrong time cannot fill the memory. Cut the pause out, or set "
            "thm_torchmetrics.lipsync.frame_rate.MAX_STILL"
        )


def short_stills(frames: Iterable[tuple[Frame, float, float]]) -> Iterator[tuple[Frame, float, float]]:
    """Yield frames, each with its time and its duration, as long as none stays too long.

    Raises:
        MediaError: if one stays longer than `MAX_STILL`, the first from time 0 on.
    """
    before = 0.0
    for frame, time, duration in frames:
        check_still(before, time - before)
        check_still(time, duration)
        yield frame, time, duration
        before = time


def constant_rate(frames: Iterable[tuple[Frame, float, float]], fps: float = 25.0) -> Iterator[tuple[Frame, int]]:
    """Yield frames at a constant rate as FFmpeg 7 does, without a gap in time.

    Let t be the time and d the duration of a frame in ticks of ``1 / fps``, and n the next tick to fill. The frame is
    dropped if t + d - n < -1.1. It is shown rint(t + d - n) times if that is above 1.1; where t - n > 1.1, the first
    rint(t - n - 0.6) of these show the frame before. It is shown once otherwise.

    Args:
        frames: in order, each with its time and its duration in seconds.
        fps: frames per second of the result.

    Yields:
        A frame and its tick: 0, 1, 2, ...

    Raises:
        MediaError: if a frame stays longer than `MAX_STILL`, or ``fps`` is above `MAX_FPS`.

    Source: measured on FFmpeg 7.0.2 and 9.0.2.

    Example:
        >>> shown = constant_rate((i, i / 30, 1 / 30) for i in range(16))
        >>> [i for i, _ in shown]
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15]
    """
    if fps > MAX_FPS:
        raise MediaError(f"the video claims {fps:,.0f} frames per second, above {MAX_FPS}; convert it to its true rate")
    return _filled(short_stills(frames), fps)


def variable_rate(
    frames: Iterable[tuple[Frame, float, float]], fps: float = 25.0, source_fps: float = 25.0
) -> Iterator[tuple[Frame, int]]:
    """Yield frames at whole ticks as FFmpeg 4 and 5 write them to an AVI file.

    No frame is repeated, and ticks may stay empty. Let t be the time of a frame, d its duration rounded to whole ticks
    (where that is 0, ``fps / source_fps`` but at most 1), and n the next free tick. t becomes n if t < n < t + d. The
    frame is dropped if t + d - n <= -0.6, put at rint(t) if that is above 0.6, and at n otherwise.

    Args:
        frames: in order, each with its time and its duration in seconds.
        fps: ticks per second.
        source_fps: the rate in the source's header.

    Yields:
        A frame and its tick.

    Raises:
        MediaError: if a frame stays longer than `MAX_STILL`.

    Source: measured on FFmpeg 4.2.2 and 5.1.

    Example:
        >>> [i for i, _ in variable_rate(((i, i / 30, 1 / 30) for i in range(16)), source_fps=30)]
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15]
    """
    tick = 0
    for frame, time, duration in short_stills(frames):
        at = _ticks(time, fps)
        ahead = at - tick
        end = ahead + (round(round(duration * fps, _DIGITS)) or min(fps / source_fps, 1.0))
        if end <= -0.6:
            continue
        if end > 0.6:
            tick = tick if ahead < 0 else round(at)
        yield frame, tick
        tick += 1


def with_empty_ticks(frames: Iterable[tuple[Frame, int]], delay: int) -> Iterator[tuple[Frame, list[Frame]]]:
    """Yield the pictures that FFmpeg reads at a constant rate from an AVI file with MP3 sound.

    AVI has no negative times. Sound that starts early (an MP3 encoder adds `MP3_DELAY` samples at the front) moves all
    pictures but the first by ``delay`` ticks, and empty ticks are filled as by `constant_rate`.

    Args:
        frames: the pictures of the file with their ticks.
        delay: ticks, from `mp3_delay`.

    Yields:
        Each picture once, with the pictures that are read at its turn.

    Source: measured on FFmpeg 4.2.2, 5.1, 7.0.2 and 9.0.2.

    Example:
        >>> [read for _, read in with_empty_ticks(zip("abcd", range(4)), delay=2)]
        [['a'], ['a', 'b', 'b'], ['c'], ['d']]
    """
    queue: list[Frame] = []

    def moved() -> Iterator[tuple[Frame, float, float]]:
        for index, (frame, tick) in enumerate(frames):
            queue.append(frame)
            yield frame, tick + delay * (index > 0), 1.0

    read: list[Frame] = []
    for frame, _ in _filled(moved(), 1.0):
        if len(queue) > 1:
            yield queue.pop(0), read
            read = []
        read.append(frame)
    if queue:
        yield queue.pop(0), read


def mp3_delay(sample_rate: int, start: float = 0.0) -> int:
    """Return the frames of 40 ms by which MP3 sound moves the pictures of an AVI file.

    Args:
        sample_rate: rate of the sound in Hz.
        start: seconds by which the sound starts after the pictures.

    Source: measured on FFmpeg 4.2.2, 7.0.2 and 9.0.2.

    Example:
        >>> [mp3_delay(rate) for rate in (16000, 44100, 8000)]
        [2, 1, 4]
    """
    return max(0, math.ceil((MP3_DELAY / sample_rate - start) * 25))


def _filled(frames: Iterable[tuple[Frame, float, float]], fps: float) -> Iterator[tuple[Frame, int]]:
    """Yield frames at a constant rate, by the rule of `constant_rate`."""
    tick, before = 0, None
    for frame, time, duration in frames:
        ahead = _ticks(time, fps) - tick
        end = ahead + round(duration * fps, _DIGITS)
        copies = 0 if end < -1.1 else round(end) if end > 1.1 else 1
        held = round(ahead - 0.6) if ahead > 1.1 else 0
        for copy in range(copies):
            yield before if before is not None and copy < held else frame, tick
            tick += 1
        before = frame


def _ticks(time: float, fps: float) -> float:
    """Return a time in ticks.

    FFmpeg moves all but whole ones by 2^-17, so that none lies half-way between two.
    """
    at = round(time * fps, _DIGITS)
    return at if at == round(at) else at + math.copysign(2**-17, at)
