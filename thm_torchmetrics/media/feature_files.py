"""Read features of a clip, one row per frame, from NumPy's files."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError

NAMES = ("features", "coefficients", "landmarks", "embeddings", "valence_arousal")
"""Names of the features in an ``.npz`` file of several arrays."""

MAX_BYTES = 4 << 30
"""Bytes that the features of a clip may have in memory; assign to it to raise the limit."""

Array = npt.NDArray[Any]
_Row = Sequence[int | None] | None

_ZIP = b"PK\x03\x04"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the encoding of field names, which features lack
}


def read_features(path: Path | str, shape: _Row = None) -> Array:
    """Read the features of one clip.

    Args:
        path: an ``.npy`` file; or an ``.npz`` file of one array, or with one of `NAMES`, as ``thm extract`` writes it.
        shape: shape of a row, None marking a free size; default: any.

    Returns:
        ``(T, ...)``, float32 or float64. A row of NaN is a frame without a face.

    Raises:
        MediaError: if the file cannot be read, is damaged, or holds several arrays of other names; or if the array has
            no rows, holds no real numbers, has another shape, or is larger than `MAX_BYTES`.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise MediaError(f"{path}: {'is no file' if path.exists() else 'there is no such file'}")
        with path.open("rb") as file:
            if file.read(len(_ZIP)) == _ZIP:
                return _of_archive(path, file, shape)
            return _read(path, file, path.stat().st_size, shape)
    except MediaError:
        raise
    except Exception as error:  # a damaged file fails in the unpacker, the parser of the header, the codec ...
        raise MediaError(
            f"{path}: is no .npy or .npz file of numbers that can be read; it may be damaged, so save it again by "
            "numpy.save or numpy.savez"
        ) from error


def _of_archive(path: Path, file: IO[bytes], shape: _Row) -> Array:
    """Return the array that an archive holds alone or under a known name."""
    with zipfile.ZipFile(file) as archive:
        held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        name = next((name for name in NAMES if name in held), None)
        if name is None and len(held) != 1:
            listed = ", ".join(held) or "nothing"
            raise MediaError(f"{path}: holds {listed}; save one array, or call it {', '.join(NAMES)}")
        info = held[name or next(iter(held))]
        with archive.open(info) as member:
            return _read(path, member, info.file_size, shape)


def _read(path: Path, file: IO[bytes], size: int, shape: _Row) -> Array:
    """Return the array of an ``.npy`` file, whose header is checked before anything of its size is allocated."""
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd headers, which are refused or read as they are
        rows, is_fortran, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    start = file.tell()
    if dtype.kind not in "fiu":
        hint = "; save plain numbers, without Python objects" if dtype.kind == "O" else ""
        raise MediaError(f"{path}: features must be real numbers, got {dtype}{hint}")
    if len(rows) < 2 or min(rows) < 1 or not _fits(rows[1:], shape):
        raise MediaError(f"{path}: features ({_text(shape)}) with T >= 1 are needed, got {rows}")
    count = prod(rows)
    kept = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)
    if count * kept.itemsize > MAX_BYTES:
        raise MediaError(
            f"{path}: its header claims {rows}, {count * kept.itemsize:,} bytes in memory, above {MAX_BYTES:,}; it may "
            "be damaged, or holds more than one clip; split it, or set thm_torchmetrics.media.feature_files.MAX_BYTES"
        )
    needed, held = count * dtype.itemsize, size - start
    if needed != held:
        raise MediaError(
            f"{path}: its header claims {rows} {dtype}, {needed:,} bytes, but {held:,} follow; copy it again"
        )
    data = file.read(needed)  # at the end of a member, an archive compares the checksum
    array: Array = np.frombuffer(data, dtype).reshape(rows, order="F" if is_fortran else "C")
    return np.array(array, kept, order="C")


def _fits(row: Sequence[int], shape: _Row) -> bool:
    if shape is None:
        return True
    return len(row) == len(shape) and all(want in (None, got) for want, got in zip(shape, row, strict=True))


def _text(shape: _Row) -> str:
    return "T, ..." if shape is None else ", ".join(["T", *("D" if size is None else str(size) for size in shape)])
