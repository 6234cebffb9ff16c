"""Collect the errors that FFmpeg logs while it reads a file.

FFmpeg conceals most damage: a decoder that meets a wrong checksum or a missing piece logs an error, fills the hole and
goes on. Its log is the only place where this shows.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from av import logging

_KEPT = 3  # messages of one file; a damaged one may log thousands


class ErrorLog:
    """The errors of one file, from entering the block to leaving it.

    FFmpeg's log is one for the whole process, and a message does not say which file it is about. A message in the
    thread that called FFmpeg belongs to that call, see `calling`. The threads of a decoder work between calls, too: if
    one file alone is open, their messages are about it; if there are several, each of these becomes `doubtful`.

    While a log is open, PyAV's log level is ERROR and its log comes here; afterwards they are as before. Only FFmpeg's
    own callback, which `av.logging.restore_default_callback` sets, cannot be asked for and comes back as PyAV's.

    Attributes:
        errors: the first messages, such as ``ffv1: slice CRC mismatch``.
        doubtful: whether another thread has reported an error that may be about this file or another one.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.doubtful = False

    def __enter__(self) -> ErrorLog:
        with _shared.lock:
            _shared.hand_out()
            if not _shared.open:
                _shared.start()
            _shared.open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        with _shared.lock:
            _shared.hand_out()
            _shared.open.remove(self)
            if not _shared.open:
                _shared.stop()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Take what is logged in this thread as being about this file.

        The block calls FFmpeg once and does not yield: captures of one thread end in the order opposite to their start.
        """
        try:
            with logging.Capture() as own:
                yield
        finally:
            self.add(own)
            with _shared.lock:
                _shared.hand_out()

    def add(self, messages: list[tuple[int, str, str]]) -> None:
        """Keep the errors among the messages of `av.logging`."""
        errors = [f"{name}: {text.strip()}" for level, name, text in messages if level <= logging.ERROR]
        self.errors += errors[: max(0, _KEPT - len(self.errors))]


class _Shared:
    """The log of the process, and the files that are being read."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # the garbage collector may close another file in the same thread, at any place
        self.open: list[ErrorLog] = []
        self._messages: list[tuple[int, str, str]] = []
        self._capture: logging.Capture | None = None
        self._before: tuple[int | None, bool] = (None, True)

    def start(self) -> None:
        self._before = logging.get_level(), logging.get_skip_repeated()
        self._capture = logging.Capture(local=False)
        self._messages = self._capture.__enter__()
        logging.set_skip_repeated(False)  # else the same damage in the next file is no news
        logging.set_level(logging.ERROR)

    def stop(self) -> None:
        level, skip_repeated = self._before
        logging.set_level(level)
        logging.set_skip_repeated(skip_repeated)
        if self._capture is not None:
            self._capture.__exit__(None, None, None)
            self._capture = None

    def hand_out(self) -> None:
        """Give the messages of other threads to the files that they may be about."""
        messages = []
        while self._messages:  # one by one: other threads append meanwhile
            messages.append(self._messages.pop(0))
        if not any(level <= logging.ERROR for level, _, _ in messages):
            return
        if len(self.open) == 1:
            self.open[0].add(messages)
        else:
            for log in self.open:
                log.doubtful = True


_shared = _Shared()
# A decoder's thread that logs needs the interpreter; when that ends first, the process hangs.
atexit.register(logging.set_level, None)
