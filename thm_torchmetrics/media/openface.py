"""Read action units from the tables that OpenFace writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.csv_table import CsvTable, Mask, read_csv
from thm_torchmetrics.media.frame_times import fill_times

ACTION_UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")
"""Numbers of the action units whose intensity OpenFace estimates, in its order."""

MAX_FRAMES = 1_000_000
"""Frames of a clip, gaps included, unless a table has more rows: eleven hours at 25 frames per second."""

_LOWEST, _HIGHEST = 0.0, 5.0
_ROUNDING = 1e-4
"""Distance from the range of an intensity that counts as rounding."""

_FEWEST_ZEROS = 0.05
"""Share of intensities that are 0 in any finished table, since OpenFace clips them: 0.3 to 0.6 in real ones."""

_REMEDY = "OpenFace writes all 17 intensities, AU01_r to AU45_r, with the option -aus"

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ActionUnitTable:
    """The intensities of one face are a table with one row per frame of the video.

    Attributes:
        path: the file.
        rows: intensities ``(T, 17)``, 0..5, in the order of `ACTION_UNITS`; NaN where there is no value.
        times: time of each row in seconds, to the millisecond; None if the file has no usable ``timestamp``. OpenFace
            spaces them evenly, at the average rate of the video, even if the rate varies.
        fps: frames per second of the video, by the times, whatever ``every`` is; None without times.
        absent: the units for which the file has no column.
    """

    path: Path
    rows: Table
    times: list[float] | None
    fps: float | None
    absent: tuple[str, ...]

    def require(self, units: Sequence[str]) -> None:
        """Raise an error unless the file has a column for each of these units.

        Args:
            units: their numbers, such as ``"01"``; `ActionUnitError.needed_units` gives those of a metric.

        Raises:
            MediaError: if a column is absent; the message names it.
        """
        missing = [_column(unit) for unit in units if unit in self.absent or unit not in ACTION_UNITS]
        if missing:
            raise MediaError(f"{self.path}: lacks the columns {', '.join(missing)}; {_REMEDY}")


def read_action_units(
    path: Path | str,
    *,
    successful_only: bool = False,
    min_confidence: float = 0.0,
    face_id: int | None = None,
    units: Sequence[str] = ACTION_UNITS,
    every: int = 1,
    max_frames: int = MAX_FRAMES,
) -> Table:
    """Read the intensities of the 17 action units from a table of OpenFace, one row per frame.

    Tables of all versions and builds are read, with or without blanks after the commas, a ``face_id`` column or other
    columns; so are those that a spreadsheet, pandas or R has saved anew, with semicolons, tabs or decimal commas.

    Row i is frame i of the video, by the column ``frame`` if there is one: a frame that the table leaves out is a row
    of NaN. By default every row is used, failed frames (``success`` 0) included, as in the scripts of TalkingGaussian,
    InsTaG and THM. A field that is empty or says ``nan`` is NaN, which metrics count as a frame without a face.

    Args:
        path: the CSV file that ``FeatureExtraction`` (one face) or ``FaceLandmarkVidMulti`` (several) wrote.
        successful_only: make the rows with ``success`` 0 NaN. They stay in place, so that rows remain paired.
        min_confidence: likewise the rows whose ``confidence`` is lower.
        face_id: the face to take from a table of several.
        units: the units that the file must have; the column of another one that is absent is NaN.
        every: take every n-th frame only, from the first.
        max_frames: frames that a clip may have; a table may have more rows, but its ``frame`` may not go further.

    Returns:
        Intensities ``(T, 17)``, 0..5, in the order 01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45.

    Raises:
        InputError: if ``every`` is not a whole number of at least 1.
        MediaError: if the file cannot be read, has no rows, lacks a needed column, holds text in place of a number or
            an intensity outside 0..5, has one frame twice or beyond ``max_frames``, was not finished by OpenFace, or
            holds several faces and ``face_id`` names none of them.
    """
    return read_action_unit_table(
        path,
        successful_only=successful_only,
        min_confidence=min_confidence,
        face_id=face_id,
        units=units,
        every=every,
        max_frames=max_frames,
    ).rows


def read_action_unit_table(
    path: Path | str,
    *,
    successful_only: bool = False,
    min_confidence: float = 0.0,
    face_id: int | None = None,
    units: Sequence[str] = ACTION_UNITS,
    every: int = 1,
    max_frames: int = MAX_FRAMES,
) -> ActionUnitTable:
    """Read a table of OpenFace with the time of every row; see `read_action_units`.

    Example:
        >>> table = read_action_unit_table("talk.csv")  # doctest: +SKIP
        >>> table.rows.shape, table.fps  # doctest: +SKIP
        ((250, 17), 25.0)
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise InputError(f"every must be a whole number of at least 1 (1 keeps all frames), got {every!r}")
    table = _read_table(Path(path), units)
    chosen = _choose_face(table, face_id)
    if "frame" not in table.header:  # then a row's place among those of its face is its frame
        table, chosen = table.keep(chosen), np.ones(int(chosen.sum()), dtype=bool)
    frames = _frame_indices(table, chosen, max_frames)
    intensities = _read_intensities(table)
    intensities[~chosen | _left_out(table, successful_only, min_confidence)] = np.nan
    _check_range(table, intensities)
    if chosen.all():  # several faces are of FaceLandmarkVidMulti, which has no second pass
        _check_finished(table, intensities)
    rows = np.full((frames.max() + 1, len(ACTION_UNITS)), np.nan)
    rows[frames[chosen]] = intensities[chosen]
    times, fps = None, None
    if "timestamp" in table.header:  # of all faces: a frame in which this one is lost has its time, too
        times, fps = fill_times(frames, table.numbers("timestamp"), len(rows))
    return ActionUnitTable(table.path, rows[::every], times and times[::every], fps, _absent_units(table))


