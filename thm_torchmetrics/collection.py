"""Several metrics as one: built by key, fed together, each clip decoded and each network run once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from torchmetrics import Metric, MetricCollection

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.core.inputs import ClipInput, clips_from
from thm_torchmetrics.core.metric import Score, TalkingHeadMetric
from thm_torchmetrics.core.one_pass import stream
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import release


class TalkingHeadMetrics(MetricCollection):
    """Talking-head metrics by key, suite or instance, in one `torchmetrics.MetricCollection`.

    Members that share an update (AUE-U, AUE-L and AUE, say) share one state, by an explicit rule instead of
    torchmetrics' comparison of first values. Frames given as tensors are wrapped once, so that what one member makes
    of them (a face, an embedding) is there for all.

    Args:
        metrics: the name of a suite; or keys such as ``"psnr"`` or ``"ssim:skimage"``, or metrics, in a list; or a dict
            of metrics by name.
        prefix: put before every name in the result.
        postfix: put after every name in the result.
        options: options of the metrics made from keys; each goes to the members that have it. A dict by metric key
            gives members values of their own, as in ``average={"psnr": "clip"}``.

    Raises:
        InputError: if a key, protocol or suite is unknown, or no member has an option.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import TalkingHeadMetrics
        >>> metrics = TalkingHeadMetrics(["psnr", "ssim:skimage"], prefix="val/")
        >>> frames = torch.zeros(2, 5, 3, 32, 32, dtype=torch.uint8)
        >>> metrics.update(frames + 1, frames)
        >>> {name: round(value.item(), 3) for name, value in metrics.compute().items()}
        {'val/psnr': 48.128, 'val/ssim:skimage': 0.867}
    """

    def __init__(
        self,
        metrics: str | Metric | Sequence[str | Metric] | Mapping[str, Metric],
        *additional_metrics: Metric,
        prefix: str | None = None,
        postfix: str | None = None,
        **options: Any,
    ) -> None:
        members: Any = _members(metrics, additional_metrics, options)
        super().__init__(members, prefix=prefix, postfix=postfix, compute_groups=[])

    def add_metrics(  # type: ignore[override]
        self,
        metrics: str | Metric | Sequence[str | Metric] | Mapping[str, Metric],
        *additional_metrics: Metric,
        **options: Any,
    ) -> None:
        """Add members, as the constructor takes them."""
        members = metrics if isinstance(metrics, dict) else _members(metrics, additional_metrics, options)
        for name, member in members.items():
            if name in self:
                raise InputError(f"the collection has a metric {name!r} already")
            self[name] = member
        self._enable_compute_groups = self._shared_states()
        self._init_compute_groups()

    def describe(self) -> str:
        """What will run, on which inputs, by which protocol and network, and whether its checkpoints are here."""
        return "\n".join(f"{name}: {_description(member)}" for name, member in self.members().items())

    def release(self) -> None:
        """Free the networks of all metrics of this process; they are made again when they are next needed."""
        release()

    def members(self) -> dict[str, TalkingHeadMetric]:
        """The talking-head metrics by name, without prefix and postfix."""
        return {
            name: member
            for name, member in self.items(keep_base=True, copy_state=False)
            if isinstance(member, TalkingHeadMetric)
        }

    def _shared_states(self) -> list[list[str]]:
        """Names of the members by state: equal state names mean equal updates."""
        groups: dict[str, list[str]] = {}
        for name, member in self.members().items():
            groups.setdefault(member._state_name, []).append(name)
        return list(groups.values())

    def add_clip(
        self,
        names: Collection[str],
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        failures: dict[str, Exception] | None = None,
        **inputs: Any,
    ) -> dict[str, Score]:
        """Run one clip through several members at once, decoding it once.

        Args:
            names: the members, all of which read ``preds`` and ``target`` alike.
            preds: the generated clip, or its features.
            target: the real clip, or its features.
            failures: where to note the members that cannot take this clip, with the reason, while the others go on;
                default: the first such error is raised and no member is changed.
            inputs: what else the members take.

        Returns:
            This clip's score by each member that took it.
        """
        members = self.members()
        groups = [[name for name in group if name in names] for group in self.compute_groups.values()]
        followers = {self._leader(group[0]): group for group in groups if group}
        failed: dict[str, Exception] | None = None if failures is None else {}
        leaders = {leader: members[leader] for leader in followers}
        sums = stream(leaders, preds, target, failures=failed, **inputs)
        self._state_is_copy = False
        self._compute_groups_create_state_ref()
        if failures is not None and failed is not None:
            failures.update({name: error for leader, error in failed.items() for name in followers[leader]})
        return {name: members[name].score(sums[leader]) for leader in sums for name in followers[leader]}

    def _leader(self, name: str) -> str:
        """The member that is updated for all that share its state."""
        return next(group[0] for group in self.compute_groups.values() if name in group)

    def update(  # type: ignore[override]
        self, preds: ClipInput = None, target: ClipInput = None, **inputs: Any
    ) -> None:
        """Add clips to every member.

        Args:
            preds: the generated clip or clips, as `TalkingHeadMetric.update` takes them.
            target: the real clip or clips, likewise.
            inputs: what else members take: ``preds_au``, ``target_au``.

        Raises:
            InputError: if no member takes an input, or a member lacks one.
        """
        super().update(*self._shared(preds, target, inputs), **inputs)

    def forward(self, preds: ClipInput = None, target: ClipInput = None, **inputs: Any) -> dict[str, Any]:
        """The metrics of this batch alone; the batch is added to every member's state as well."""
        result: dict[str, Any] = super().forward(*self._shared(preds, target, inputs), **inputs)
        return result

    def _shared(self, preds: ClipInput, target: ClipInput, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """The frames as Clips, made and decoded once, so that all members see the same chunks."""
        members = list(self.values(copy_state=False))
        for name in inputs:
            if not any(name in member._update_signature.parameters for member in members):
                raise InputError(f"no metric of this collection takes `{name}`")
        wrapped = [
            [clip.load() if isinstance(clip, Clip) else clip for clip in clips_from(value, name)]
            if value is not None and _sees_frames(members, name)
            else value
            for name, value in (("preds", preds), ("target", target))
        ]
        return wrapped[0], wrapped[1]


def _description(member: TalkingHeadMetric) -> str:
    parts = [type(member).__name__, f"protocol {member.protocol}", f"needs {' and '.join(member.inputs)}"]
    if member.extractor is not None:
        parts.append(f"extractor {member.extractor}")
        if member.key in catalog.CATALOG:
            needed = catalog.choose(f"{member.key}:{member.protocol}").weights(str(member.extractor))
            parts += [f"checkpoint {name} {weights.status(name).state}" for name in needed]
    elif member.feature_shape is not None:
        parts.append("features given")
    return ", ".join(parts)


def _sees_frames(members: Iterable[Metric], side: str) -> bool:
    """Whether ``side`` holds frames: all members that look at it take frames, not features."""
    readers = [m for m in members if isinstance(m, TalkingHeadMetric) and side in m.inputs]
    return bool(readers) and all(m.extractor is not None or m.feature_shape is None for m in readers)


def _members(
    metrics: str | Metric | Sequence[str | Metric] | Mapping[str, Metric],
    additional: Sequence[Metric],
    options: Mapping[str, Any],
) -> dict[str, Metric]:
    if isinstance(metrics, Mapping):
        if options or additional:
            raise InputError("options and further metrics do not go with a dict of metrics; make the metrics with them")
        return dict(metrics)
    if isinstance(metrics, str):
        metrics = catalog.suite(metrics)
    asked = [*([metrics] if isinstance(metrics, Metric) else metrics), *additional]
    used: set[str] = set()
    members: dict[str, Metric] = {}
    for item in asked:
        name, member = _member(item, options, used)
        if name in members:
            raise InputError(f"the metric {name!r} is asked for twice; pass a dict to name them yourself")
        members[name] = member
    unused = sorted(set(options) - used)
    if unused:
        raise InputError(f"no metric of this collection has an option {', '.join(unused)}")
    return members


def _member(item: str | Metric, options: Mapping[str, Any], used: set[str]) -> tuple[str, Metric]:
    if isinstance(item, Metric):
        return getattr(item, "key", "") or type(item).__name__, item
    choice = catalog.choose(item)
    kind = choice.row.load()
    chosen: dict[str, Any] = {}
    for name, value in options.items():
        if not kind.accepts(name):
            continue
        used.add(name)
        if not (isinstance(value, Mapping) and all(key.partition(":")[0] in catalog.CATALOG for key in value)):
            chosen[name] = value
        elif item in value or choice.row.key in value:
            chosen[name] = value.get(item, value.get(choice.row.key))
    return item, kind(**{"protocol": choice.protocol, **chosen})
