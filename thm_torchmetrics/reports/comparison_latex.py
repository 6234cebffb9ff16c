"""Lay a comparison out as a LaTeX table that compiles as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from thm_torchmetrics.catalog import unaligned
from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.reports.comparison_cells import (
    BEST,
    GROUND_TRUTH,
    SECOND,
    Column,
    columns,
    footnotes,
    interval_text,
    note_lines,
)
from thm_torchmetrics.reports.footnotes import MARK
from thm_torchmetrics.reports.latex import WIDEST, heading, latex_arrow, latex_number, latex_row, typeset
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.reports.shortening import limited

_DAGGER = r"{\textsuperscript{\dag}}"
_SMALL = 0.75
"""The width of a letter of an interval by that of a letter of a heading."""


class _Cell(NamedTuple):
    """A cell has a value and an interval below it, or none."""

    value: str = "{--}"
    interval: str = ""


class _Grid(NamedTuple):
    """A grid of cells, a row per model or, transposed, per metric; ``formats`` are those of siunitx by column."""

    corner: str
    heads: Sequence[str]
    formats: Sequence[str]
    names: Sequence[str]
    rows: Sequence[Sequence[_Cell]]


def comparison_to_latex(comparison: Comparison) -> str:
    """Return a table for LaTeX with a caption; it needs the packages ``booktabs`` and ``siunitx``.

    Models are rows and metrics columns or, if these do not fit on a page, the other way round. The best value is bold,
    the second best underlined, intervals stand below, a dagger marks a significant difference to the reference. How
    intervals and tests were made stands in comments.
    """
    shown = columns(comparison)
    grid = _grid(comparison, shown)
    is_small = grid.corner == "Metric" and len(grid.heads) > 2
    lines = [
        *(f"% {printable(line)}" for line in note_lines(comparison)),
        r"% needs \usepackage{booktabs} and \usepackage{siunitx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(comparison, shown)}}}",
        r"\label{tab:comparison}",
        *((r"\footnotesize", r"\setlength{\tabcolsep}{3pt}") if is_small else ()),
        r"\sisetup{detect-weight=true, table-align-text-after=false}",
        rf"\begin{{tabular}}{{l{''.join(f' S[{form}]' for form in grid.formats)}}}",
        r"\toprule",
        latex_row([grid.corner, *(f"{{{head}}}" for head in grid.heads)]),
        r"\midrule",
        *(line for name, row in zip(grid.names, grid.rows, strict=True) for line in _lines(name, row, is_small)),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par{{\footnotesize {MARK} {typeset(line)}\par}}" for line in footnotes(comparison).lines()),
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def _grid(comparison: Comparison, shown: Sequence[Column]) -> _Grid:
    """Return the cells with models as rows, or as columns if the metrics do not fit on a page side by side."""
    notes = footnotes(comparison)
    titles = [heading(column.key, column.metric, notes) for column in shown]
    metrics = [f"{typeset(title)} ${latex_arrow(column.metric)}$" for title, column in zip(titles, shown, strict=True)]
    formats = [_format(comparison, [column]) for column in shown]
    names = [typeset(name, any_letter=True) for name in comparison.models]
    rows = [[_cell(comparison, column, name) for column in shown] for name in comparison.models]
    if comparison.real:
        names.insert(0, GROUND_TRUTH)
        rows.insert(0, [_Cell(_plain(comparison.real.get(column.key), column.places)) for column in shown])
    widths = [max(len(title), _SMALL * _interval_letters(comparison, column)) + 4
              for title, column in zip(titles, shown, strict=True)]  # fmt: skip
    if sum(widths) <= WIDEST:
        return _Grid("Method", metrics, formats, names, rows)
    form = _format(comparison, shown)
    return _Grid("Metric", names, [form] * len(names), metrics, [list(row) for row in zip(*rows, strict=True)])


def _cell(comparison: Comparison, column: Column, model: str) -> _Cell:
    cell = comparison.cells[column.key][model]
    value = _plain(cell.value, column.places)
    difference, rank = comparison.difference(column.key, model), column.ranks.get(model, 0)
    mark = _DAGGER if difference is not None and difference.is_significant else ""
    # a line under room of the number's width: an underlined number would not be aligned by its decimal point
    line = rf"{{\llap{{\underline{{\phantom{{{value}}}}}}}}}" if rank == SECOND else ""
    text = value if value.startswith("{") else (r"\bfseries " if rank == BEST else "") + value + line + mark
    interval = "" if cell.interval is None else interval_text(cell.interval, column.places)
    return _Cell(text, typeset(interval))


def _lines(name: str, row: Sequence[_Cell], is_small: bool) -> list[str]:
    """Return the line of a row, and one of the intervals if there are any; the ground truth is ruled off."""
    first = latex_row([name, *(cell.value for cell in row)])
    if any(cell.interval for cell in row):
        size = r"\tiny" if is_small else r"\scriptsize"
        intervals = (cell.interval and f"{{{size} {cell.interval}}}" for cell in row)
        return [f"{first}[-2pt]", latex_row(["", *intervals]) + "[2pt]"]
    return [first, *((r"\midrule",) if name == GROUND_TRUTH else ())]


def _plain(value: float | None, places: int) -> str:
    """Return a number as siunitx reads it; anything else in braces."""
    if value is None or not math.isfinite(value):
        return f"{{{latex_number(value, places)}}}"
    return f"{value:.{places}f}"


def _format(comparison: Comparison, shown: Sequence[Column]) -> str:
    """Return siunitx' format of a column that holds all values of some metrics."""
    texts = [
        _plain(value, column.places)
        for column in shown
        for value in (*(cell.value for cell in comparison.cells[column.key].values()), comparison.real.get(column.key))
    ]
    numbers = [text for text in texts if not text.startswith("{")] or ["0.0"]
    whole = max(len(text.lstrip("-").partition(".")[0]) for text in numbers)
    places = max(len(text.partition(".")[2]) for text in numbers)
    sign = "-" if any(text.startswith("-") for text in numbers) else ""
    return f"table-format={sign}{whole}.{places}"


