"""Read features of a clip, one row per frame, from NumPy's files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError

NAMES = ("features", "coefficients", "landmarks", "embeddings", "valence_arousal")
"""Names of the features in an ``.npz`` file of several arrays."""

Array = npt.NDArray[Any]


def read_features(path: Path | str, shape: Sequence[int | None] | None = None) -> Array:
    """Read the features of one clip.

    Args:
        path: an ``.npy`` file; or an ``.npz`` file of one array, or with one of `NAMES`, as ``thm extract`` writes it.
        shape: shape of a row, None marking a free size; default: any.

    Returns:
        ``(T, ...)``, float32 or float64. A row of NaN is a frame without a face.

    Raises:
        MediaError: if the file cannot be read or holds several arrays of other names, or if the array has no rows,
            holds no numbers or has another shape.
    """
    array = _array(Path(path))
    if array.ndim < 2 or 0 in array.shape or not _fits(array.shape[1:], shape):
        raise MediaError(f"{path}: features ({_text(shape)}) with T >= 1 are needed, got {array.shape}")
    if array.dtype.kind not in "fiu":
        raise MediaError(f"{path}: features must be numbers, got {array.dtype}")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _array(path: Path) -> Array:
    try:
        with path.open("rb") as file:  # NumPy leaves the file of a damaged archive open
            held = np.load(file, allow_pickle=False)
            return held if isinstance(held, np.ndarray) else _only(path, held)
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except MediaError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MediaError(f"{path}: is no .npy or .npz file of numbers that can be read ({error})") from error


def _only(path: Path, held: Mapping[str, Array]) -> Array:
    """Return the array that an archive holds alone or under a known name."""
    name = next((name for name in NAMES if name in held), None)
    if name is None and len(held) != 1:
        raise MediaError(f"{path}: holds {', '.join(held) or 'nothing'}; save one array, or call it {', '.join(NAMES)}")
    return held[name or next(iter(held))]


def _fits(row: Sequence[int], shape: Sequence[int | None] | None) -> bool:
    if shape is None:
        return True
    return len(row) == len(shape) and all(want in (None, got) for want, got in zip(shape, row, strict=True))


def _text(shape: Sequence[int | None] | None) -> str:
    return "T, ..." if shape is None else ", ".join(["T", *("D" if size is None else str(size) for size in shape)])
