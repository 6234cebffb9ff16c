"""Read features of a clip, one row per frame, from NumPy's files."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError, MissingExtraError
from thm_torchmetrics.media.csv_table import decode
from thm_torchmetrics.media.meshes import mesh_files, read_mesh_clip

NAMES = ("features", "coefficients", "landmarks", "embeddings", "valence_arousal", "head_pose")
"""Names of the features in an ``.npz`` file of several arrays."""

MAKERS = ("extractor", "face_landmarks", "face", "upsample", "options", "checkpoints", "sha256", "every", "version")
"""Names of the arrays in an ``.npz`` file that say what made the features, as ``thm extract`` writes them."""

MAX_BYTES = 4 << 30
"""Bytes that the features of a clip may have in memory; assign to it to raise the limit."""

Array = npt.NDArray[Any]
Fact: TypeAlias = str | int | float | tuple[str, ...]
_Row = Sequence[int | None] | None
_Header: TypeAlias = tuple[tuple[int, ...], bool, np.dtype[Any]]

_ZIP = b"PK\x03\x04"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the encoding of field names, which features lack
}


@dataclass(frozen=True)
class FeatureFile:
    """A feature file holds the features of one clip, and may say when its frames were shown and what made them.

    Attributes:
        path: the file.
        rows: ``(T, ...)``, float32 or float64; a row of NaN is a frame without a face.
        times: time of each row in seconds; empty if the file does not say.
        fps: rows per second; None if the file does not say.
        made_by: what made the features, by the names of `MAKERS`; empty if the file does not say.
    """

    path: Path
    rows: Array
    times: tuple[float, ...] = ()
    fps: float | None = None
    made_by: Mapping[str, Fact] = field(default_factory=dict)


def read_features(path: Path | str, shape: _Row = None) -> Array:
    """Read the features of one clip, without their provenance, as `read_feature_file` does.

    Returns:
        ``(T, ...)``, float32 or float64. A row of NaN is a frame without a face.
    """
    return read_feature_file(path, shape).rows


def read_feature_file(path: Path | str, shape: _Row = None) -> FeatureFile:
    """Read the features of one clip with their times and their provenance.

    Args:
        path: an ``.npy`` file; an ``.npz`` file of one array, or with one of `NAMES`, as ``thm extract`` writes it; a
            folder of one ``.obj`` or ``.ply`` mesh per frame, numbered; or a ``.txt`` file of a transcript, whose rows
            are the code points of its characters, ``(T,)``.
        shape: shape of a row, None marking a free size; default: any.

    Raises:
        MediaError: if the file cannot be read, is damaged, or holds several arrays of other names; if the array has no
            rows, holds no real numbers, has another shape, or is larger than `MAX_BYTES`; or if its times, its rate or
            its provenance are not of the form that ``thm extract`` writes.
    """
    path = Path(path)
    try:
        if path.is_dir() and mesh_files(path):
            return FeatureFile(path, _checked(path, read_mesh_clip(path), shape))
        if not path.is_file():
            raise MediaError(f"{path}: {'is no file; name one' if path.exists() else 'there is no such file'}")
        if path.suffix.lower() == ".txt":
            return FeatureFile(path, _read_text(path, shape))
        with path.open("rb") as file:
            if file.read(len(_ZIP)) == _ZIP:
                return _of_archive(path, file, shape)
            return FeatureFile(path, _read_rows(path, file, path.stat().st_size, shape))
    except (MediaError, MissingExtraError):
        raise
    except Exception as error:  # a damaged file fails in the unpacker, the parser of the header, the codec ...
        raise MediaError(
            f"{path}: is no .npy or .npz file of numbers that can be read; it may be damaged, so save it again by "
            "numpy.save or numpy.savez"
        ) from error


def _read_text(path: Path, shape: _Row) -> Array:
    """Return the code points of a text; of one without characters that of a blank."""
    if shape != ():
        raise MediaError(f"{path}: is text, and features ({_text(shape)}) are needed; give an .npy or .npz file")
    try:
        text = decode(path.read_bytes())
    except UnicodeError as error:
        raise MediaError(f"{path}: is not UTF-8 text ({error}); save it in UTF-8") from error
    return np.array([ord(character) for character in text or " "], np.float64)


def _of_archive(path: Path, file: IO[bytes], shape: _Row) -> FeatureFile:
    """Read the array that an archive holds alone or under a known name, and what it says of it."""
    with zipfile.ZipFile(file) as archive:
        held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        name = next((name for name in NAMES if name in held), None)
        if name is None and len(held) != 1:
            listed = ", ".join(held) or "nothing"
            raise MediaError(f"{path}: holds {listed}; save one array, or call it {', '.join(NAMES)}")
        info = held.pop(name or next(iter(held)))
        with archive.open(info) as member:
            rows = _read_rows(path, member, info.file_size, shape)
        about = {}
        for label in ("times", "fps", *MAKERS):
            if label in held:
                with archive.open(held[label]) as member:
                    about[label] = _read_about(path, label, member, held[label].file_size)
    times, fps = about.pop("times", None), about.pop("fps", None)
    if times is not None and not (times.shape == (len(rows),) and np.isfinite(_numbers(path, "times", times)).all()):
        raise MediaError(f"{path}: needs one finite time for each of {len(rows)} rows; extract the features again")
    if fps is not None and not (fps.size == 1 and 0 < _numbers(path, "fps", fps).item() < np.inf):
        raise MediaError(f"{path}: its fps is {fps.tolist()}, needs one number above 0; extract the features again")
    made_by = {label: _plain(array) for label, array in about.items()}
    return FeatureFile(
        path,
        rows,
        () if times is None else tuple(times.astype(float).tolist()),
        None if fps is None else float(fps.item()),
        made_by if "extractor" in made_by else {},
    )


def _read_rows(path: Path, file: IO[bytes], size: int, shape: _Row) -> Array:
    """Return the features of an ``.npy`` file."""
    header = _read_header(file)
    rows, _, dtype = header
    if dtype.kind not in "fiu":
        hint = "; save plain numbers, without Python objects" if dtype.kind == "O" else ""
        raise MediaError(f"{path}: features must be real numbers, got {dtype}{hint}")
    _check_shape(path, rows, shape)
    kept = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)
    return np.array(_read_data(path, file, size, header, kept.itemsize), kept, order="C")


def _checked(path: Path, rows: Array, shape: _Row) -> Array:
    """Return an array whose shape fits."""
    _check_shape(path, rows.shape, shape)
    return rows


def _check_shape(path: Path, rows: tuple[int, ...], shape: _Row) -> None:
    least = 2 if shape is None else 1
    if len(rows) < least or min(rows) < 1 or not _fits(rows[1:], shape):
        raise MediaError(f"{path}: features ({_text(shape)}) with T >= 1 are needed, got {rows}")


def _read_about(path: Path, label: str, file: IO[bytes], size: int) -> Array:
    """Return a text, a number, or a list of these, which says something of the features."""
    header = _read_header(file)
    rows, _, dtype = header
    if dtype.kind not in "fiuU" or len(rows) > 1:
        raise MediaError(
            f"{path}: its {label} is {dtype} {rows}, needs text or a number, or a list; extract the features again"
        )
    return _read_data(path, file, size, header, dtype.itemsize)


def _read_header(file: IO[bytes]) -> _Header:
    """Return shape, order (whether it is Fortran's) and type of an ``.npy`` file."""
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd headers, which are refused or read as they are
        return _HEADERS[np.lib.format.read_magic(file)](file)


def _read_data(path: Path, file: IO[bytes], size: int, header: _Header, itemsize: int) -> Array:
    """Return the array after a header, which is checked before anything of its size is allocated.

    Args:
        path: the file, for messages.
        file: an ``.npy`` file, of which the header was read.
        size: bytes of that file.
        header: the header.
        itemsize: bytes of a number in memory.
    """
    rows, is_fortran, dtype = header
    count = prod(rows)
    if count * itemsize > MAX_BYTES:
        raise MediaError(
            f"{path}: its header claims {rows}, {count * itemsize:,} bytes in memory, above {MAX_BYTES:,}; it may "
            "be damaged, or holds more than one clip; split it, or set thm_torchmetrics.media.feature_files.MAX_BYTES"
        )
    needed, held = count * dtype.itemsize, size - file.tell()
    if needed != held:
        raise MediaError(
            f"{path}: its header claims {rows} {dtype}, {needed:,} bytes, but {held:,} follow; copy it again"
        )
    data = file.read(needed)  # at the end of a member, an archive compares the checksum
    return np.ndarray(rows, dtype, data, order="F" if is_fortran else "C")


def _numbers(path: Path, label: str, array: Array) -> Array:
    if array.dtype.kind == "U":
        raise MediaError(f"{path}: its {label} holds text, needs numbers; extract the features again")
    return array


def _plain(array: Array) -> Fact:
    """Return an array of the provenance as a text, a number, or a tuple of texts."""
    held: Any = array.tolist()
    return tuple(map(str, held)) if isinstance(held, list) else held


def _fits(row: Sequence[int], shape: _Row) -> bool:
    if shape is None:
        return True
    return len(row) == len(shape) and all(want in (None, got) for want, got in zip(shape, row, strict=True))


def _text(shape: _Row) -> str:
    return "T, ..." if shape is None else ", ".join(["T", *("D" if size is None else str(size) for size in shape)])