def _interval_letters(comparison: Comparison, column: Column) -> int:
    intervals = [cell.interval for cell in comparison.cells[column.key].values() if cell.interval is not None]
    return max((len(interval_text(interval, column.places)) for interval in intervals), default=0)


def _caption(comparison: Comparison, shown: Sequence[Column]) -> str:
    """Return the caption: clips, protocols, and what the marks mean."""
    counts = sorted({cell.clips for cells in comparison.cells.values() for cell in cells.values() if cell.clips})
    clips = str(counts[-1]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "no"
    protocols: dict[str, list[str]] = {}
    for column in shown:
        network = f" ({limited(column.metric.extractor)})" if column.metric.extractor else ""
        plain = unaligned(column.key)
        name = plain.partition(":")[0].upper() + column.key.removeprefix(plain)
        protocols.setdefault(f"{column.metric.protocol}{network}", []).append(name)
    listed = "; ".join(f"{', '.join(keys)}: {protocol}" for protocol, keys in protocols.items())
    parts = [f"Values over {clips} clips. Protocols: {listed}."]
    if len(comparison.models) > 1:
        parts.append("Best in bold, second best underlined.")
    methods = {cell.interval.method for cells in comparison.cells.values() for cell in cells.values() if cell.interval}
    if methods:
        of_frames = ", over the frames of these clips" if "moving blocks" in methods else ""
        parts.append(f"In brackets 95 % bootstrap intervals{of_frames}.")
    caption = typeset(" ".join(parts))
    if any(each.is_significant for each in comparison.differences):
        reference = typeset(comparison.reference, any_letter=True)
        caption += rf" \textsuperscript{{\dag}}\,differs from {reference}, "
        caption += "$p < 0.05$ (paired permutation test, corrected by Holm)."
    return caption
