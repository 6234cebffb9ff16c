"""Print a result as a table on the terminal."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thm_torchmetrics.reports.cells import OF_THE_REAL, MetricRow, metric_rows, sections
from thm_torchmetrics.reports.footnotes import MARK, find_footnotes
from thm_torchmetrics.reports.names import encodable, printable
from thm_torchmetrics.scoring.result import Result

_WIDTH_OF_A_FILE = 160

_HEADS = ("Metric", "", "Value", "Unit", "Protocol", "Frames", "Clips", "Coverage", "Left out")
_COUNTS = (0, 5, 6, 7, 8)
_LAYOUTS = (
    (tuple(range(len(_HEADS))),),
    ((0, 1, 2, 3, 4), _COUNTS),
    ((0, 1, 2, 3), (0, 4), _COUNTS),
)
"""The columns of one table, and of two or three in its place where the terminal is narrow."""
_RIGHT = ("Value", "Frames", "Clips", "Coverage", "Left out")


class PlainConsole(Console):
    """The console prints every text as it is, in characters that its stream can hold.

    Brackets are no markup, control characters are shown as escapes, and arrows are in ASCII where the encoding of the
    stream has none.
    """

    def plain(self, text: str) -> str:
        """Return a text as this console prints it."""
        return encodable(printable(text), self.encoding)

    def on_broken_pipe(self) -> None:
        """Leave it to the command that its reader has gone; rich would end the process."""
        raise

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text to print; rich calls this for every cell and every line."""
        return super().render_str(self.plain(text), **{**options, "markup": False, "emoji": False})


def console(file: TextIO | None = None) -> PlainConsole:
    """Return a console on a stream, wide enough not to wrap in a file or a pipe.

    Args:
        file: the stream; default: standard output. Where the process has none, nothing is printed.
    """
    stream = sys.stdout if file is None else file
    if stream is None:
        stream = io.StringIO()
    width = None if stream.isatty() else _WIDTH_OF_A_FILE
    if stream is sys.__stdout__ and width:
        width = shutil.get_terminal_size((width, 0)).columns  # $COLUMNS, if it is set
    return PlainConsole(file=stream, width=width, highlight=False, force_jupyter=False)


def grid(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table with these columns, some of them aligned to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def print_text(text: str, file: TextIO | None = None) -> None:
    """Print the text of a report; characters that the stream cannot hold become escapes.

    On a terminal, control characters become escapes, too, as those of names do that CSV holds as they are.

    Args:
        text: the text, of one of `reports.FORMATS`.
        file: the stream; default: standard output. Where the process has none, nothing is printed.
    """
    stream = sys.stdout if file is None else file
    if stream is None:
        return
    if stream.isatty():
        text = "\n".join(printable(line) for line in text.split("\n"))
    stream.write(encodable(text, stream.encoding or "utf-8"))


def show(result: Result, file: TextIO | None = None) -> None:
    """Print the metrics of a result, then what was skipped or failed, with reasons, and remarks on clips.

    Args:
        result: the result.
        file: the stream; default: standard output.
    """
    out = console(file)
    notes = find_footnotes(result)
    if result.metrics:
        rows = metric_rows(result, notes)
        for layout in _LAYOUTS:
            tables = [_metrics(out, rows, columns) for columns in layout]
            if max(natural_width(out, table) for table in tables) <= out.width:
                break
        # better wider than the terminal than a name that cannot be copied
        out.width = max(out.width, *(natural_width(out, table) for table in tables))
        for table in tables:
            out.print(table)
    for line in notes.lines():
        out.print(f"{MARK} {line}")
    for title, second, listed in sections(result, notes, short=False):
        table = grid(title, second)
        for name, text in listed:
            table.add_row(name, text)
        out.print(table)


def _metrics(out: PlainConsole, rows: Sequence[MetricRow], columns: Sequence[int]) -> Table:
    """Return the table of the metrics, or some columns of it."""
    table = grid(*(_HEADS[i] for i in columns), right=_RIGHT)
    for row in rows:
        cells = row[:9]  # as many as there are headings
        name: str | Text = row.label
        if row.is_real:
            gap = " " if len(columns) == len(_HEADS) else "\n"
            name = Text(f"{out.plain(row.label)}{gap}{OF_THE_REAL}")
        table.add_row(name, *(cells[i] for i in columns[1:]))
    return table


def natural_width(out: PlainConsole, table: Table) -> int:
    """Return the width that a table has where nothing limits it."""
    return out.measure(table, options=out.options.update(max_width=10_000)).maximum
