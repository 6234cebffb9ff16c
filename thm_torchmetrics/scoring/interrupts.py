"""Stop a run by a signal without losing what is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class StoppedRun(KeyboardInterrupt):
    """A signal has stopped a run.

    Attributes:
        result: the result of the clips that were done, which says that it is not complete.
        number: the number of the signal.
    """

    def __init__(self, result: Result, signaled: KeyboardInterrupt) -> None:
        super().__init__()
        self.result = result
        self.number: int = getattr(signaled, "number", signal.SIGINT)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let the signals that arrive in a block take effect when it ends, if they are handled by a function of Python."""
    if threading.current_thread() is not threading.main_thread():  # only there do handlers run
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: handler for number, handler in before.items() if callable(handler)}
    for number in before:
        signal.signal(number, lambda number, frame: arrived.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number, frame in arrived[:1]:
            before[number](number, frame)
