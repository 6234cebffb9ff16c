"""Write down which messages of the package the tests have made: THM_RAISED=FILE python -m pytest ...

`docs/messages.py --unreached FILE` then says which messages no test has reached. A program that a test starts is not
watched; a process of a function is, if that calls `record_if_asked`.
"""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import click

import thm_torchmetrics
from thm_torchmetrics.errors import ThmError

PACKAGE = Path(thm_torchmetrics.__file__).parent
GIVE_TEXT_ON = {"warn", "warn_caller"}
"""Functions of the package that warn with the text of their caller."""


class Recorder:
    """The places in the package that have made an error or a warning, each written once, as ``module:line``."""

    def __init__(self, file: Path) -> None:
        self._seen: set[str] = set()
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # one line per write: processes share it

    def record(self, frame: FrameType | None) -> None:
        """Write down the innermost place in the package from which a frame was called."""
        while frame is not None:
            path, name = Path(frame.f_code.co_filename), frame.f_code.co_name
            if path.is_relative_to(PACKAGE) and name not in GIVE_TEXT_ON:
                place = f"{path.relative_to(PACKAGE).as_posix()}:{frame.f_lineno}\n"
                if place not in self._seen:
                    self._seen.add(place)
                    os.write(self._file, place.encode())
                return
            frame = frame.f_back

    def watch(self, cls: type[Exception]) -> None:
        """Record every error of a class."""
        make: Callable[..., None] = cls.__init__

        def make_and_record(error: Exception, *arguments: Any, **options: Any) -> None:
            self.record(sys._getframe(1))
            make(error, *arguments, **options)

        cls.__init__ = make_and_record  # type: ignore[method-assign]

    def watch_warnings(self) -> None:
        """Record every warning."""
        warn = warnings.warn

        def warn_and_record(
            message: str, category: type[Warning] | None = None, stacklevel: int = 1, *others: Any, **options: Any
        ) -> None:
            self.record(sys._getframe(1))
            warn(message, category, stacklevel + 1, *others, **options)

        warnings.warn = warn_and_record  # type: ignore[assignment]


def record_if_asked() -> None:
    """Record what this process makes from now on, if THM_RAISED names a file."""
    if "THM_RAISED" in os.environ:
        record_into(Path(os.environ["THM_RAISED"]).resolve())


def record_into(file: Path) -> None:
    """Record what this process makes from now on."""
    recorder = Recorder(file)
    recorder.watch(ThmError)
    recorder.watch(click.ClickException)
    recorder.watch_warnings()
