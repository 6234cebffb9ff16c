"""A metric's state is one float64 vector of sums, and every sum in it has a name."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, TypeAlias

from torch import Tensor

Fields: TypeAlias = Mapping[str, int | tuple[int, ...]]
"""The sums of a metric by name: 1 for a number, n for a row of n numbers, a tuple for an array of that shape."""


class Layout:
    """A layout gives the place of each named sum in the vector.

    Args:
        fields: the sums in their order.

    Example:
        >>> Layout({"total": 3, "weight": 1}).size
        4
    """

    def __init__(self, fields: Fields) -> None:
        self.places: dict[str, tuple[int, int, tuple[int, ...]]] = {}
        self.size = 0
        for name, size in fields.items():
            shape = size if isinstance(size, tuple) else () if size == 1 else (size,)
            length = prod(shape)
            self.places[name] = (self.size, length, shape)
            self.size += length


class Sums:
    """The parts of a vector of sums are attributes of this object.

    ``sums.total += values.sum()`` changes the vector in place.

    Args:
        vector: ``(layout.size,)`` float64.
        layout: the names.

    Example:
        >>> import torch
        >>> sums = Sums(torch.zeros(4), Layout({"total": 3, "weight": 1}))
        >>> sums.total += torch.tensor([1.0, 2.0, 3.0])
        >>> sums.weight += 1
        >>> sums.vector
        tensor([1., 2., 3., 1.])
    """

    __slots__ = ("_layout", "vector")

    vector: Tensor
    _layout: Layout

    def __init__(self, vector: Tensor, layout: Layout) -> None:
        object.__setattr__(self, "vector", vector)
        object.__setattr__(self, "_layout", layout)

    def __getattr__(self, name: str) -> Tensor:
        place = self._layout.places.get(name)
        if place is None:
            raise AttributeError(f"there is no sum called {name!r}; there are {', '.join(self._layout.places)}")
        start, length, shape = place
        if not shape:
            return self.vector.select(0, start)
        part = self.vector.narrow(0, start, length)
        return part if len(shape) == 1 else part.view(shape)

    def __setattr__(self, name: str, value: Any) -> None:
        part = getattr(self, name)
        if not isinstance(value, Tensor):
            part.fill_(value)
        elif value.data_ptr() != part.data_ptr():
            part.copy_(value)
        elif value.shape != part.shape or value.stride() != part.stride():
            part.copy_(value.clone())  # a part of the sum itself
        # else `sums.name += x` has written into the vector already

    def __repr__(self) -> str:
        return f"Sums({', '.join(f'{name}={getattr(self, name).tolist()}' for name in self._layout.places)})"
