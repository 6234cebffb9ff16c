"""Timing one computation against the same by a reference library."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass
class Row:
    """One line of the table: times in milliseconds per frame, the ratio peer / ours and the least it should be."""

    name: str
    size: str
    ours: float
    peer: float
    target: float | None = None

    @property
    def ratio(self) -> float:
        """How many times faster we are."""
        return self.peer / self.ours


def compare(
    name: str,
    size: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    target: float | None = None,
    frames: tuple[int, int] = (1, 1),
    rounds: int = 7,
) -> Row:
    """The median of alternating rounds, after one of each to warm up; ``frames`` is how many each call processes."""
    calls = (ours, peer)
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds + 1):
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if round_:
                taken.append(time.perf_counter() - start)
    per_frame = [1000 * median(taken) / count for taken, count in zip(times, frames, strict=True)]
    return Row(name, size, per_frame[0], per_frame[1], target)
