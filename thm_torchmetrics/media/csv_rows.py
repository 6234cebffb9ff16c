"""Read the cells of CSV files that a user writes, such as lists of clips."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.csv_table import decode, separator_of


def read_rows(path: Path, option: str) -> list[tuple[int, list[str]]]:
    """Return the lines that hold anything as cells, each with its number.

    Cells are separated by commas, semicolons or tabs; the encoding is UTF-8, or UTF-16 with a mark.

    Args:
        path: the file.
        option: the option that takes it, for messages.

    Raises:
        InputError: if the file cannot be read; the message names it.
    """
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {option} takes a CSV file") from error
    except UnicodeError as error:
        raise InputError(f"{path}: is not UTF-8 text ({error}); save it as CSV in UTF-8") from error
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=separator_of(text), skipinitialspace=True, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}; save it as CSV") from error
    return rows


def read_columns(path: Path, option: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the lines of a file as dicts by column, without blanks around the cells.

    Names in the column ``clip`` are composed (NFC), as those of clips are.

    Args:
        path: the file; its first line names the columns, of which there may be more.
        option: the option that takes it, for messages.
        columns: the columns that are needed.

    Raises:
        InputError: if the file cannot be read, lacks a column or names one twice, or a line names no clip or has more
            or fewer cells than the first.
    """
    rows = read_rows(path, option)
    names = [name.strip().lower() for name in rows[0][1]] if rows else []
    absent = [name for name in columns if name not in names]
    if absent:
        raise InputError(f"{path}: lacks the columns {', '.join(absent)}; its first line names {', '.join(columns)}")
    check_names(path, names)
    found = []
    for line, cells in rows[1:]:
        if len(cells) != len(names):
            raise InputError(f"{path}: line {line} has {len(cells)} cells for {len(names)} columns; mend it")
        row = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        if "clip" in columns:
            row["clip"] = unicodedata.normalize("NFC", row["clip"])
            if not row["clip"]:
                raise InputError(f"{path}: line {line} names no clip; fill the column clip")
        found.append(row)
    return found


def check_names(path: Path, names: Sequence[str]) -> None:
    """Raise an error if two columns have one name.

    Raises:
        InputError: if they do; the message names the columns.
    """
    if len(set(names)) < len(names):
        raise InputError(f"{path}: a column is named twice: {', '.join(names)}; keep one")
