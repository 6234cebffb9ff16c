"""Read tables of text as OpenFace, spreadsheets, pandas and R write them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SEPARATORS = ",;\t"

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
"""A number with a decimal point or comma; ``float`` alone also accepts ``1_0`` and ``nan``."""

_NO_VALUE = re.compile(
    r"[+-]?(nan[qs]?|inf|infinity)(\(.*\))?"  # C and C++: nan, -nan(ind), inf
    r"|[+-]?1[.,]#[a-z]*\d*"  # older Microsoft C: 1.#QNAN, -1.#IND, 1.#J
    r"|#\S*( n/a)?"  # spreadsheets: #N/A, #NV, #DIV/0!
    r"|n/?a|<na>|null|none",  # R and pandas
    re.IGNORECASE,
)


@dataclass(frozen=True)
class CsvTable:
    """A table holds the fields of a CSV file as text.

    Attributes:
        path: the file.
        header: names of the columns.
        lines: number of each row's line in the file.
        rows: the fields of each row, as many as there are columns.
    """

    path: Path
    header: Sequence[str]
    lines: Sequence[int]
    rows: Sequence[Sequence[str]]

    def place(self, row: int, name: str) -> str:
        """Return the file, row, line and column of a field, for messages."""
        return f"{self.path}: row {row + 1} (line {self.lines[row]}), column {name}"

    def keep(self, chosen: Mask) -> CsvTable:
        """Return the table with the chosen rows only."""
        kept = np.flatnonzero(chosen).tolist()
        return replace(self, lines=[self.lines[row] for row in kept], rows=[self.rows[row] for row in kept])

    def require(self, names: Sequence[str], remedy: str = "") -> None:
        """Raise an error unless the table has these columns, each once.

        Raises:
            MediaError: if a column is absent, or there are two of one name.
        """
        absent = [name for name in names if name not in self.header]
        if absent:
            raise MediaError(f"{self.path}: lacks the columns {', '.join(absent)}; {remedy}{self._columns()}")
        double = [name for name in names if self.header.count(name) > 1]
        if double:
            raise MediaError(f"{self.path}: has two columns {double[0]}; keep one")

    def texts(self, name: str) -> list[str]:
        """Return the fields of a column."""
        column = self.header.index(name)
        return [row[column] for row in self.rows]

    def numbers(self, name: str) -> Numbers:
        """Return a column as numbers, NaN where a field is empty or says that there is no value.

        Raises:
            MediaError: if a field holds other text.
        """
        numbers = np.empty(len(self.rows))
        for row, text in enumerate(self.texts(name)):
            if _NUMBER.fullmatch(text):
                numbers[row] = float(text.replace(",", "."))
            elif not text or _NO_VALUE.fullmatch(text):
                numbers[row] = np.nan
            else:
                raise MediaError(f"{self.place(row, name)}: a number is needed, got {text!r}")
        return numbers

    def whole_numbers(self, name: str) -> npt.NDArray[np.int64]:
        """Return a column as whole numbers, of which every row has one.

        Raises:
            MediaError: if a field holds anything else.
        """
        numbers = self.numbers(name)
        wrong = ~(np.abs(numbers) < 2**53) | (np.rint(numbers) != numbers)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise MediaError(f"{self.place(row, name)}: a whole number is needed, got {self.texts(name)[row]!r}")
        return numbers.astype(np.int64)

    def _columns(self) -> str:
        shown = ", ".join(self.header[:6])
        return f"the file has {shown}{', ...' if len(self.header) > 6 else ''}"


def read_csv(path: Path) -> CsvTable:
    """Read a table.

    The separator is a comma, a semicolon or a tab, the decimal sign a point or a comma, and the encoding UTF-8, UTF-16
    or, with its byte order mark, UTF-32. Blanks around a field and separators at the end of a line do not count.

    Args:
        path: the file.

    Raises:
        MediaError: if the file cannot be read, a row has more or fewer fields than the header, or the header comes
            again.
    """
    try:
        text = decode(path.read_bytes())
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text), skipinitialspace=True)
        records = [(reader.line_num, [field.strip() for field in row]) for row in reader]
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MediaError(
            f"{path}: is no table of OpenFace that can be read ({error}); copy it, or run OpenFace, again"
        ) from error
    # a line of separators alone is a row without values, but spreadsheets write such lines below the last row, too
    records = [(line, row) for line, row in records if len(row) > 1 or any(row)]
    while records and not any(records[-1][1]):
        del records[-1]
    if records and records[0][1][0].lower() == "sep=":
        del records[0]  # Excel's own line about the separator
    header = _without_blank_end(records[0][1]) if records else []
    table = CsvTable(path, header, [line for line, _ in records[1:]], [row for _, row in records[1:]])
    return replace(table, rows=[_fitted(table, row) for row in range(len(table.rows))])


def decode(data: bytes) -> str:
    """Return the text of a file by its byte order mark, or by the zeros of UTF-16; else it is UTF-8.

    Raises:
        UnicodeDecodeError: if it is none of them.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:2]:  # half of the first letter
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    return data.decode(encoding)


def separator_of(text: str) -> str:
    """Return the separator that occurs most often in the line of the column names."""
    lines = (line for line in io.StringIO(text) if line.strip() and not line.lower().startswith("sep="))
    names = next(lines, "")
    return max(_SEPARATORS, key=names.count)


def _without_blank_end(row: Sequence[str]) -> list[str]:
    length = next((index for index in range(len(row), 0, -1) if row[index - 1]), 0)
    return list(row[:length])


def _fitted(table: CsvTable, index: int) -> list[str]:
    """Return the fields of a row, as many as the header has.

    A row of another length is an error: its fields may belong to other columns, or its last number may be cut off.
    """
    row, header = table.rows[index], table.header
    if list(row[: len(header)]) == header:
        raise MediaError(
            f"{table.path}: line {table.lines[index]} is the header again: the file holds two tables; keep one"
        )
    if not any(row):
        return [""] * len(header)
    if len(row) < len(header):
        raise MediaError(
            f"{table.place(index, header[len(row)])}: a number is needed, got '': the row has {len(row)} fields and "
            f"the header {len(header)}; the file is cut off or damaged: copy it, or run OpenFace, again"
        )
    if any(row[len(header) :]):
        raise MediaError(
            f"{table.path}: row {index + 1} (line {table.lines[index]}) has {len(row)} fields and the header "
            f"{len(header)}; if numbers have decimal commas, separate the fields by semicolons, and if rows have "
            "names, give their column a name"
        )
    return list(row[: len(header)])
