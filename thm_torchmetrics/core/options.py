"""The options of a metric are gathered when it is made, and fixed from then on."""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, ABCMeta, abstractmethod
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.fingerprint import fingerprint
from thm_torchmetrics.core.sums import Fields, Layout, Sums
from thm_torchmetrics.core.torchmetrics_overrides import SumsMetric
from thm_torchmetrics.errors import FrozenOptionError

Setting: TypeAlias = str | int | float | bool | None


class _Sealing(ABCMeta):
    """The metaclass seals a metric as soon as its constructor is done."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        metric = super().__call__(*args, **kwargs)
        metric._seal(args, kwargs)
        return metric


class OptionsMetric(SumsMetric, ABC, metaclass=_Sealing):
    """The options of a metric decide which metrics it shares a state with.

    They are the arguments of the constructor, its parents' included, and every public attribute that the constructor
    sets. They cannot be changed afterwards. A subclass declares its sums in `fields` and nothing else.
    """

    identity: tuple[str, tuple[tuple[str, str], ...]]
    """Class and options; metrics of equal identity measure alike and may share a state."""

    _family: ClassVar[type]
    _fixed: frozenset[str] = frozenset()

    def __init_subclass__(cls, reads_state_of_parent: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not reads_state_of_parent:
            cls._family = cls

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._of_torchmetrics = frozenset(vars(self))

    @abstractmethod
    def fields(self) -> Fields:
        """Return the sums of the metric by name."""

    def _seal(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Gather and fix the options, and add the state under a name that no other metric has."""
        self._given = self._arguments_by_name(
            args, kwargs
        )  # kept alive: some fingerprints are the identity of an object
        options_by_name = self._given | {
            name: value
            for name, value in vars(self).items()
            if name not in self._of_torchmetrics and not name.startswith("_")
        }
        self._layout = Layout(self.fields())
        self._settings = {
            name: value if isinstance(value, Setting) else str(value)
            for name, value in options_by_name.items()
            if name != "weights"
        }
        options = tuple((name, fingerprint(value)) for name, value in sorted(options_by_name.items()))
        self.identity = f"{self._family.__module__}.{self._family.__qualname__}", options
        # torchmetrics' collections merge metrics whose states have one name and look equal
        digest = hashlib.sha256(repr(self.identity).encode()).hexdigest()[:16]
        self._state_name = f"{self._family.__name__}_{digest}"
        self.add_state(self._state_name, torch.zeros(self._layout.size, dtype=torch.float64), dist_reduce_fx="sum")
        self._fixed = frozenset(options_by_name) - self._of_torchmetrics

    def _arguments_by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the constructor by name, with its defaults."""
        signature = inspect.signature(type(self).__init__)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        del given[next(iter(signature.parameters))]
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                given |= given.pop(name)
        return given

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed:
            raise FrozenOptionError(
                f"{type(self).__name__}.{name} is fixed when the metric is made; make another with {name}={value!r}"
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes that copies have, without the arguments of the constructor."""
        return {name: value for name, value in super().__getstate__().items() if name != "_given"}

    def settings(self) -> dict[str, Setting]:
        """Return the options by name, without ``weights``, for reports."""
        return dict(self._settings)

    @property
    def sums(self) -> Tensor:
        """Return the state, one vector of float64 sums."""
        state: Tensor = getattr(self, self._state_name)
        return state

    def named(self, vector: Tensor) -> Sums:
        """Return the sums in a vector, of the state or of one clip, by name."""
        return Sums(vector, self._layout)
