"""Write how metrics agree with votes: as a table for the terminal, JSON, CSV and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from thm_torchmetrics.comparison.votes import Agreement
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.whole_file import whole_file
from thm_torchmetrics.reports.cells import number
from thm_torchmetrics.reports.comparison_cells import interval_text
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.reports.table import console, grid
from thm_torchmetrics.reports.text import csv_cell, csv_line, csv_number, escape_markdown, markdown_table

_HEADS = ("Metric", "Aspect", "Agreement", "95 % interval", "Votes", "Clips", "Ties", "No value")
NOTES = (
    "agreement: share of votes with a winner in which the metric prefers the same model; equal values count as half, "
    "chance is 0.500",
    "intervals: bootstrap over clips with all their votes, from eight clips on; votes without a winner do not count",
)


def show_agreements(agreements: Sequence[Agreement], file: TextIO | None = None) -> None:
    """Print a row per metric and aspect.

    Args:
        agreements: the agreements.
        file: the stream; default: standard output.
    """
    out = console(file)
    table = grid(*_HEADS, right=_HEADS[2:])
    for row in _rows(agreements):
        table.add_row(*row)
    out.print(table)
    for line in NOTES:
        out.print(line)


def agreements_to_json(agreements: Sequence[Agreement]) -> str:
    """Return JSON of schema 1 with a list ``agreements``."""
    plain = [
        {**asdict(each), "interval": None if each.interval is None else each.interval._asdict()} for each in agreements
    ]
    return json.dumps({"schema": 1, "agreements": plain}, indent=2) + "\n"


def agreements_to_csv(agreements: Sequence[Agreement]) -> str:
    """Return a line per metric and aspect; an empty cell is no value."""
    lines = [csv_line(["metric", "aspect", "agreement", "low", "high", "votes", "clips", "ties", "without_value"])]
    for each in agreements:
        ends = (None, None) if each.interval is None else each.interval[:2]
        texts = [csv_cell(text) if text else "" for text in (each.metric, printable(each.aspect))]
        counts = map(str, (each.votes, each.clips, each.ties, each.without_value))
        lines.append(csv_line([*texts, csv_number(each.value), *map(csv_number, ends), *counts]))
    return "".join(f"{line}\n" for line in lines)


def agreements_to_markdown(agreements: Sequence[Agreement]) -> str:
    """Return a table, and how it was made."""
    rows = [[escape_markdown(cell) for cell in row] for row in _rows(agreements)]
    lines = markdown_table(_HEADS, rows)
    return "\n".join([*lines, *(part for note in NOTES for part in ("", note)), ""])


FORMATS = {"json": agreements_to_json, "csv": agreements_to_csv, "md": agreements_to_markdown}
"""Every format but the terminal's table; a file's suffix is its name."""


def format_of(path: Path) -> str:
    """Return the format of a file by its suffix.

    Raises:
        InputError: if it stands for none.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise InputError(f"{path}: no report of votes has the suffix {path.suffix!r}; there are .json, .csv, .md")
    return form


def write_agreements(agreements: Sequence[Agreement], path: Path) -> None:
    """Write a report in the format of the path's suffix, whole or not at all.

    Raises:
        InputError: if the suffix stands for no format.
        OSError: if the file cannot be written.
    """
    text = FORMATS[format_of(path)](agreements)
    with whole_file(path, "wb") as file:
        file.write(text.encode())


def _rows(agreements: Sequence[Agreement]) -> Iterator[tuple[str, ...]]:
    for each in agreements:
        value = number(each.value, 3)
        counts = (each.votes, each.clips, each.ties, each.without_value)
        yield (each.metric, each.aspect, value, interval_text(each.interval, 3), *map(str, counts))
