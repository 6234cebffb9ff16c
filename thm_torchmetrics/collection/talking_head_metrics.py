"""Make several metrics by key, and update them together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

from torchmetrics import Metric, MetricCollection

from thm_torchmetrics.collection.members import Metrics, describe_member, members_of
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.core.inputs import clips_from
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.core.score import ClipScore, Measurement
from thm_torchmetrics.core.torchmetrics_overrides import all_or_none
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import release


class TalkingHeadMetrics(MetricCollection):
    """Compute several metrics together, decoding each clip and running each network once.

    The collection is a `torchmetrics.MetricCollection`. Members of equal class and options (AUE-U, AUE-L and AUE, say)
    share one state. Frames given as tensors are wrapped once, so that all members share the features computed from them
    (a face, an embedding). Torchmetrics' own metrics may be members; they get the arguments unchanged.

    Args:
        metrics: the name of a suite; or keys such as ``"psnr"`` or ``"ssim:skimage"``, or metrics, in a list; or a dict
            of metrics by name, or another collection, whose metrics are then members of both.
        additional_metrics: further metrics.
        prefix: put before every name in the result.
        postfix: put after every name in the result.
        separator: put in the place of ``:`` in every name. With ``"-"``, ``ssim:skimage`` is called ``ssim-skimage``,
            as loggers and the names of checkpoint files need it; keys may be spelled like that, too.
        compute_groups: True: members of equal class and options share a state; False: none does; or lists of the
            members that do.
        options: options of the metrics made from keys, torchmetrics' own (``sync_on_compute``, ``process_group``, ...)
            among them; each goes to the members that have it. A dict by metric key gives members values of their own,
            as in ``average={"psnr": "clip"}``.

    Raises:
        InputError: if a key, protocol or suite is unknown, no member has an option, or two members have one name.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import TalkingHeadMetrics
        >>> metrics = TalkingHeadMetrics(["psnr", "ssim:skimage"], prefix="val/", separator="-")
        >>> frames = torch.zeros(2, 5, 3, 32, 32, dtype=torch.uint8)
        >>> metrics.update(frames + 1, frames)
        >>> {name: round(value.item(), 3) for name, value in metrics.compute().items()}
        {'val/psnr': 48.128, 'val/ssim-skimage': 0.867}
    """

    def __init__(
        self,
        metrics: Metrics,
        *additional_metrics: Metric,
        prefix: str | None = None,
        postfix: str | None = None,
        compute_groups: bool | list[list[str]] = True,
        separator: str = ":",
        **options: Any,
    ) -> None:
        if not separator or "." in separator:
            raise InputError(f"separator must be a character other than the dot, such as '-', got {separator!r}")
        self._separator = separator
        self._requested_groups = compute_groups
        members: Any = members_of(metrics, additional_metrics, options)
        super().__init__(members, prefix=prefix, postfix=postfix, compute_groups=[])

    def add_metrics(  # type: ignore[override]
        self,
        metrics: Metrics,
        *additional_metrics: Metric,
        **options: Any,
    ) -> None:
        """Add members, as the constructor takes them."""
        members = metrics if isinstance(metrics, dict) else members_of(metrics, additional_metrics, options)
        for given, member in members.items():
            name = given.replace(":", self._separator)
            if name in self:
                raise InputError(f"the collection has a metric {name!r} already; add it by a dict, under another name")
            self[name] = member
        self._enable_compute_groups = self._shared_states()
        self._init_compute_groups()

    def describe(self) -> str:
        """Return one line per metric, with its inputs, protocol, extractor and checkpoints."""
        return "\n".join(f"{name}: {describe_member(member)}" for name, member in self.members().items())

    def release(self) -> None:
        """Free the networks of all metrics of this process; the next use makes them again."""
        release()

    def members(self) -> dict[str, TalkingHeadMetric]:
        """Return the talking-head metrics by name, without prefix and postfix."""
        every = self.items(keep_base=True, copy_state=False)
        return {name: member for name, member in every if isinstance(member, TalkingHeadMetric)}

    def _shared_states(self) -> list[list[str]]:
        """Return the names of the members by state."""
        if isinstance(self._requested_groups, list):
            return [[name.replace(":", self._separator) for name in group] for group in self._requested_groups]
        groups: dict[Any, list[str]] = {}
        for name, member in self.items(keep_base=True, copy_state=False):
            alone = not self._requested_groups or not isinstance(member, TalkingHeadMetric)
            groups.setdefault(name if alone else member.identity, []).append(name)
        return list(groups.values())

    def measure_clip(
        self,
        names: Collection[str],
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        failures: dict[str, Exception] | None = None,
        per_frame: bool = False,
        around: Callable[[str], AbstractContextManager[Any]] = nullcontext,
        **inputs: Any,
    ) -> dict[str, Measurement]:
        """Measure one clip with several members at once, decoding it once; no member is changed.

        Args:
            names: the members, all of which read ``preds`` and ``target`` alike.
            preds: the generated clip, or its features.
            target: the real clip, or its features.
            failures: collects the members that cannot measure this clip, with the error, while the others go on;
                default: the first error is raised.
            per_frame: whether the scores hold the values of single frames.
            around: returns a context for each step of a member, by its name or, of members that share a state, by the
                name of the first.
            inputs: further arguments of the members.

        Returns:
            This clip's score, and what it adds to the state, by each member that measured it.
        """
        members = self.members()
        groups = {group[0]: [name for name in group if name in names] for group in self.compute_groups.values()}
        leaders = {leader: members[leader] for leader, group in groups.items() if group}
        failed: dict[str, Exception] = {}
        collected = None if failures is None else failed
        runs = measure_clip(leaders, preds, target, failures=collected, per_frame=per_frame, around=around, **inputs)
        measured: dict[str, Measurement] = {}
        for leader, run in runs.items():
            try:
                arrays = run.packed()
                measured |= {name: Measurement(members[name].score(run), arrays) for name in groups[leader]}
            except Exception as error:
                if failures is None:
                    raise
                failed[leader] = error
        if failures is not None:
            failures |= {name: error for leader, error in failed.items() for name in groups[leader]}
        return measured

    def add_clip(
        self,
        names: Collection[str],
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        failures: dict[str, Exception] | None = None,
        per_frame: bool = False,
        **inputs: Any,
    ) -> dict[str, ClipScore]:
        """Measure one clip with several members at once, as `measure_clip` does, and add it to them.

        Returns:
            This clip's score by each member that measured it.
        """
        measured = self.measure_clip(names, preds, target, failures=failures, per_frame=per_frame, **inputs)
        members = self.members()
        for leader, *group in self.compute_groups.values():
            given = next((measured[name] for name in (leader, *group) if name in measured), None)
            if given is not None:
                members[leader].merge_state({"sums": members[leader].unpacked(given.arrays).vector})
        self._link_states()
        return {name: each.score for name, each in measured.items()}

    def update(self, *args: Any, **inputs: Any) -> None:
        """Add clips to every member, or to none if one of them cannot take them.

        Args:
            args: the generated clip or clips and the real ones, as `TalkingHeadMetric.update` takes them.
            inputs: the same by name, and further arguments of members, torchmetrics' own included.

        Raises:
            InputError: if no member takes an input, or a member lacks one.
        """
        ours, theirs = self._arguments(args, inputs)
        leaders = [self[group[0]] for group in self.compute_groups.values()]
        with all_or_none(self.values(copy_state=False)):
            for member in leaders:
                positional, named = ours if isinstance(member, TalkingHeadMetric) else theirs
                member.update(*positional, **member._filter_kwargs(**named))
        for member in self.values(copy_state=False):
            member._computed = None
        self._groups_checked = True
        self._link_states()

    def forward(self, *args: Any, **inputs: Any) -> dict[str, Any]:
        """Return the metrics of this batch alone, and add the batch to every member's state."""
        ours, theirs = self._arguments(args, inputs)
        result: dict[str, Any] = {}
        with all_or_none(self.values(copy_state=False)):
            for name, member in self.items(keep_base=True, copy_state=False):
                positional, named = ours if isinstance(member, TalkingHeadMetric) else theirs
                value = member(*positional, **member._filter_kwargs(**named))
                result |= value if isinstance(value, dict) else {name: value}
        return {self._set_name(name): value for name, value in result.items()}

    def _link_states(self) -> None:
        """Make the members of a group refer to the state of the first."""
        self._state_is_copy = False
        self._compute_groups_create_state_ref()

    def _arguments(self, args: tuple[Any, ...], inputs: dict[str, Any]) -> tuple[_Call, _Call]:
        """Return the arguments for our members, and those for torchmetrics' own."""
        members = list(self.values(copy_state=False))
        for name in inputs.keys() - {"preds", "target"}:
            if not any(member._filter_kwargs(**{name: None}) for member in members):
                raise InputError(f"no metric of this collection takes `{name}`")
        if len(args) > 2 and self.members():
            raise InputError(f"update takes preds and target by position, got {len(args)} values; name the others")
        sides = dict(zip(("preds", "target"), args, strict=False)) | inputs
        for name in ("preds", "target"):
            if sides.get(name) is not None and _sees_frames(self.members().values(), name):
                clips = clips_from(sides[name], name)
                sides[name] = [clip.load() if isinstance(clip, Clip) else clip for clip in clips]
        return ((), sides), (args, inputs)


_Call: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]


def _sees_frames(members: Iterable[TalkingHeadMetric], side: str) -> bool:
    """Return whether ``side`` is read, by all its readers as frames."""
    readers = [member for member in members if side in member.inputs]
    return bool(readers) and all(member.extractor is not None or member.feature_shape is None for member in readers)
