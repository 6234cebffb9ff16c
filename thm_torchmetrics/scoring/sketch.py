"""Find what metrics read and which checkpoints they need, without looking for any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thm_torchmetrics.catalog import find_choice
from thm_torchmetrics.errors import InputError, MediaError, ThmError
from thm_torchmetrics.weights import Checkpoint, Checkpoints, needed_by

if TYPE_CHECKING:
    from thm_torchmetrics.core.metric import TalkingHeadMetric


@dataclass(frozen=True)
class _Names(Checkpoints):
    """The source keeps the names of the checkpoints that it is asked for, and opens none."""

    asked: set[str] = field(default_factory=set, compare=False, repr=False)

    def obtain(self, name: str) -> Checkpoint:
        """Keep a name."""
        self.asked.add(name)
        return Checkpoint(name, None, "")

    def obtain_all(self, names: Iterable[str]) -> None:
        """Keep all names that a network needs."""
        self.asked.update(names)


@dataclass(frozen=True)
class Sketch:
    """A sketch is a metric that was made without its checkpoints, so that it cannot measure.

    Attributes:
        metric: the metric; None if a package that it needs is not installed.
        checkpoints: the names of the checkpoints that it needs.
        lack: what is not installed, with the remedy; empty if there is a metric.
    """

    metric: TalkingHeadMetric | None
    checkpoints: frozenset[str]
    lack: str = ""


def sketch(text: str, extractor: str | None = None, own: Mapping[str, Any] | None = None) -> Sketch:
    """Make a metric without its checkpoints; nothing is read or downloaded.

    Args:
        text: the metric, as ``key`` or ``key:protocol``.
        extractor: the network that feeds it; default: its own.
        own: options of the metric by name.

    Raises:
        InputError: if the metric does not take an option; the message names the metric.
    """
    from thm_torchmetrics.collection import make_metric

    names = _Names()
    choice = find_choice(text)
    options = {**(own or {}), "weights": names}
    if extractor is not None:
        options["extractor"] = extractor
    try:
        metric = make_metric(text, options)
    except (InputError, MediaError) as error:
        raise InputError(f"{text}: {error}") from error
    except ThmError as error:  # a package is missing, or a checkpoint that comes with one
        fed_by = extractor or choice.row.default_extractor
        listed = () if fed_by is None else needed_by(choice.row.extractor_kind, fed_by)
        return Sketch(None, frozenset(names.asked.union(listed)), str(error))
    return Sketch(metric, frozenset(names.asked))


def checkpoints_needed(text: str, extractor: str | None = None, own: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Return the names of the checkpoints that a metric needs, as `sketch` finds them.

    Raises:
        InputError: if the metric does not take an option; the message names the metric.
    """
    return sketch(text, extractor, own).checkpoints
