"""Read pictures in a thread of their own, ahead of their use."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.core.chunk import frames_per_chunk
from thm_torchmetrics.errors import MediaWarning

Picture: TypeAlias = npt.NDArray[np.uint8]
"""A picture ``(H, W, 3)``, RGB."""
TimedPicture: TypeAlias = tuple[Picture, float]
"""A picture and its time in seconds."""

_BATCHES = 8
"""Batches in which the thread hands over the pictures of one chunk, because each takes some 0.05 ms."""


class ReadAhead(Iterator[TimedPicture]):
    """The pictures of a reader, which a thread reads before they are needed.

    The thread starts at once, and stays ahead by the pictures of one chunk (`core.chunk.frames_per_chunk`). Pictures
    and order are the reader's. Its error is raised where the reader would raise it, after the pictures before it. The
    thread ends with the pictures, and when this object is closed or dropped.

    Args:
        pictures: the reader, which runs in the thread alone.
        remarks: texts that the reader adds while it runs. At its end each becomes a `MediaWarning` of the thread that
            iterates, because Python's records of warnings are not made for several threads.
    """

    def __init__(self, pictures: Generator[TimedPicture, None, None], remarks: Sequence[str] = ()) -> None:
        self._reader = _Reader(pictures)
        self._remarks = remarks
        self._ready: deque[TimedPicture] = deque()
        self._end: Exception | None = None

    def __next__(self) -> TimedPicture:
        while not self._ready:
            if self._end is not None:
                self._finish(self._end)
            batch = self._reader.next_batch()
            self._ready.extend(batch.pictures)
            self._end = batch.end
        return self._ready.popleft()

    def close(self) -> None:
        """End the thread, and close the reader with its file."""
        self._reader.stop(wait=True)
        self._ready.clear()
        self._remarks, self._end = (), StopIteration()

    def __del__(self) -> None:
        # does not wait: the garbage collector runs anywhere, also where a lock is held that the thread waits for
        self._reader.stop(wait=False)

    def _finish(self, end: Exception) -> NoReturn:
        remarks = self._remarks
        self.close()
        for text in remarks:
            warnings.warn(text, MediaWarning, stacklevel=3)
        try:
            raise end
        finally:
            del end  # it holds this call


class _Batch(NamedTuple):
    pictures: list[TimedPicture]
    end: Exception | None
    """What comes after the pictures: the reader's error, `StopIteration` at its end, or None if there are more."""


class _Reader:
    """The work of the thread; it does not know the `ReadAhead`, which can therefore be dropped meanwhile."""

    def __init__(self, pictures: Generator[TimedPicture, None, None]) -> None:
        self._pictures = pictures
        self._step = 1
        self._is_stopped = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._coming: deque[Future[_Batch]] = deque()
        self._coming.appendleft(self._thread.submit(self._first))  # the thread may have put others there by now

    def next_batch(self) -> _Batch:
        batch = self._coming.popleft().result()
        if batch.end is None:
            self._coming.append(self._thread.submit(self._batch))
        return batch

    def stop(self, wait: bool) -> None:
        self._is_stopped = True
        self._thread.shutdown(wait=wait, cancel_futures=True)
        if wait:
            self._pictures.close()

    def _first(self) -> _Batch:
        """Read the first picture, whose size says how many batches are to come before it is used."""
        batch = self._batch()
        for picture, _ in batch.pictures:
            count = frames_per_chunk(picture.size)
            self._step = -(-count // _BATCHES)
            self._coming.extend(self._thread.submit(self._batch) for _ in range(1, count // self._step))
        return batch

    def _batch(self) -> _Batch:
        pictures: list[TimedPicture] = []
        try:
            while len(pictures) < self._step and not self._is_stopped:
                pictures.append(next(self._pictures))
        except Exception as end:
            return _Batch(pictures, end)
        return _Batch(pictures, None)
