"""A row holds the facts of one metric, and of each of its protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple


class Scale(NamedTuple):
    """A scale says how a value is read.

    Attributes:
        higher_is_better: direction.
        unit: unit of the value, empty for a pure number.
        low: the smallest possible value.
        high: the largest possible value.
    """

    higher_is_better: bool
    unit: str = ""
    low: float = 0.0
    high: float = inf

    @property
    def arrow(self) -> str:
        """Return ``↑`` where a higher value is better, else ``↓``."""
        return "↑" if self.higher_is_better else "↓"


@dataclass(frozen=True)
class Protocol:
    """A protocol is a published procedure.

    Attributes:
        name: its name within the metric.
        source: the paper or code that it follows, or where there is none, that it is this package's own.
        average: what weighs the same in the mean over a dataset: ``frame``, ``clip`` or ``track``.
        options: the options of the metric that the source fixes; one that is given explicitly goes before.
        scale: how its values are read, where that differs from the metric's other protocols.
        every_frame: whether it cannot measure a clip of which frames are left out.
    """

    name: str
    source: str
    average: str = "frame"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    scale: Scale | None = None
    every_frame: bool = False


@dataclass(frozen=True)
class Row:
    """A row holds the facts of one metric.

    Attributes:
        key: the short name used on the command line, in tables and in collections.
        name: the class.
        module: the module of the class, within ``thm_torchmetrics.metrics``; of another package its whole name.
        title: the metric's name in one phrase.
        scale: how its values are read, unless the protocol has a scale of its own.
        inputs: the arguments that ``update`` needs.
        published: the procedures that it follows, default first.
        extractors: the extractors that can feed it, default first; empty if it needs none.
        extractor_kind: the kind of these extractors in `extractors.EXTRACTORS`, registered ones included.
        features_by_default: whether it reads given features unless one of its extractors is named.
    """

    key: str
    name: str
    module: str
    title: str
    scale: Scale
    inputs: tuple[str, ...]
    published: tuple[Protocol, ...]
    extractors: tuple[str, ...] = ()
    extractor_kind: str = ""
    features_by_default: bool = False

    @property
    def default_extractor(self) -> str | None:
        """Return the extractor that feeds it if none is named; None if it has none, or reads given features."""
        return None if self.features_by_default or not self.extractors else self.extractors[0]

    @property
    def protocols(self) -> tuple[str, ...]:
        """Return the names of the protocols, default first."""
        return tuple(each.name for each in self.published)

    def protocol(self, name: str = "") -> Protocol:
        """Return a protocol by name, the default without one.

        Raises:
            KeyError: if there is none of this name.
        """
        return {"": self.published[0], **{each.name: each for each in self.published}}[name]

    def scale_of(self, protocol: str = "") -> Scale:
        """Return how the values of a protocol are read."""
        return self.protocol(protocol).scale or self.scale

    @property
    def higher_is_better(self) -> bool:
        """Return the direction of the default protocol."""
        return self.scale_of().higher_is_better

    @property
    def unit(self) -> str:
        """Return the unit of the default protocol."""
        return self.scale_of().unit

    @property
    def arrow(self) -> str:
        """Return the arrow of the default protocol."""
        return self.scale_of().arrow


BOTH = ("preds", "target")
"""The inputs of a metric that compares frames."""
