"""Turn keys and options into metrics."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from torchmetrics import Metric, MetricCollection

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.core.clip_run import has_delay
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.weights import Checkpoint

Metrics: TypeAlias = str | Metric | Sequence[str | Metric] | Mapping[str, Metric] | MetricCollection
"""What a collection is made from."""

_TORCHMETRICS_OPTIONS = (
    "compute_on_cpu", "compute_with_cache", "dist_sync_fn", "dist_sync_on_step", "distributed_available_fn",
    "process_group", "sync_on_compute",
)  # fmt: skip
"""Options that every metric of torchmetrics has."""


def make_metric(text: str, options: Mapping[str, Any] | None = None, used: set[str] | None = None) -> TalkingHeadMetric:
    """Make a metric of the catalog from ``key`` or ``key:protocol`` and options; ``@aligned`` sets ``align="delay"``.

    Args:
        text: the key, with a protocol or without.
        options: options of any metric; those that this one lacks are ignored. A dict by metric key (with the protocol
            or without, however spelled) gives metrics values of their own.
        used: collects the names of the options that the metric has.

    Raises:
        InputError: if the key or protocol is unknown, an option has no such value, or a metric that does not compare
            frame by frame is to be aligned.
        WeightsError: if a checkpoint is absent, corrupt or not allowed.
        MissingExtraError: if a package that the metric needs is not installed.
    """
    choice = catalog.find_choice(text)
    plain = catalog.unaligned(choice.name)
    cls = metric_class(choice.row)
    chosen: dict[str, Any] = {}
    for name, value in (options or {}).items():
        if name not in option_names(cls):
            continue
        if used is not None:
            used.add(name)
        by_metric = catalog.values_by_metric(value)
        if by_metric is None:
            chosen[name] = value
        elif plain in by_metric or choice.row.key in by_metric:
            chosen[name] = by_metric.get(plain, by_metric.get(choice.row.key))
    if not choice.aligned:
        return cls(**{"protocol": choice.protocol, **chosen})
    metric = cls(**{"protocol": choice.protocol, **chosen, "align": "delay"})
    if not has_delay(metric):
        raise InputError(
            f"{choice.row.key} does not compare frame with frame, so there is no delay to take out; leave out "
            "'@aligned'"
        )
    return metric


def metric_class(row: catalog.Row) -> type[TalkingHeadMetric]:
    """Import the class of a row of the catalog.

    Raises:
        InputError: if another package's row names no metric.
    """
    if "." not in row.module:
        cls: Any = getattr(importlib.import_module(f"thm_torchmetrics.metrics.{row.module}"), row.name)
    else:
        try:
            cls = getattr(importlib.import_module(row.module), row.name, None)
        except ImportError as error:
            raise InputError(
                f"the metric {row.key!r} lies in {row.module}, which cannot be imported: {error}; mend or uninstall "
                "the package that brings it"
            ) from error
    if not (isinstance(cls, type) and issubclass(cls, TalkingHeadMetric)):
        raise InputError(
            f"the metric {row.key!r} should be the class {row.module}.{row.name}, derived from FrameMean or "
            "TalkingHeadMetric"
        )
    return cls


def option_names(cls: type[TalkingHeadMetric]) -> set[str]:
    """Return the options of a metric's constructor, its parents' and torchmetrics' included."""
    parents = [parent for parent in cls.__mro__ if issubclass(parent, TalkingHeadMetric)]
    names = {name for parent in parents for name in inspect.signature(parent.__init__).parameters}
    if len(cls.averages) == 1:
        names -= {"average"}
    return names - {"self", "kwargs"} | set(_TORCHMETRICS_OPTIONS)


def checkpoints_of(member: TalkingHeadMetric) -> tuple[Checkpoint, ...]:
    """Return the checkpoints of all networks among a metric's options."""
    found = [part for value in vars(member).values() for part in getattr(value, "checkpoints", ())]
    return tuple(dict.fromkeys(part for part in found if isinstance(part, Checkpoint)))


def describe_member(member: TalkingHeadMetric) -> str:
    """Return protocol, inputs, extractor and checkpoints of a metric in one line."""
    parts = [type(member).__name__, f"protocol {member.protocol}", f"needs {' and '.join(member.inputs)}"]
    if member.extractor is not None:
        parts.append(f"extractor {member.extractor}")
        for checkpoint in checkpoints_of(member):
            state = f"custom {checkpoint.file}" if checkpoint.file else weights.status(checkpoint.name).state
            parts.append(f"checkpoint {checkpoint.name} {state}")
    elif member.feature_shape is not None:
        parts.append("features given")
    return ", ".join(parts)


def members_of(
    metrics: Metrics,
    additional: Sequence[Metric],
    options: Mapping[str, Any],
) -> dict[str, Metric]:
    """Return the members of a collection by name.

    Args:
        metrics: as `TalkingHeadMetrics` takes them.
        additional: further metrics.
        options: options of the metrics made from keys.

    Raises:
        InputError: if a key, protocol or suite is unknown, no member has an option, or two members have one name.
    """
    if isinstance(metrics, MetricCollection):
        metrics = {str(name): metric for name, metric in metrics.items(keep_base=True, copy_state=False)}
    if isinstance(metrics, Mapping):
        if options or additional:
            raise InputError("options and further metrics do not go with a dict of metrics; make the metrics with them")
        return dict(metrics)
    if isinstance(metrics, str):
        metrics = catalog.find_suite(metrics)
    used: set[str] = set()
    members: dict[str, Metric] = {}
    listed = [*([metrics] if isinstance(metrics, Metric) else metrics), *additional]
    keys = {item for item in listed if isinstance(item, str)}
    for item in listed:
        plain = catalog.unaligned(item) if isinstance(item, str) else item
        if isinstance(plain, str) and plain not in keys:
            members[plain] = make_metric(plain, options, used)
        name = item if isinstance(item, str) else getattr(item, "key", "") or type(item).__name__
        if name in members:
            raise InputError(f"the metric {name!r} is given twice; pass a dict of metrics by name")
        members[name] = make_metric(item, options, used) if isinstance(item, str) else item
    unused = sorted(set(options) - used)
    if unused:
        raise InputError(
            f"no metric of this collection has an option {', '.join(unused)}; leave out what changes nothing"
        )
    return members
