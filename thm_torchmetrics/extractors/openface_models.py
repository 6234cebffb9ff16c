"""OpenFace's model files as tensors; they are numbers, and nothing in them is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.functional.action_units import ACTION_UNITS
from thm_torchmetrics.functional.openface_au import HOG_VALUES, POINTS, Models

_FLOAT64 = 6  # the type of a matrix, as OpenCV counts them
_POINT_MODEL = "In-the-wild_aligned_PDM_68.txt"
_TRIANGLES = "tris_68_full.txt"
_DYNAMIC = 1


class LinearModel(NamedTuple):
    """The linear model of one action unit.

    Attributes:
        means: ``(1, F)``, subtracted from the features.
        weights: ``(F, 1)``.
        bias: added to the product.
        cutoff: the share of a clip's values below the zero of a dynamic unit; NaN for a static one.
    """

    means: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    bias: float
    cutoff: float


def read_models(folder: Path) -> Models:
    """Read the files of a folder: the point model, the triangles, and one ``AU_N_*.dat`` per action unit.

    Args:
        folder: the folder.

    Raises:
        WeightsError: if a file is absent, damaged, or has another shape than the others.
    """
    mean, components, variances = read_point_model(folder / _POINT_MODEL)
    units = [read_linear_model(_model_of(folder, unit)) for unit in ACTION_UNITS]
    size = HOG_VALUES + 3 * POINTS + variances.shape[1]
    for unit, model in zip(ACTION_UNITS, units, strict=True):
        if model.means.shape != (1, size) or model.weights.shape != (size, 1):
            raise WeightsError(
                f"{_model_of(folder, unit)} holds matrices of {model.means.shape} and {model.weights.shape}, needs "
                f"(1, {size}) and ({size}, 1); get the published file"
            )
    return Models(
        torch.from_numpy(mean),
        torch.from_numpy(components),
        torch.from_numpy(variances),
        torch.from_numpy(read_triangles(folder / _TRIANGLES)),
        torch.from_numpy(np.concatenate([model.means for model in units])),
        torch.from_numpy(np.concatenate([model.weights.T for model in units])),
        torch.tensor([model.bias for model in units], dtype=torch.float64),
        torch.tensor([model.cutoff for model in units], dtype=torch.float64),
    )


def read_point_model(path: Path) -> tuple[npt.NDArray[np.float64], ...]:
    """Return mean ``(204, 1)``, components ``(204, K)`` and variances ``(1, K)`` of a point model.

    The file is text: lines that are empty or start with ``#`` are skipped; three matrices follow, each with its rows,
    columns and the number 6 before its values.

    Raises:
        WeightsError: if the file is absent or damaged.
    """
    lines = (line for line in _text(path).splitlines() if not line.lstrip().startswith("#"))
    numbers = _numbers(path, " ".join(lines))
    matrices, at = [], 0
    for _ in range(3):
        rows, columns, kind = (int(number) for number in _next(path, numbers, at, 3))
        _check_matrix(path, rows, columns, kind)
        matrices.append(_next(path, numbers, at + 3, rows * columns).reshape(rows, columns))
        at += 3 + rows * columns
    mean, components, variances = matrices
    fits = mean.shape == (3 * POINTS, 1) and components.shape == (3 * POINTS, variances.shape[1])
    if at != len(numbers) or not fits or len(variances) != 1 or not (variances > 0).all():
        raise WeightsError(
            f"{path} is no point model of {POINTS} points: its matrices are {mean.shape}, {components.shape} and "
            f"{variances.shape}, and {len(numbers) - at} numbers follow; get the published file"
        )
    return mean, components, variances


def read_triangles(path: Path) -> npt.NDArray[np.int64]:
    """Return the triangles of the face, ``(M, 3)`` indices of points from 0.

    The file is text: their number, 3 and 4, then the indices.

    Raises:
        WeightsError: if the file is absent or damaged.
    """
    numbers = _numbers(path, _text(path))
    count = int(_next(path, numbers, 0, 3)[0])
    triangles = numbers[3:].astype(np.int64)
    whole = np.array_equal(triangles, numbers[3:]) and len(triangles) == 3 * count > 0
    if not whole or numbers[1] != 3 or not ((triangles >= 0) & (triangles < POINTS)).all():
        raise WeightsError(f"{path} holds no {count} triangles of points 0..{POINTS - 1}; get the published file")
    return triangles.reshape(count, 3)


def read_linear_model(path: Path) -> LinearModel:
    """Return the linear model of one action unit.

    The file is binary and little endian: int32 kind, 0 static or 1 dynamic; for a dynamic one a float64 cut-off; the
    matrix of means, that of weights, and a float64 bias. A matrix is int32 rows, int32 columns, the int32 6 and its
    float64 values.

    Raises:
        WeightsError: if the file is absent or damaged.
    """
    body = _Body(path)
    kind = body.whole()
    if kind not in (0, _DYNAMIC):
        raise WeightsError(
            f"{path} is no linear model of OpenFace: its kind is {kind}, needs 0 or 1; get the published file"
        )
    cutoff = body.number() if kind == _DYNAMIC else np.nan
    means, weights, bias = body.matrix(), body.matrix(), body.number()
    body.check_end()
    if kind == _DYNAMIC and not 0 < cutoff < 1:
        raise WeightsError(
            f"{path} is damaged: its cut-off is {cutoff:g}, needs a share in 0..1; get the published file"
        )
    if not (np.isfinite(means).all() and np.isfinite(weights).all() and np.isfinite(bias)):
        raise WeightsError(f"{path} is damaged: it holds NaN or infinity; get the published file")
    return LinearModel(means, weights, bias, cutoff)


class _Body:
    """The bytes of a file, read from the start to the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = _read(path)
        self.at = 0

    def take(self, kind: str, count: int = 1) -> npt.NDArray[np.float64]:
        """Return the next numbers."""
        size = count * np.dtype(kind).itemsize
        if self.at + size > len(self.bytes):
            raise WeightsError(
                f"{self.path} is cut short: {len(self.bytes):,} bytes, needs {self.at + size:,}; get the published file"
            )
        values = np.frombuffer(self.bytes, kind, count, self.at)
        self.at += size
        return values.astype(np.float64)

    def whole(self) -> int:
        """Return the next whole number."""
        return int(self.take("<i4")[0])

    def number(self) -> float:
        """Return the next number."""
        return float(self.take("<f8")[0])

    def matrix(self) -> npt.NDArray[np.float64]:
        """Return the next matrix."""
        rows, columns, kind = self.whole(), self.whole(), self.whole()
        _check_matrix(self.path, rows, columns, kind)
        return self.take("<f8", rows * columns).reshape(rows, columns)

    def check_end(self) -> None:
        """Raise an error if anything follows."""
        if self.at != len(self.bytes):
            raise WeightsError(
                f"{self.path} is damaged: {len(self.bytes) - self.at:,} bytes follow its last number; get the "
                "published file"
            )


