"""Read meshes: lists of vertices, neutral faces, and clips of one file per frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MediaError, MissingExtraError

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
    if not numbers or any(not isinstance(number, int) or number < 0 for number in numbers):
        raise MediaError(f"{path}: holds no list of vertices; write whole numbers from 0, separated by spaces or lines")
    return tuple(numbers)


def read_vertices(path: Path | str) -> npt.NDArray[np.float64]:
    """Read the vertices of one mesh, ``(V, 3)``, in the order of the file.

    Args:
        path: an ``.obj`` or ``.ply`` file, or ``.npy``.

    Raises:
        MediaError: if the file cannot be read, or holds no vertices.
        MissingExtraError: if a mesh is given and trimesh is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in MESH_SUFFIXES:
        try:
            rows = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise MediaError(f"{path}: cannot be read as vertices ({error}); give .npy, .obj or .ply") from error
    else:
        try:
            import trimesh
        except ImportError as error:
            raise MissingExtraError("meshes need trimesh: pip install 'thm-torchmetrics[meshes]'") from error
        try:
            loaded: Any = trimesh.load(path, process=False, maintain_order=True)
            rows = np.asarray(loaded.vertices)
        except Exception as error:  # a damaged file fails anywhere in the parser
            raise MediaError(f"{path}: is no mesh that can be read ({error}); export it again") from error
    if rows.ndim != 2 or rows.shape[-1] != 3 or not len(rows) or rows.dtype.kind not in "fiu":
        raise MediaError(f"{path}: needs vertices (V, 3), got {rows.dtype} {rows.shape}")
    vertices: npt.NDArray[np.float64] = rows.astype(np.float64)
    return vertices


def read_mesh_clip(folder: Path) -> npt.NDArray[np.float64]:
    """Read a clip of one mesh per frame, ``(T, V, 3)``, in the order of the names.

    Raises:
        MediaError: if a file cannot be read, or two frames differ in the number of vertices.
    """
    frames = [(path, read_vertices(path)) for path in mesh_files(folder)]
    first, vertices = frames[0]
    for path, frame in frames:
        if frame.shape != vertices.shape:
            raise MediaError(
                f"{path}: has {len(frame)} vertices and {first.name} {len(vertices)}; all frames need the same mesh"
            )
    return np.stack([frame for _, frame in frames])


def mesh_files(folder: Path) -> list[Path]:
    """Return the meshes in a folder, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in MESH_SUFFIXES)
