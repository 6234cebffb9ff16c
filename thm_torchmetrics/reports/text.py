"""Write a result as JSON, CSV, Markdown and LaTeX text.

Names of clips and files may hold any character; each format shows them so that they change neither the format nor the
screen. JSON is for programs and holds everything. The others may go into a paper: paths are shortened to names of
files, reasons to one clause.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence

from thm_torchmetrics.reports.cells import (
    OF_THE_REAL,
    MetricRow,
    error_of,
    label,
    metric_rows,
    number,
    real_value,
    reasons,
    scored,
    sections,
    share,
    shortened,
)
from thm_torchmetrics.reports.footnotes import MARK, find_footnotes
from thm_torchmetrics.reports.latex import latex_lines
from thm_torchmetrics.reports.names import printable, storable
from thm_torchmetrics.scoring.result import Result

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n'")
"""A cell that begins with one of these is computed by spreadsheets; with the apostrophe, it would lose it."""
_MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""The words that `pandas.read_csv` takes for no value."""
_MOST_COMMENTS = 10
"""The most clips of which the comments tell one kind of thing."""


def to_json(result: Result) -> str:
    """Return JSON of schema 1; ``null`` stands for no value."""
    return result.to_text()


def to_csv(result: Result) -> str:
    """Return a line per clip and one over the dataset, as ``pandas.read_csv`` reads it without options.

    Columns: ``clip``; ``status``; the metrics by key; ``notes``. The status of a clip is ``ok`` or ``failed``, that of
    the line over the dataset is ``total`` and its clip ``ALL``. The lines of the real videos, if they were scored,
    have the status ``real`` and ``real total``. An empty cell is no value, ``inf`` is infinity. The notes give the
    reasons of failures and, in the line ``total``, what changes the numbers; the rest of the provenance is in the
    JSON report.

    A text that a spreadsheet would compute (``=1+1``) or pandas take for no value (``NA``) begins with an apostrophe,
    and so does a text that begins with one; take one away to get the name:
    ``table["clip"].str.removeprefix("'")``.
    """
    keys = list(result.metrics)
    reason, remark = shortened(result)
    rows = [["clip", "status", *map(csv_cell, keys), "notes"]]
    for clip, scores in result.rows():
        notes = [error_of(clip, reason), *map(remark, clip.notes)]
        rows.append(
            [csv_cell(clip.clip), clip.status, *(csv_number(scores.get(key)) for key in keys), note_cell(notes)]
        )
    totals = [csv_number(result.metrics[key].value) for key in keys]
    rows.append(["ALL", "total", *totals, note_cell(_remarks(result))])
    for name, values in _real_rows(result):
        rows.append([csv_cell(name), "real", *map(csv_number, values), ""])
    real = [real_value(metric) for metric in result.metrics.values()]
    if any(value is not None for value in real):
        rows.append(["ALL", "real total", *map(csv_number, real), ""])
    return "".join(f"{csv_line(row)}\n" for row in rows)


def to_markdown(result: Result) -> str:
    """Return tables of the metrics, the clips, and of what was skipped, failed or remarked."""
    notes = find_footnotes(result)
    head = ("Metric", "Value", "Unit", "Protocol", "Frames", "Clips", "Coverage", "Left out")
    lines = markdown_table(head, [_markdown_row(row) for row in metric_rows(result, notes, escape_markdown)])
    for line in notes.lines():
        lines += ["", rf"\{MARK} {escape_markdown(line)}"]
    if result.clips:
        labels = [
            label(key, metric, escape_markdown) + escape_markdown(notes.mark(key))
            for key, metric in result.metrics.items()
        ]
        lines += ["", *markdown_table(("Clip", "Status", *labels), list(_markdown_clips(result)))]
    for title, second, rows in sections(result, notes, short=True):
        lines += [
            "",
            *markdown_table((title, second), [(escape_markdown(name), escape_markdown(text)) for name, text in rows]),
        ]
    # a > could end the comment
    comments = [printable(line).replace(">", "&gt;") for line in _origin(result)]
    return "\n".join([*lines, "", *(f"<!-- {line} -->" for line in comments), ""])


