"""Choose vertices of a mesh: lists of their numbers, and the neutral face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from operator import index
from pathlib import Path
from reprlib import repr as repr_of
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape
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
    try:
        plain = given.tolist() if isinstance(given, Tensor | np.ndarray) else list(given)
        numbers = tuple(index(number) for number in plain if not _is_bool(number))
    except TypeError:  # no list, or of other things than whole numbers
        plain, numbers = [], ()
    if not numbers or len(numbers) < len(plain) or min(numbers) < 0:
        raise InputError(
            f"`{name}` must be a list of whole numbers from 0, at least one, got {repr_of(given)}; of a mask give "
            "mask.nonzero().flatten()"
        )
    return VertexList(numbers)


def _is_bool(number: Any) -> bool:
    return isinstance(number, bool | np.bool_) or (isinstance(number, Tensor) and number.dtype == torch.bool)


def neutral_face(given: Tensor | Path | str | None) -> Tensor | None:
    """Return the vertices of a neutral face, ``(V, 3)``; None for None.

    Raises:
        InputError: if it is neither a tensor of vertices nor a path.
        MediaError: if a file cannot be read.
    """
    if given is None:
        return None
    face = torch.from_numpy(read_vertices(given)) if isinstance(given, str | Path) else given
    check_shape("template", face, ("V", 3), "vertices")
    if not bool(face.isfinite().all()):
        raise InputError("`template` holds NaN or infinity; give every vertex of the neutral face")
    return face.detach().to(torch.float64)
