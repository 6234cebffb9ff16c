"""Override torchmetrics so that an update is all or nothing and sums stay float64."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from thm_torchmetrics.errors import InputError

_BOOKKEEPING = (
    "_cache", "_computed", "_coverage", "_enable_grad", "_forward_cache", "_is_synced", "_should_unsync", "_to_sync",
    "_update_count", "compute_on_cpu",
)  # fmt: skip
"""Attributes of torchmetrics that ``update`` and ``forward`` change."""


class SumsMetric(Metric):
    """The state of this metric is one tensor that adds up over processes; it is replaced, never written into.

    Differences from `torchmetrics.Metric`: a failing ``update`` or ``forward`` leaves the metric as it was; ``forward``
    builds no graph; ``compute`` on a process that got no data gives no warning of its own; ``merge_state`` counts the
    updates of both; and the state follows a move to another device, not a cast.
    """

    _coverage = float("nan")
    _label = ""

    @property
    def coverage(self) -> float:
        """Return the scored share of aligned frames, over all ranks; NaN before ``compute()``."""
        return self._coverage

    def reset(self) -> None:
        """Remove everything added so far."""
        super().reset()
        self._coverage = float("nan")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the metric of this batch alone, and add the batch to the state.

        No graph is built.
        """
        with torch.no_grad(), all_or_none([self]):
            return super().forward(*args, **kwargs)

    def _wrap_update(self, update: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = super()._wrap_update(update)

        @functools.wraps(update)
        def whole(*args: Any, **kwargs: Any) -> None:
            before = _saved(self)
            try:
                wrapped(*args, **kwargs)
            except BaseException:
                vars(self).update(before)
                raise

        return whole

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = super()._wrap_compute(compute)

        @functools.wraps(compute)
        def quiet(*args: Any, **kwargs: Any) -> Any:
            # an empty rank may compute without update; torchmetrics would warn
            count, self._update_count = self._update_count, max(self._update_count, 1)
            try:
                return wrapped(*args, **kwargs)
            finally:
                self._update_count = count

        return quiet

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add another metric's state, or a dict of its state, to this one.

        Raises:
            InputError: if the state has another size.
        """
        if not isinstance(incoming_state, Metric):
            count, state = 1, incoming_state
        elif isinstance(incoming_state, type(self)):
            count, state = incoming_state.update_count, dict(incoming_state.metric_state)
        else:
            raise InputError(
                f"{type(self).__name__} cannot merge the state of a {type(incoming_state).__name__}; merge only "
                "metrics of one class"
            )
        (name,) = self._defaults
        own: Tensor = getattr(self, name)
        (other,) = state.values()
        if other.shape != own.shape:
            raise InputError(
                f"{type(self).__name__} has a state of {len(own)} sums and got one of {tuple(other.shape)}; merge only "
                "metrics of equal options"
            )
        setattr(self, name, self.merged(own, other.to(own)))
        self._computed = None
        self._update_count += count

    @property
    def additive(self) -> bool:
        """Return whether two states make one by their sum; not so where a class defines `merged`."""
        return type(self).merged is SumsMetric.merged

    def merged(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the state of everything in two states, by default their sum."""
        return one + other

    def _merged_all(self, states: Tensor) -> Tensor:
        """Return the state of everything in the states of all processes, ``(n, size)``."""
        return functools.reduce(self.merged, states.unbind())

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Plot one value or a list of values as torchmetrics does, and return figure and axes."""
        figure, axes = self._plot(val, ax)
        if hasattr(axes, "set_ylabel"):  # else it is an array of axes
            axes.set_ylabel(self._label or type(self).__name__)
        return figure, axes

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> torch.nn.Module:
        if self._dtype_convert:
            return super()._apply(fn, exclude_state)
        device = fn(torch.empty(0, dtype=torch.float32, device=self.device)).device
        home = torch.device("cpu") if device.type == "mps" else device  # MPS has no float64
        this = super()._apply(lambda tensor: tensor.to(home), exclude_state)
        self._device = device
        return this


@contextmanager
def all_or_none(metrics: Iterable[Metric]) -> Iterator[None]:
    """Restore the metrics if the block raises, so that all of them take a batch or none."""
    saved = [(part, _saved(part)) for metric in metrics for part in _parts(metric)]
    try:
        yield
    except BaseException:
        for part, attributes in saved:
            vars(part).update(attributes)
        raise


def _parts(metric: Metric) -> Iterable[Metric]:
    """Yield a metric and, of a wrapper, the metrics inside it."""
    if isinstance(metric, SumsMetric):
        return (metric,)
    return (part for part in metric.modules() if isinstance(part, Metric))


def _saved(metric: Metric) -> dict[str, Any]:
    """Return the attributes that a batch may change, in a form that it does not change."""
    attributes = vars(metric)
    if isinstance(metric, SumsMetric):
        return {name: attributes[name] for name in (*_BOOKKEEPING, *metric._defaults) if name in attributes}
    saved = {name: _copied(value) for name, value in attributes.items()}  # torchmetrics' metrics write in place
    return saved | {"_buffers": {name: _copied(value) for name, value in metric._buffers.items()}}


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    return list(value) if isinstance(value, list) else value