def _check_matrix(path: Path, rows: int, columns: int, kind: int) -> None:
    if rows < 1 or columns < 1 or kind != _FLOAT64:
        raise WeightsError(
            f"{path} is damaged: a matrix of {rows} rows, {columns} columns and type {kind}, needs numbers above 0 and "
            f"type {_FLOAT64}"
        )


def _model_of(folder: Path, unit: str) -> Path:
    """Return the one file of an action unit in a folder.

    Raises:
        WeightsError: if there is none, or more.
    """
    found = sorted(path for path in folder.glob("AU_*.dat") if re.match(rf"AU_0*{int(unit)}_", path.name))
    if len(found) != 1:
        named = ", ".join(path.name for path in found) or "none"
        raise WeightsError(f"{folder} needs one file AU_{int(unit)}_*.dat, got {named}; get the published files")
    return found[0]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}; get the published file") from error


def _text(path: Path) -> str:
    try:
        return _read(path).decode("ascii")
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path} is damaged: it is no text; get the published file") from error


def _numbers(path: Path, text: str) -> npt.NDArray[np.float64]:
    try:
        numbers = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise WeightsError(f"{path} is damaged: {error}; get the published file") from error
    if not np.isfinite(numbers).all():
        raise WeightsError(f"{path} is damaged: it holds NaN or infinity; get the published file")
    return numbers


def _next(path: Path, numbers: npt.NDArray[np.float64], at: int, count: int) -> npt.NDArray[np.float64]:
    if at + count > len(numbers):
        raise WeightsError(f"{path} is cut short: {len(numbers)} numbers, needs {at + count}; get the published file")
    return numbers[at : at + count]