def _read_table(path: Path, units: Sequence[str]) -> CsvTable:
    """Return the table, which has a row and the columns of these units."""
    table = read_csv(path)
    if "frame" in table.header:  # without it an empty row is a frame
        table = table.keep(np.array([any(row) for row in table.rows], dtype=bool))
    if not table.rows:
        raise MediaError(f"{path}: has no rows; run OpenFace's FeatureExtraction on the video again")
    needed = ACTION_UNITS if _absent_units(table) == ACTION_UNITS else units
    table.require([_column(unit) for unit in needed], f"{_REMEDY}; ")
    return table


def _absent_units(table: CsvTable) -> tuple[str, ...]:
    return tuple(unit for unit in ACTION_UNITS if _column(unit) not in table.header)


def _column(unit: str) -> str:
    return f"AU{unit}_r"


def _choose_face(table: CsvTable, face_id: int | None) -> Mask:
    """Return which rows are those of the face."""
    name = next((name for name in ("face_id", "face") if name in table.header), None)  # FaceLandmarkImg writes `face`
    if name is None:
        return np.ones(len(table.rows), dtype=bool)  # OpenFace before 2.0 tracks one face and does not number it
    ids = table.whole_numbers(name)
    found = ", ".join(map(str, np.unique(ids)))
    if face_id is None and len(np.unique(ids)) > 1:
        raise MediaError(f"{table.path}: holds several faces, {name} {found}; choose one with face_id= (--au-face-id)")
    if face_id is not None and face_id not in ids:
        raise MediaError(f"{table.path}: holds no face with {name} {face_id}; the ids are {found}")
    chosen: Mask = ids == (ids[0] if face_id is None else face_id)
    return chosen


def _frame_indices(table: CsvTable, chosen: Mask, max_frames: int) -> npt.NDArray[np.int64]:
    """Return the place of each row in the video, from 0."""
    if "frame" not in table.header:
        return np.arange(len(table.rows))
    numbers = table.whole_numbers("frame")
    limit = max(max_frames, len(numbers))
    wrong = np.flatnonzero((numbers < 0) | (numbers > limit))
    if len(wrong):
        row = int(wrong[0])
        raise MediaError(
            f"{table.place(row, 'frame')}: a frame number of 0..{limit} is needed, got {numbers[row]}; mend the "
            "number, or pass max_frames="
        )
    lines: dict[int, int] = {}
    for row in np.flatnonzero(chosen).tolist():
        line, number = table.lines[row], int(numbers[row])
        if number in lines:
            raise MediaError(
                f"{table.path}: lines {lines[number]} and {line} are both frame {number} of one face; the file holds "
                "two tables, or a line twice: keep one"
            )
        lines[number] = line
    return numbers - (1 if numbers.min() > 0 else 0)  # OpenFace counts from 1, some builds from 0


