"""The options of a metric are gathered when it is made, and fixed from then on."""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.fingerprint import content_fingerprint, fingerprint
from thm_torchmetrics.core.sums import Fields, Layout, Sums
from thm_torchmetrics.core.torchmetrics_overrides import SumsMetric
from thm_torchmetrics.errors import FrozenOptionError, InputError

Setting: TypeAlias = str | int | float | bool | None


class _Sealing(ABCMeta):
    """The metaclass adds the options of the protocol, and seals a metric as soon as its constructor is done."""

    _published: Mapping[str | None, Mapping[str, Any]]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        kwargs = {**cls._published.get(kwargs.get("protocol"), {}), **kwargs}
        metric = super().__call__(*args, **kwargs)
        metric._seal(args, kwargs)
        return metric


class OptionsMetric(SumsMetric, ABC, metaclass=_Sealing):
    """A metric with named sums whose options decide what it shares.

    The options are the arguments of the constructor, its parents' included, and every public attribute and every module
    that the constructor sets. They cannot be changed afterwards. An author declares the sums in `fields` and nothing
    else.
    """

    identity: tuple[type, tuple[tuple[str, str], ...]]
    """Class and options; metrics of equal identity measure alike and may share a state."""

    content: str | None
    """The options in a text that is equal in every process, checkpoints by their hashes; None where an option is an
    object, such as a module, that only its identity tells apart."""

    numerics: ClassVar[int] = 1
    """Version of the numbers: a change of the class that moves one raises it, so that no earlier one is taken from a
    cache."""

    _published: ClassVar[Mapping[str | None, Mapping[str, Any]]] = {}
    """The options that each protocol sets, unless they are given; those of the default under None, too."""

    _family: ClassVar[type]
    _fixed: frozenset[str] = frozenset()
    _state_name = ""

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
        """Gather and fix the options, and add the state."""
        # kept alive, because some fingerprints are the identity of an object
        self._given = self._arguments_by_name(args, kwargs)
        self._repr = ", ".join(f"{name}={value!r}" for name, value in kwargs.items() if isinstance(value, Setting))
        self._layout = Layout(self.fields())
        options = self._given | self._set_by_constructor()
        for name, value in options.items():
            if isinstance(value, float) and value != value:
                raise InputError(f"{name} must be a number, got {value}")
        self._settings = {
            name: value if isinstance(value, Setting) else str(value)
            for name, value in options.items()
            if name != "weights"
        }
        self._fingerprints = {name: fingerprint(value) for name, value in options.items()}
        vars(self)["content"] = content_fingerprint({name: options[name] for name in options if name != "weights"})
        self.identity, name = self._identify()
        reduction = "sum" if self.additive else self._merged_all
        self.add_state(name, torch.zeros(self._layout.size, dtype=torch.float64), dist_reduce_fx=reduction)
        self._state_name = name
        self._fixed = frozenset(options) | {"identity", "content"}
        self._fixed -= self._of_torchmetrics

    def _identify(self) -> tuple[tuple[type, tuple[tuple[str, str], ...]], str]:
        """Return the identity, and a name of the state that no other metric has.

        Torchmetrics' own collections merge metrics whose states have one name and look equal.
        """
        identity = self._family, tuple(sorted(self._fingerprints.items()))
        digest = hashlib.sha256(f"{id(self._family)} {identity[1]}".encode()).hexdigest()[:16]
        return identity, f"{self._family.__name__}_{digest}"

    def _set_by_constructor(self) -> dict[str, Any]:
        """Return the public attributes and the modules that the constructor has set."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if name not in self._of_torchmetrics and not name.startswith("_")
        }
        return plain | self._modules | self._parameters | self._buffers

    def _arguments_by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the constructor by name, with its defaults and those of its parents."""
        given = dict(inspect.signature(type(self).__init__).bind(self, *args, **kwargs).arguments)
        own = [cls for cls in type(self).__mro__ if issubclass(cls, OptionsMetric) and "__init__" in vars(cls)]
        for cls in own:
            self_name, *parameters = inspect.signature(cls.__init__).parameters.values()
            given.pop(self_name.name, None)
            for parameter in parameters:
                if parameter.kind is parameter.VAR_KEYWORD:
                    given |= given.pop(parameter.name, {})
                elif parameter.default is not parameter.empty:
                    given.setdefault(parameter.name, parameter.default)
        return given

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed:
            raise FrozenOptionError(
                f"{type(self).__name__}.{name} is fixed when the metric is made; make another with {name}={value!r}"
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes that copies have, without the arguments as they were given."""
        return {name: value for name, value in super().__getstate__().items() if name != "_given"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over the attributes of a copied or sent metric.

        Objects that were copied with it are others than before, and so is the class in another process; the state is
        named anew by them.
        """
        super().__setstate__(state)
        attributes = vars(self)
        made = self._set_by_constructor()
        attributes["_fingerprints"] = {
            name: fingerprint(made[name]) if name in made else before for name, before in self._fingerprints.items()
        }
        old = self._state_name
        attributes["identity"], new = self._identify()
        attributes["_state_name"] = new
        attributes[new] = attributes.pop(old)
        self._defaults[new] = self._defaults.pop(old)
        self._persistent[new] = self._persistent.pop(old)
        self._reductions[new] = self._reductions.pop(old)

    def extra_repr(self) -> str:
        """Return the options that were given or that the protocol sets, for ``repr``."""
        return self._repr

    def settings(self) -> dict[str, Setting]:
        """Return everything that the metric was made with, for reports."""
        return dict(self._settings)

    @property
    def sums(self) -> Tensor:
        """The state: one vector of float64 sums."""
        state: Tensor = getattr(self, self._state_name)
        return state

    def named(self, vector: Tensor) -> Sums:
        """Give the sums in a vector, of the state or of one clip, their names."""
        return Sums(vector, self._layout)

    def unpacked(self, arrays: Mapping[str, Tensor]) -> Sums:
        """Return what a clip adds to the state, on the state's device, from the arrays of `ClipRun.packed`."""
        return self.named(arrays["sums"].to(self.sums))
