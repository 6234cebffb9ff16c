"""Print a comparison as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.table import Table
from rich.text import Text

from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.reports.cells import number
from thm_torchmetrics.reports.comparison_cells import (
    BEST,
    CORRELATION_HEADS,
    GROUND_TRUTH,
    SECOND,
    Column,
    columns,
    correlation_rows,
    difference_heads,
    difference_rows,
    footnotes,
    interval_text,
    note_lines,
    value_text,
)
from thm_torchmetrics.reports.footnotes import MARK
from thm_torchmetrics.reports.table import PlainConsole, console, grid, natural_width

_STYLES = {BEST: "bold", SECOND: "underline", 0: ""}


def show_comparison(comparison: Comparison, file: TextIO | None = None) -> None:
    """Print a row per model, then the differences to the reference, correlations, and how all was made.

    The best value of a metric is bold, the second best underlined.

    Args:
        comparison: the comparison.
        file: the stream; default: standard output.
    """
    out = console(file)
    tables = list(_parts(out, comparison))
    if comparison.differences:
        heads = difference_heads(comparison)
        table = grid(*heads, right=heads[2:])
        for row in difference_rows(comparison):
            table.add_row(*row)
        tables.append(table)
    if comparison.correlations:
        table = grid(*CORRELATION_HEADS, right=CORRELATION_HEADS[2:])
        for cells in correlation_rows(comparison):
            table.add_row(*cells)
        tables.append(table)
    # better wider than the terminal than a name that cannot be copied
    out.width = max([out.width, *(natural_width(out, table) for table in tables)])
    for table in tables:
        out.print(table)
    for line in (*note_lines(comparison), *(f"{MARK} {line}" for line in footnotes(comparison).lines())):
        out.print(line)


def _parts(out: PlainConsole, comparison: Comparison) -> Iterator[Table]:
    """Yield tables of as many metrics as fit on the screen side by side."""
    remaining = columns(comparison)
    while remaining:
        count = len(remaining)
        table = _models(out, comparison, remaining)
        while count > 1 and natural_width(out, table) > out.width:
            count -= 1
            table = _models(out, comparison, remaining[:count])
        yield table
        remaining = remaining[count:]


def _models(out: PlainConsole, comparison: Comparison, shown: Sequence[Column]) -> Table:
    heads = [f"{column.label} {column.arrow}" for column in shown]
    table = grid("Model", *heads, right=tuple(heads))
    if any(column.key in comparison.real for column in shown):
        real = (number(comparison.real.get(column.key), column.places) for column in shown)
        table.add_row(GROUND_TRUTH, *real)
    for model in comparison.models:
        cells = []
        for column in shown:
            style = _STYLES[column.ranks.get(model, 0)]
            interval = comparison.cells[column.key][model].interval
            text = Text.assemble((out.plain(value_text(comparison, column, model)), style))
            if interval is not None:
                text.append(f"\n{interval_text(interval, column.places)}", "dim")
            cells.append(text)
        table.add_row(model, *cells)
    return table