def _left_out(table: CsvTable, successful_only: bool, min_confidence: float) -> Mask:
    """Return which rows the options leave out."""
    left_out = np.zeros(len(table.rows), dtype=bool)
    if successful_only:
        table.require(["success"], "FaceLandmarkImg writes none: leave out successful_only (--au-successful-only); ")
        left_out |= ~(table.numbers("success") > 0)
    if min_confidence > 0:
        table.require(["confidence"], "leave out min_confidence (--au-min-confidence); ")
        left_out |= ~(table.numbers("confidence") >= min_confidence)
    return left_out


def _read_intensities(table: CsvTable) -> Table:
    """Return the intensities ``(rows, 17)`` as they are in the file."""
    intensities = np.full((len(table.rows), len(ACTION_UNITS)), np.nan)
    for index, unit in enumerate(ACTION_UNITS):
        if _column(unit) in table.header:
            table.require([_column(unit)])
            intensities[:, index] = table.numbers(_column(unit))
    return intensities


def _check_finished(table: CsvTable, intensities: Table) -> None:
    """Raise an error if the table has the marks of OpenFace's first pass.

    While it tracks, FeatureExtraction writes ``_r`` with two decimals, not clipped, and ``_c`` with one; at the end it
    writes both anew, clipped, with two. FaceLandmarkVidMulti and FaceLandmarkImg have no second pass: their ``_c`` has
    one decimal, too, but their ``_r`` is clipped. Tables saved by other programs drop zeros from both.
    """
    tracked = intensities[(intensities != 0).any(axis=1)]
    values = tracked[np.isfinite(tracked)]
    presences = [name for name in table.header if re.fullmatch(r"AU\d\d_c", name)]
    if "frame" not in table.header or not presences or not values.size or (values == 0).mean() > _FEWEST_ZEROS:
        return
    written = [_column(unit) for unit in ACTION_UNITS if _column(unit) in table.header]
    decimals = {1: presences, 2: written, 3: [name for name in ("timestamp",) if name in table.header]}
    if all(_have_decimals(table, names, count) for count, names in decimals.items()):
        raise MediaError(
            f"{table.path}: OpenFace was stopped before it had finished this table: {presences[0]} and the others have "
            "one decimal, and the intensities are not clipped at 0; run it again and let it end"
        )


def _have_decimals(table: CsvTable, names: Sequence[str], count: int) -> bool:
    """Return whether every number of these columns is written with so many decimals."""
    matches = re.compile(rf"-?\d+[.,]\d{{{count}}}|\D*").fullmatch  # a field without a digit has no value
    return all(matches(text) for name in names for text in table.texts(name))


def _check_range(table: CsvTable, intensities: Table) -> None:
    """Raise an error for the first intensity outside 0..5."""
    negative = intensities < _LOWEST - _ROUNDING
    outside = np.argwhere(negative | (intensities > _HIGHEST + _ROUNDING))
    if not len(outside):
        return
    row, index = map(int, outside[0])
    fills = np.unique(intensities[negative])
    if len(fills) == 1 and fills[0].is_integer():
        cause = f"if {fills[0]:g} marks frames without a face, leave their fields empty; if not, run OpenFace again"
    elif len(fills):
        cause = "OpenFace was stopped before its last pass, which removes negative values; run it again and let it end"
    else:
        cause = "a spreadsheet has dropped or moved the decimal point; use the table as OpenFace wrote it"
    raise MediaError(
        f"{table.place(row, _column(ACTION_UNITS[index]))}: an intensity is needed, 0..5, got "
        f"{intensities[row, index]:g}; {cause}"
    )
