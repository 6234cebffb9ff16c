"""Show the progress bar on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress as RichProgress, TextColumn, TimeElapsedColumn

from thm_torchmetrics.cli.wording import in_cli_words
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.reports.table import console
from thm_torchmetrics.scoring.progress import Progress


class Bar(Progress):
    """The bar shows clips done, frames decoded and their rate, on a terminal only."""

    def __init__(self, hidden: bool = False) -> None:
        self._rich = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("clips, {task.fields[frames]} frames, {task.fields[rate]:.0f} frames/s"),
            TimeElapsedColumn(),
            console=console(sys.stderr),
            transient=True,
            disable=hidden or not sys.stderr.isatty(),
        )
        self._task = self._rich.add_task("", total=0, frames=0, rate=0.0)
        self._frames = 0

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rich.stop()

    def start(self, clips: int) -> None:
        """Set the number of clips."""
        self._rich.update(self._task, total=clips)

    def clip(self, key: str) -> None:
        """Show the clip's name."""
        self._rich.update(self._task, description=printable(key))

    def frame(self) -> None:
        """Count a frame."""
        self._frames += 1
        elapsed = self._rich.tasks[0].elapsed or 0.0
        self._rich.update(self._task, frames=self._frames, rate=self._frames / elapsed if elapsed else 0.0)

    def done(self) -> None:
        """Count a clip."""
        self._rich.advance(self._task)

    def download(self, name: str, done: int, total: int | None) -> None:
        """Show how much of a checkpoint has arrived."""
        megabytes = f"{done / 1e6:.0f}" + (f" of {total / 1e6:.0f}" if total else "") + " MB"
        self._rich.update(self._task, description=f"fetching {name}: {megabytes}")

    def note(self, text: str) -> None:
        """Print a line on standard error, like the bar."""
        self._rich.console.print(in_cli_words(text), markup=False, highlight=False, soft_wrap=True)
