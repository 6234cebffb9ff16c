"""Show the progress of a run on standard error: as a bar on a terminal, as a line now and then in a log."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress as RichProgress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from thm_torchmetrics.cli.wording import in_cli_words
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.reports.table import console
from thm_torchmetrics.scoring.progress import Progress

INTERVAL = 60.0
"""Seconds between two lines of a log."""

_WIDE = 140
"""Columns of a terminal on which the bar is long."""
_BESIDE = 62
"""Columns of what stands beside the name of a clip and the bar."""


class Counted(Progress):
    """This class counts what is done, shows remarks, and says where a run was stopped; subclasses show the rest.

    Args:
        clock: returns a time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console(sys.stderr or io.StringIO())  # a process may have none
        self._clock = clock
        self._begun = self._clip_begun = clock()
        self.clips = self.done_clips = self.frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            place = f"at clip {min(self.done_clips + 1, self.clips)} of {self.clips}"
            error.add_note(place if self.clips else "before the first clip")

    def start(self, clips: int) -> None:
        """Begin to count; what came before, such as downloads, is not part of the rate."""
        self.clips, self.done_clips, self.frames = clips, 0, 0
        self._begun = self._clip_begun = self._clock()

    def frame(self) -> None:
        """Count a decoded frame."""
        self.frames += 1

    def done(self) -> None:
        """Count a clip."""
        self.done_clips += 1
        self._clip_begun = self._clock()

    def pace(self) -> str:
        """Return the mean rate until now and the time left, which the mean time of the clips done gives."""
        now = self._clock()
        elapsed = now - self._begun
        rate = self.frames / elapsed if elapsed > 0 else 0.0
        words = [f"{rate:.{0 if rate >= 10 else 1}f} frames/s"]
        left = self.clips - self.done_clips
        if self.done_clips and left:
            each = (self._clip_begun - self._begun) / self.done_clips
            words.append(f"about {duration(max(each * left - (now - self._clip_begun), each * (left - 1), 0))} left")
        return ", ".join(words)

    def note(self, text: str) -> None:
        """Print a remark in a line of its own; a standard error that fails ends no run."""
        with suppress(OSError):
            self._console.print(in_cli_words(text), markup=False, highlight=False, soft_wrap=True)


class Bar(Counted):
    """The bar shows clips done, frames decoded, their rate and the time left.

    Rate and time are computed when the bar is drawn, ten times a second, so they move while networks run.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._bar_width = 40 if self._console.width >= _WIDE else 8
        self._rich = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=self._bar_width),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _Pace(self, Column(no_wrap=True)),
            console=self._console,
            transient=True,
        )
        self._task = self._rich.add_task("", total=None)

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rich.stop()
        super().__exit__(kind, error, trace)

    def start(self, clips: int) -> None:
        """Set the number of clips."""
        super().start(clips)
        self._rich.update(self._task, total=clips, completed=0)

    def step(self, text: str) -> None:
        """Show what is done before the first clip."""
        self._describe(text)

    def clip(self, key: str) -> None:
        """Show the clip's name."""
        self._describe(printable(key))

    def done(self) -> None:
        """Count a clip."""
        super().done()
        self._rich.advance(self._task)

    def download(self, name: str, done: int, total: int | None) -> None:
        """Show how much of a checkpoint has arrived."""
        self._describe(f"fetching {name}: {megabytes(done, total)}")

    def _describe(self, text: str) -> None:
        """Show a text before the bar, cut so that all of it stays in one line."""
        room = max(self._console.width - self._bar_width - (_BESIDE if self.clips else 12), 8)
        self._rich.update(self._task, description=text if len(text) <= room else f"{text[: room - 3]}...")


class _Pace(ProgressColumn):
    """The column behind the bar."""

    def __init__(self, counted: Counted, column: Column) -> None:
        super().__init__(column)
        self._counted = counted

    def render(self, task: Task) -> Text:
        """Return the column as it is now."""
        return Text(f"clips, {self._counted.frames:,} frames, {self._counted.pace()}" if self._counted.clips else "")


class Log(Counted):
    """The log has a line for each checkpoint that is fetched, and at most one per `INTERVAL` on the clips.

    A run that ends earlier leaves none on its clips.

    Args:
        clock: returns a time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._told = clock()
        self._lines = 0
        self._fetched: set[str] = set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._lines:
            self._tell(f"{self._counts()}, in {duration(self._clock() - self._begun)}")
        super().__exit__(kind, error, trace)

    def start(self, clips: int) -> None:
        """Begin to count."""
        super().start(clips)
        self._told = self._begun

    def step(self, text: str) -> None:
        """Print what is done before the first clip."""
        self._tell(text)

    def frame(self) -> None:
        """Count a decoded frame."""
        super().frame()
        self._tell_now_and_then()

    def done(self) -> None:
        """Count a clip."""
        super().done()
        self._tell_now_and_then()

    def download(self, name: str, done: int, total: int | None) -> None:
        """Print the name and the size of a checkpoint once, and now and then how much of it has arrived."""
        if name not in self._fetched:
            self._fetched.add(name)
            self._tell(f"fetching {name}, {megabytes(total or 0, None)}" if total else f"fetching {name}")
        elif self._is_due():
            self._tell(f"fetching {name}: {megabytes(done, total)}")

    def _tell_now_and_then(self) -> None:
        if self.clips and self._is_due():
            self._lines += 1
            self._tell(f"{self._counts()}, {self.pace()}")

    def _is_due(self) -> bool:
        return self._clock() - self._told >= INTERVAL

    def _tell(self, text: str) -> None:
        self._told = self._clock()
        self.note(text)

    def _counts(self) -> str:
        return f"{self.done_clips:,} of {self.clips:,} clips, {self.frames:,} frames"


class RankLog(Log):
    """The log of one rank of several has its name before every line; remarks are those of rank 0.

    Args:
        rank: the number of the process.
        world: how many there are; they share the clips about equally.
        quiet: show remarks alone.
    """

    def __init__(self, rank: int, world: int, quiet: bool) -> None:
        super().__init__()
        self._rank, self._world, self._quiet = rank, world, quiet

    def start(self, clips: int) -> None:
        """Begin to count; other ranks take their share of the clips."""
        super().start(-(-clips // self._world))

    def note(self, text: str) -> None:
        """Print a remark, which all ranks have alike, once."""
        if self._rank == 0:
            super().note(text)

    def alarm(self, text: str) -> None:
        """Print why the process ends at once."""
        super().note(text)

    def _tell(self, text: str) -> None:
        self._told = self._clock()
        if not self._quiet:
            super().note(f"rank {self._rank}: {text}")


def rank_log(quiet: bool, rank: int, world: int) -> RankLog:
    """Return what shows the progress of one rank of several."""
    return RankLog(rank, world, quiet)


def shown(quiet: bool) -> Counted:
    """Return what shows the progress: a bar on a terminal, else a log; if it is quiet, remarks alone."""
    if quiet:
        return Counted()
    return Bar() if sys.stderr is not None and sys.stderr.isatty() else Log()


def megabytes(done: int, total: int | None) -> str:
    """Return an amount of bytes, such as ``12 of 244 MB``."""
    return f"{done / 1e6:.0f}" + (f" of {total / 1e6:.0f}" if total else "") + " MB"


def duration(seconds: float) -> str:
    """Return a time in the unit that fits: ``40 s``, ``4 min``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
