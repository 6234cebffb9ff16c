"""Choose vertices of a mesh: lists of their numbers, and the neutral face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.meshes import read_vertex_numbers, read_vertices

Numbers: TypeAlias = Tensor | npt.NDArray[Any] | Sequence[int] | Path | str | None
"""Numbers of vertices: a tensor, an array, a list, or the path of a text file or ``.npy``."""


@dataclass(frozen=True)
class VertexList:
    """A list of vertices by number, in the order given; one that is listed twice counts twice.

    Args:
        numbers: the numbers, from 0.
    """

    numbers: tuple[int, ...]

    def __str__(self) -> str:
        digest = sha256(",".join(map(str, self.numbers)).encode()).hexdigest()[:8]
        return f"{len(self.numbers)} vertices ({digest})"

    @cached_property
    def index(self) -> Tensor:
        """The numbers as a tensor."""
        return torch.tensor(self.numbers)

    def of(self, vertices: Tensor) -> Tensor:
        """Return these vertices of ``(T, V, 3)``.

        Raises:
            InputError: if there is no vertex of a number.
        """
        highest = max(self.numbers)
        if highest >= vertices.shape[1]:
            raise InputError(
                f"the list has vertex {highest}, and the mesh {vertices.shape[1]} vertices, numbered from 0; give the "
                "list of this mesh"
            )
        return vertices[:, self.index.to(vertices.device)]


def vertex_list(name: str, given: Numbers) -> VertexList | None:
    """Return the list of vertices that an option names; None for None.

    Args:
        name: the option, for errors.
        given: its value.

    Raises:
        InputError: if it is no list of whole numbers from 0.
        MediaError: if it is a file that cannot be read as such a list.
    """
    if given is None:
        return None
    if isinstance(given, str | Path):
        return VertexList(read_vertex_numbers(given))
    plain = given.tolist() if isinstance(given, Tensor | np.ndarray) else list(given)
    if not plain or any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in plain):
        raise InputError(f"`{name}` must be a list of whole numbers from 0, at least one, got {given!r}")
    return VertexList(tuple(plain))


def neutral_face(given: Tensor | Path | str | None) -> Tensor | None:
    """Return the vertices of a neutral face, ``(V, 3)``; None for None.

    Raises:
        InputError: if a tensor has another shape.
        MediaError: if a file cannot be read.
    """
    if given is None:
        return None
    face = given if isinstance(given, Tensor) else torch.from_numpy(read_vertices(given))
    if face.ndim != 2 or face.shape[-1] != 3 or not bool(face.isfinite().all()):
        raise InputError(f"`template` must be finite vertices (V, 3), got {tuple(face.shape)}")
    return face.to(torch.float64)
