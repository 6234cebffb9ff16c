"""Read meshes: lists of vertices, neutral faces, and clips of one file per frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError, MissingExtraError
from thm_torchmetrics.media.numbered_files import in_order

MESH_SUFFIXES = (".obj", ".ply")
"""What the mesh of a frame may be."""


def read_vertex_numbers(path: Path | str) -> tuple[int, ...]:
    """Read a list of vertices: whole numbers from 0 in a text file, separated by spaces, commas or lines; or ``.npy``.

    Raises:
        MediaError: if the file cannot be read, or holds something else.
    """
    path = Path(path)
    try:
        if path.suffix == ".npy":
            numbers = np.load(path, allow_pickle=False).ravel().tolist()
        else:
            numbers = [int(word) for word in path.read_text(encoding="utf-8").replace(",", " ").split()]
    except (OSError, ValueError) as error:
        raise MediaError(
            f"{path}: is no list of vertices ({error}); write whole numbers from 0, separated by spaces or lines"
        ) from error
    if not numbers or any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in numbers):
        raise MediaError(
            f"{path}: holds no list of vertices; write whole numbers from 0, separated by spaces or lines, of a mask "
            "mask.nonzero()[0]"
        )
    return tuple(numbers)


def read_vertices(path: Path | str) -> npt.NDArray[np.float64]:
    """Read the vertices of one mesh, ``(V, 3)``, in the order of the file.

    Args:
        path: an ``.obj`` or ``.ply`` file, or ``.npy``.

    Raises:
        MediaError: if the file cannot be read, or holds no vertices.
        MissingExtraError: if a ``.ply`` file is given and trimesh is not installed.
    """
    path = Path(path)
    read = _READERS.get(path.suffix.lower(), _read_array)
    try:
        rows = read(path)
    except MissingExtraError:
        raise
    except Exception as error:  # a damaged file fails anywhere in the parser
        raise MediaError(
            f"{path}: cannot be read as vertices ({error}); give .npy, .obj or .ply, or export it again"
        ) from error
    if rows.ndim != 2 or rows.shape[-1] != 3 or not len(rows) or rows.dtype.kind not in "fiu":
        raise MediaError(f"{path}: needs vertices (V, 3), got {rows.dtype} {rows.shape}")
    vertices: npt.NDArray[np.float64] = rows.astype(np.float64)
    return vertices


def _read_array(path: Path) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    return array


def _read_obj(path: Path) -> npt.NDArray[Any]:
    """Return the lines ``v x y z`` of a Wavefront file as they stand; readers of faces split vertices at materials."""
    lines = (line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return np.array([words[1:4] for words in lines if words and words[0] == "v"], np.float64)


def _read_ply(path: Path) -> npt.NDArray[Any]:
    try:
        import trimesh
    except ImportError as error:
        raise MissingExtraError(".ply needs trimesh: pip install 'thm-torchmetrics[meshes]'") from error
    loaded: Any = trimesh.load(path, process=False, maintain_order=True)
    return np.asarray(loaded.vertices)


_READERS = {".obj": _read_obj, ".ply": _read_ply}


def read_mesh_clip(folder: Path) -> npt.NDArray[np.float64]:
    """Read a clip of one mesh per frame, ``(T, V, 3)``, in the order of the numbers in the names (2 before 10).

    Raises:
        MediaError: if a file cannot be read, two frames differ in the number of vertices, or the files have no order.
    """
    frames = [(path, read_vertices(path)) for path in in_order(folder, mesh_files(folder), "mesh file")]
    first, vertices = frames[0]
    for path, frame in frames:
        if frame.shape != vertices.shape:
            raise MediaError(
                f"{path}: has {len(frame)} vertices and {first.name} {len(vertices)}; all frames need the same mesh"
            )
    return np.stack([frame for _, frame in frames])


def mesh_files(folder: Path) -> list[Path]:
    """Return the meshes in a folder."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in MESH_SUFFIXES and not path.name.startswith(".")
    )
