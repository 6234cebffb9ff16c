"""Print a result as a table on the terminal."""

from __future__ import annotations

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from thm_torchmetrics.reports.text import label, number, share
from thm_torchmetrics.scoring.result import Result

_WIDTH_OF_A_FILE = 160


def console() -> Console:
    """Return a console on standard output, wide enough not to wrap in a file or a pipe."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE, highlight=False)


def grid(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table with these columns."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def show(result: Result) -> None:
    """Print the metrics of a result, then the skipped and the failed ones with reasons."""
    out = console()
    right = ("Value", "Frames", "Clips", "Coverage", "Left out")
    table = grid("Metric", "", "Value", "Unit", "Protocol", "Frames", "Clips", "Coverage", "Left out", right=right)
    for key, metric in result.metrics.items():
        real = (metric.detail or {}).get("target")
        if real:
            clips, coverage = str(real["clips"]), share(real["coverage"])
            cells = (number(real["value"]), metric.unit, metric.protocol, "", clips, coverage)
            table.add_row(escape(f"{key} of the real videos"), "", *cells, "")
        table.add_row(
            escape(label(key, metric)),
            "↑" if metric.higher_is_better else "↓",
            number(metric.value),
            metric.unit,
            metric.protocol,
            str(metric.frames),
            str(metric.clips),
            share(metric.coverage),
            str(metric.left_out),
        )
    if result.metrics:
        out.print(table)
    for title, rows in (
        ("Skipped", result.skipped.items()),
        ("Failed", ((clip.clip, clip.error) for clip in result.failed)),
    ):
        notes = grid(title, "Reason")
        for name, reason in rows:
            notes.add_row(escape(name), escape(reason or ""))
        if notes.row_count:
            out.print(notes)
