"""Write a comparison as JSON, CSV and Markdown text."""

from __future__ import annotations

import json

from thm_torchmetrics.comparison.comparison import Comparison, Difference
from thm_torchmetrics.comparison.models import to_plain
from thm_torchmetrics.reports.cells import number
from thm_torchmetrics.reports.comparison_cells import (
    BEST,
    CORRELATION_HEADS,
    GROUND_TRUTH,
    SECOND,
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
from thm_torchmetrics.reports.text import csv_cell, csv_line, csv_number, escape_markdown, markdown_table, note_cell

_STYLES = {BEST: "**{}**", SECOND: "<ins>{}</ins>", 0: "{}"}

_LONG = (
    "metric", "model", "value", "low", "high", "interval", "clips", "unit", "higher_is_better", "protocol",
    "extractor", "rank", "difference", "difference_low", "difference_high", "p", "p_holm", "dz", "notes",
)  # fmt: skip


def comparison_to_json(comparison: Comparison) -> str:
    """Return JSON of schema 1: every result under ``models``, and the comparison under ``comparison``."""
    plain = {**to_plain(comparison.models), "comparison": comparison.to_json()}
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"


def comparison_to_csv(comparison: Comparison) -> str:
    """Return a line per metric and model, with interval and difference to the reference.

    An empty cell is no value. Texts are written as `reports.text.to_csv` writes them. The notes say what changes the
    numbers of the metric, and why there is no value or no interval.
    """
    rows, notes = [list(_LONG)], footnotes(comparison)
    for column in columns(comparison):
        for model, cell in comparison.cells[column.key].items():
            low, high, method = ("", "", "") if cell.interval is None else cell.interval[:3]
            rank = column.ranks.get(model)
            rows.append([
                csv_cell(column.key), csv_cell(model), csv_number(cell.value), *_ends(low, high), method,
                str(cell.clips), _text(column.metric.unit), str(column.metric.higher_is_better).lower(),
                csv_cell(column.metric.protocol), _text(column.metric.extractor or ""),
                "" if rank is None else str(rank), *_difference(comparison.difference(column.key, model)),
                note_cell([cell.why, *notes.by_metric.get(column.key, ())]),
            ])  # fmt: skip
        if column.key in comparison.real:
            rest = [""] * (len(_LONG) - 3)
            rows.append([csv_cell(column.key), GROUND_TRUTH, csv_number(comparison.real[column.key]), *rest])
    return "".join(f"{csv_line(row)}\n" for row in rows)


def comparison_to_wide_csv(comparison: Comparison) -> str:
    """Return a line per model, the values of the metrics in columns; first the real videos, if they were scored.

    Where there is something to say of what changes the numbers or what is not compared, each model has it in a last
    column ``notes``.
    """
    shown = columns(comparison)
    told = [*(f"not compared: {line}" for line in comparison.left_out), *footnotes(comparison).lines()]
    notes = [note_cell(told)] if told else []
    rows = [["model", *(csv_cell(column.key) for column in shown), *(["notes"] if notes else [])]]
    if comparison.real:
        real = (comparison.real.get(column.key) for column in shown)
        rows.append([GROUND_TRUTH, *map(csv_number, real), *([""] if notes else [])])
    for model in comparison.models:
        values = (comparison.cells[column.key][model].value for column in shown)
        rows.append([csv_cell(model), *map(csv_number, values), *notes])
    return "".join(f"{csv_line(row)}\n" for row in rows)


def comparison_to_markdown(comparison: Comparison) -> str:
    """Return a table of the models and one of the differences; the best is bold, the second best underlined."""
    shown, notes = columns(comparison), footnotes(comparison)
    rows = []
    if comparison.real:
        rows.append([GROUND_TRUTH, *(number(comparison.real.get(column.key), column.places) for column in shown)])
    for model in comparison.models:
        cells = []
        for column in shown:
            interval = comparison.cells[column.key][model].interval
            value = _STYLES[column.ranks.get(model, 0)].format(value_text(comparison, column, model))
            ends = "" if interval is None else f" {escape_markdown(interval_text(interval, column.places))}"
            cells.append(value + ends)
        rows.append([escape_markdown(model), *cells])
    heads = ["Model", *(f"{escape_markdown(column.label)} {column.arrow}" for column in shown)]
    lines = markdown_table(heads, rows)
    if comparison.differences:
        heads = [escape_markdown(head) for head in difference_heads(comparison)]
        differences = [[escape_markdown(text) for text in row] for row in difference_rows(comparison)]
        lines += ["", *markdown_table(heads, differences)]
    if comparison.correlations:
        correlations = [[escape_markdown(text) for text in row] for row in correlation_rows(comparison)]
        lines += ["", *markdown_table(CORRELATION_HEADS, correlations)]
    for line in (*note_lines(comparison), *(f"{MARK} {line}" for line in notes.lines())):
        lines += ["", escape_markdown(line)]
    return "\n".join([*lines, ""])


def _text(text: str) -> str:
    return csv_cell(text) if text else ""


def _difference(found: Difference | None) -> list[str]:
    if found is None:
        return [""] * 6
    low, high = ("", "") if found.interval is None else found.interval[:2]
    return [csv_number(found.value), *_ends(low, high), *map(csv_number, (found.p, found.p_holm, found.effect))]


def _ends(low: float | str, high: float | str) -> list[str]:
    return [end if isinstance(end, str) else csv_number(end) for end in (low, high)]
