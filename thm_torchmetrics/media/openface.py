"""Read action units from the tables that OpenFace writes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError

ACTION_UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")
"""Numbers of the action units whose intensity OpenFace estimates, in its order."""

_COLUMNS = tuple(f"AU{unit}_r" for unit in ACTION_UNITS)

Table = npt.NDArray[np.float64]


def read_action_units(
    path: Path | str, *, successful_only: bool = False, min_confidence: float = 0.0, face_id: int | None = None
) -> Table:
    """Read the intensities of the 17 action units from a table of OpenFace, one row per frame.

    Tables of all versions and builds are read, with or without blanks after the commas, a ``face_id`` column or other
    columns. By default every row is used, failed frames (``success`` 0) included, and rows are paired by position, as
    in the scripts of TalkingGaussian, InsTaG and THM.

    Args:
        path: the CSV file that ``FeatureExtraction`` (one face) or ``FaceLandmarkVidMulti`` (several) wrote.
        successful_only: make the rows with ``success`` 0 NaN, which metrics count as frames without a face. They stay
            in place, so that rows remain paired.
        min_confidence: likewise the rows whose ``confidence`` is lower.
        face_id: the face to take from a table of several.

    Returns:
        Intensities ``(T, 17)``, 0..5, in the order 01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45.

    Raises:
        MediaError: if the file cannot be read, has no rows, lacks a needed column, holds anything but a number in one,
            or holds several faces and ``face_id`` names none of them.
    """
    path = Path(path)
    header, rows = _read(path)
    rows = _of_one_face(path, header, rows, face_id)
    table = _numbers(path, header, rows, _COLUMNS)
    failed = np.zeros(len(table), dtype=bool)
    if successful_only:
        failed |= _numbers(path, header, rows, ("success",))[:, 0] == 0
    if min_confidence > 0:
        failed |= _numbers(path, header, rows, ("confidence",))[:, 0] < min_confidence
    table[failed] = np.nan
    return table


_Rows = list[tuple[int, list[str]]]
"""Line number in the file, and its fields."""


def _read(path: Path) -> tuple[list[str], _Rows]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            rows = [(reader.line_num, row) for row in reader if any(field.strip() for field in row)]
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MediaError(f"{path}: is no table of OpenFace that can be read ({error})") from error
    if not rows:
        raise MediaError(f"{path}: has no rows; run OpenFace's FeatureExtraction on the video again")
    return header, rows


def _of_one_face(path: Path, header: Sequence[str], rows: _Rows, face_id: int | None) -> _Rows:
    if "face_id" not in header:
        return rows  # OpenFace before 2.0 tracks one face and does not number it
    ids = _numbers(path, header, rows, ("face_id",))[:, 0]
    found = ", ".join(f"{number:g}" for number in np.unique(ids))
    if face_id is None and len(np.unique(ids)) > 1:
        raise MediaError(f"{path}: holds several faces, face_id {found}; choose one with face_id= (--au-face-id)")
    if face_id is not None and face_id not in ids:
        raise MediaError(f"{path}: holds no face with face_id {face_id}; there are {found}")
    return rows if face_id is None else [row for row, number in zip(rows, ids, strict=True) if number == face_id]


def _numbers(path: Path, header: Sequence[str], rows: _Rows, names: Sequence[str]) -> Table:
    missing = [name for name in names if name not in header]
    if missing:
        raise MediaError(
            f"{path}: lacks the columns {', '.join(missing)}; OpenFace writes action units with the option -aus"
        )
    columns = [header.index(name) for name in names]
    table = np.empty((len(rows), len(names)), dtype=np.float64)
    for index, (line, row) in enumerate(rows):
        for position, (name, column) in enumerate(zip(names, columns, strict=True)):
            table[index, position] = _number(path, line, name, row[column] if column < len(row) else "")
    return table


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise MediaError(
            f"{path}: row {line - 1} (line {line}), column {name}: a number is needed, got {text.strip()!r}"
        )
    return number
