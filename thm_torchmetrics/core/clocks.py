"""Compare the frame rates of two clips, and pair their frames by time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.errors import InputError, MismatchError

RATE_TOLERANCE = 0.01
"""Frame rates that differ by a larger share of the smaller one are another clock; 29.97 and 30 are one."""

_TICK = 1.001e-3
"""Seconds by which two files may round the time of one frame apart: a tick of Matroska, the coarsest in use."""


def rates_differ(first: float | None, second: float | None) -> bool:
    """Return whether two frame rates are different clocks; False where one is not known."""
    if not first or not second:
        return False
    return abs(first - second) > RATE_TOLERANCE * min(first, second)


def check_rates(preds: float | None, target: float | None) -> None:
    """Raise an error if two clips have different frame rates.

    Raises:
        MismatchError: if the rates are known and differ by more than `RATE_TOLERANCE`.
    """
    if rates_differ(preds, target):
        raise MismatchError(
            f"the prediction has {preds:.6g} frames per second and the target {target:.6g}; "
            'pass align="time" to compare the frames on display at the target\'s times, '
            'or align="truncate" to compare frame i with frame i all the same'
        )


def pair_by_time(preds: AnyClip, target: AnyClip) -> Iterator[tuple[Chunk | None, Chunk | None]]:
    """Yield the target chunk by chunk, each with the predicted frames on display at its times.

    The clocks of both clips start with their first frames. A frame is on display until the next one, the last one for
    as long as the one before it. Target frames after the end of the prediction stay alone; predicted frames after the
    end of the target are yielded alone, last.

    Raises:
        InputError: if the frames of a clip have no times.
    """
    length = min(preds.chunk_length, target.chunk_length)
    display = _Display(preds.chunks(length), _Clock("prediction", preds.rate))
    clock = _Clock("target", target.rate)
    for chunk in target.chunks(length):
        yield display.at(clock.read(chunk)), chunk
    yield from ((chunk, None) for chunk in display.after(clock.end))


class _Clock:
    """The clock of a clip starts with its first frame."""

    def __init__(self, side: str, rate: float | None) -> None:
        self._side = side
        self._start: float | None = None
        self._last, self._step = 0.0, 1 / (rate or 25.0)

    @property
    def end(self) -> float:
        """The time at which the last frame leaves the display."""
        return self._last + self._step

    def read(self, chunk: Chunk) -> list[float]:
        """Return the times of a chunk's frames."""
        if len(chunk.times) != len(chunk):
            raise InputError(f'align="time" needs the times of the frames, and the {self._side} has none')
        if self._start is None:
            self._start = chunk.times[0]
        times = [time - self._start for time in chunk.times]
        step = times[-1] - (times[-2] if len(times) > 1 else self._last)
        self._last, self._step = times[-1], step if step > 0 else self._step
        return times


class _Display:
    """The display shows the frames of a clip, which is read no further than needed."""

    def __init__(self, chunks: Iterator[Chunk], clock: _Clock) -> None:
        self._chunks = chunks
        self._clock = clock
        self._rows: Tensor | None = None
        self._times: list[float] = []
        self._ended = False

    def at(self, times: Sequence[float]) -> Chunk | None:
        """Return the frames on display at some times; those after the end are left out."""
        self._read_beyond(times[-1])
        if self._ended:
            times = [time for time in times if time < self._clock.end - _TICK]
        if self._rows is None or not times:
            return None
        shown = [max(bisect_right(self._times, time + _TICK) - 1, 0) for time in times]
        chunk = Chunk(self._rows[torch.tensor(shown, device=self._rows.device)], 0, times)
        self._drop(shown[-1])
        return chunk

    def after(self, end: float) -> Iterator[Chunk]:
        """Yield the frames that come on display only after a time."""
        self._read_beyond(end)
        late = bisect_right(self._times, end - _TICK)
        if self._rows is not None and late < len(self._times):
            yield Chunk(self._rows[late:])
        yield from self._chunks

    def _read_beyond(self, time: float) -> None:
        """Read until a frame comes after a time, or the clip ends."""
        while not self._ended and (not self._times or self._times[-1] <= time + _TICK):
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
                return
            self._times += self._clock.read(chunk)
            self._rows = chunk.rows if self._rows is None else torch.cat([self._rows, chunk.rows])

    def _drop(self, count: int) -> None:
        """Forget the frames before the one on display."""
        if self._rows is not None:
            self._rows, self._times = self._rows[count:], self._times[count:]