def to_latex(result: Result, name: str = "Ours") -> str:
    """Return a table for LaTeX with arrows; it needs the package ``booktabs``.

    The metrics are columns if these fit on a page, which eight short names do, else rows. A metric has two decimals if
    it is in dB or frames, else four significant digits, but two to four decimals. A line below the table says what
    changes the numbers. The provenance stands in comments.

    Args:
        result: the result.
        name: the name of the method; the real videos, if they were scored, are ``Ground truth``.
    """
    notes = find_footnotes(result)
    comments = _origin(result)
    for title, _, rows in sections(result, notes, short=True):
        comments += [f"{title.lower()}: {': '.join(filter(None, row))}" for row in rows[:_MOST_COMMENTS]]
        if len(rows) > _MOST_COMMENTS:
            comments.append(f"{title.lower()}: {len(rows) - _MOST_COMMENTS} more, see the JSON report")
    return "\n".join([*(f"% {printable(line)}" for line in comments), *latex_lines(result, notes, name), ""])


def _origin(result: Result) -> list[str]:
    """Return the versions, and how each metric was measured."""
    versions = result.provenance.get("versions", {})
    lines = [
        f"thm-torchmetrics {versions.get('thm-torchmetrics', '')}, {result.provenance.get('created', '')}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    for key, metric in result.metrics.items():
        extractor = f", extractor {metric.extractor}" if metric.extractor else ""
        amount = f"{metric.frames} frames of {metric.clips} clips" if metric.counted == "frames" else scored(metric)
        lines.append(
            f"{key}: protocol {metric.protocol}{extractor}, {amount}, "
            f"coverage {share(metric.coverage)}, {metric.left_out} left out"
        )
    return [line for line in lines if line]


def _remarks(result: Result) -> list[str]:
    """Return what there is to say on the numbers over the dataset."""
    reason, _ = shortened(result)
    notes = find_footnotes(result)
    return [
        *notes.lines(),
        *(f"{key}: no value: {reason(why)}" for key, why in reasons(result)),
        *(f"{key}: skipped, {reason(text)}" for key, text in result.skipped.items()),
        *notes.general,
    ]


def _real_rows(result: Result) -> Iterator[tuple[str, list[float | None]]]:
    """Yield each clip whose real video was scored, with the values by metric."""
    for clip in result.clips:
        details = [clip.metrics[key].detail if key in clip.metrics else None for key in result.metrics]
        values = [(detail or {}).get("target", {}).get("value") for detail in details]
        if any(value is not None for value in values):
            yield clip.clip, values


def csv_cell(text: str) -> str:
    """Return a text as a cell that no reader computes or takes for no value."""
    text = storable(text)
    return f"'{text}" if text in _MISSING or text.lstrip(" ").startswith(_FORMULA) else text


def note_cell(notes: Sequence[str]) -> str:
    """Return notes as one cell; empty if there are none."""
    told = "; ".join(filter(None, notes))
    return csv_cell(printable(told)) if told else ""


def csv_line(cells: Sequence[str]) -> str:
    """Return a line of CSV without its end."""
    text = io.StringIO()
    # csv quotes a line break in a cell only if the line ends with such a one
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")


def csv_number(value: float | None) -> str:
    """Return a value with all its digits; empty if there is none."""
    return "" if value is None or math.isnan(value) else repr(float(value))


def _markdown_row(row: MetricRow) -> tuple[str, ...]:
    name = f"{row.label} {OF_THE_REAL}" if row.is_real else f"{row.label} {row.arrow}"
    return (name, row.value, row.unit, row.protocol, row.scored, row.clips, row.coverage, row.left_out)


def _markdown_clips(result: Result) -> Iterator[tuple[str, ...]]:
    for clip, values in result.rows():
        yield (escape_markdown(clip.clip), clip.status, *(number(values.get(key)) for key in result.metrics))
    for name, real in _real_rows(result):
        yield (escape_markdown(name), "real", *map(number, real))


def escape_markdown(text: str) -> str:
    """Return a text that Markdown shows as it is, in a cell of a table, too."""
    text = re.sub(r"[\\`*_~|$\[\]]", r"\\\g<0>", printable(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, whose cells are Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
