"""`TalkingHeadMetric` is the base class of every metric."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from numbers import Integral
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from thm_torchmetrics import catalog
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import ClipInput, clips_from
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.core.options import OptionsMetric
from thm_torchmetrics.core.score import ClipScore, Tally
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.core.warn import warn_caller
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.checks import finite_or_nan

Average: TypeAlias = Literal["frame", "clip", "track"]
Align: TypeAlias = Literal["error", "truncate", "time", "delay"]
Missing: TypeAlias = Literal["skip", "error"]
Resize: TypeAlias = Literal["bilinear", "bicubic"]

_SIDES = {"preds": "preds", "preds_au": "preds", "target": "target", "target_au": "target"}


class TalkingHeadMetric(OptionsMetric):
    """Every talking-head metric derives from this class, most by `FrameMean`.

    As input to ``forward`` and ``update`` a metric accepts ``preds`` and, if it compares with real frames, ``target``,
    as `update` describes them; a ``target`` that it does not read is ignored. With ``extractor=None`` the input is
    features, whose shape the class gives. A row that holds NaN or infinity is a frame without a face, which is counted
    and not scored. As output a metric returns a 0-d float64 tensor (float32 on MPS), NaN with one warning if nothing
    was scored.

    The state is one vector of float64 sums, so that any number of processes, with any number of updates, agree. A
    `ClipRun` measures a clip (`start`, its ``add`` and ``finish``), and `add` adds its sums to the state; `update` does
    all of it.

    Options are fixed when the metric is made; metrics share a state only if class and options are equal.

    Args:
        protocol: the published procedure to follow; default: the first of ``protocols``.
        average: ``"frame"``: all frames of all clips weigh the same; ``"clip"``: mean of clip means; default: the
            protocol's own.
        align: treatment of clips that differ in length or frame rate: ``"error"``; ``"truncate"``: frame i is compared
            with frame i to the end of the shorter; ``"time"``: each target frame is compared with the predicted frame
            on display at its time, both clocks starting with the first frames; ``"delay"``: frame i is compared with
            frame i + k, where k, at most 10 either way, is the delay of the prediction by `core.delays.measure_delay`,
            which reports give in the ``detail`` of the clip. The rest is counted as left out.
        missing: treatment of a frame that cannot be scored (no face): ``"skip"`` and count it, or ``"error"``.
        resize: interpolation, ``"bilinear"`` or ``"bicubic"`` (antialiased), by which a prediction of another size is
            brought to the target's; default: a difference in size is an error.
        kwargs: torchmetrics' own options (``sync_on_compute``, ``process_group``, ...).

    Raises:
        InputError: if an option has no such value.
        WeightsNotFoundError: if a checkpoint of the extractor is absent and cannot be downloaded.
        MissingExtraError: if a package of the extractor is not installed.
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = None

    key: ClassVar[str] = ""
    """Name in the catalog."""
    unit: ClassVar[str] = ""
    """Unit of the value."""
    protocols: ClassVar[tuple[str, ...]] = ("default",)
    """The published procedures that the metric follows, default first."""
    procedures: ClassVar[Mapping[str, Any]] = {}
    """What each protocol of the catalog does, by name; one that is absent cannot run."""
    averages: ClassVar[tuple[str, ...]] = ("frame", "clip")
    """The values of ``average``."""
    paired: ClassVar[bool] = True
    """Whether every clip of the prediction has a target of its own."""
    pooled: ClassVar[bool] = False
    """Whether the metric is one number over all frames, with none per clip."""
    sound_rate: ClassVar[int | None] = None
    """Samples per second of the sound that is read beside given features; None if none is read."""

    inputs: tuple[str, ...] = ("preds", "target")
    """The arguments of ``update`` that are needed."""
    inputs_of_features: ClassVar[tuple[str, ...] | None] = None
    """Those that are needed where features are given, if they are others."""
    counted: str = "frames"
    """What `Tally` counts: frames, or whole clips."""
    feature_shape: tuple[int | None, ...] | None = None
    """Shape of one row of given features; None if the metric takes frames only."""
    extractor: Any = None
    """The extractor of the features; None if they are given, or if there are none."""

    _row: ClassVar[catalog.Row | None] = None

    def __init_subclass__(cls, key: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if key is None:
            return
        cls._row = row = catalog.find_row(key)
        cls.key, cls.inputs, cls.protocols = row.key, row.inputs, row.protocols
        cls._published = {each.name: each.options for each in row.published} | {None: row.published[0].options}
        for name, value in _constants(row.scale_of()).items():
            setattr(cls, name, value)

    def __init__(
        self,
        *,
        protocol: str | None = None,
        average: Average | None = None,
        align: Align = "error",
        missing: Missing = "skip",
        resize: Resize | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.protocol = one_of("protocol", protocol or self.protocols[0], self.protocols)
        if self._row is not None and self.protocol not in self.procedures:
            raise InputError(
                f"the catalog names the protocol {self.protocol!r} of {self.key}, but no code computes it; add it to "
                f"{type(self).__name__}.procedures"
            )
        default = "frame" if self._row is None else self._row.protocol(self.protocol).average
        self.average = one_of("average", average or default, self.averages)
        self.align = one_of("align", align, get_args(Align))
        self.missing = one_of("missing", missing, ("skip", "error"))
        self.resize = one_of("resize", resize, (None, "bilinear", "bicubic"))

    # ---- measuring

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side.

        Args:
            side: ``"preds"`` or ``"target"``.

        Returns:
            The name; None if the metric does not read the side.
        """
        return next((name for name in self.inputs if _SIDES.get(name) == side), None)

    def reads(self, side: str) -> bool:
        """Return whether the metric reads ``"preds"`` or ``"target"``, as frames or as features."""
        return self._arguments[side] is not None

    def _seal(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super()._seal(args, kwargs)
        self._arguments = {side: self.argument(side) for side in ("preds", "target")}
        self._label = self.key if len(self.protocols) == 1 else f"{self.key}:{self.protocol}"
        scale = None if self._row is None else self._row.protocol(self.protocol).scale
        if scale is not None:
            vars(self).update(_constants(scale))  # torchmetrics refuses to set some of them
            self._fixed |= {"unit"}
        self._label += f" [{self.unit}]" if self.unit else ""

    def update(self, preds: ClipInput = None, target: ClipInput = None) -> None:
        """Add clips, all of them or, if one cannot be measured, none.

        Args:
            preds: the generated clip or clips: a `Clip`, a list of Clips, or a tensor ``(T, 3, H, W)`` or
                ``(B, T, 3, H, W)``, RGB, uint8 0..255 or float 0..1; with ``extractor=None`` its features, one row per
                frame.
            target: the real clip or clips, likewise.

        Raises:
            InputError: if a needed input is missing or of another shape, dtype or range.
            MismatchError: if lengths, frame rates (by more than 1 %) or sizes differ and no option allows it, or if a
                target of one frame stands beside a longer prediction in a metric that compares frame by frame.
        """
        for pair in self.pairs(preds, target):
            self.measure(*pair)

    def measure(self, preds: AnyClip | None, target: AnyClip | None = None, **inputs: Any) -> None:
        """Measure one clip and add it."""
        if self._is_synced:
            raise InputError("the metric is synced; call `unsync` before adding clips")
        (run,) = measure_clip({self.key: self}, preds, target, **inputs).values()
        self.add(run.sums)

    def pairs(self, preds: ClipInput, target: ClipInput) -> Iterator[tuple[AnyClip | None, AnyClip | None]]:
        """Yield the clips of both sides together; a side that is not read is None."""
        shape = self.feature_shape if self.extractor is None else None
        sides: list[list[AnyClip]] = []
        for side, value in (("preds", preds), ("target", target)):
            name = self._arguments[side]
            if name and value is None:
                raise InputError(f"{type(self).__name__} needs `{name}`, which was not given")
            sides.append(clips_from(value, name, shape) if name else [])
        if self.paired and self.reads("target") and len(sides[0]) != len(sides[1]):
            raise MismatchError(f"preds holds {len(sides[0])} clips and target {len(sides[1])}; they must be paired")
        yield from zip_longest(*sides)

    def features(self, chunk: Chunk) -> Tensor:
        """Return a chunk's features in float64, by the extractor or as they were given."""
        features = chunk.rows if self.extractor is None else chunk.features(self.extractor)
        return finite_or_nan(features).to(torch.float64)

    @property
    def frame_by_frame(self) -> bool:
        """Return whether every frame of the prediction is compared with a target frame of its own."""
        return self.paired and self.reads("target")

    def add(self, sums: Sums) -> None:
        """Add the sums of a finished run to the state."""
        attributes = vars(self)  # skips nn.Module's checks on every assignment
        attributes[self._state_name] = self.merged(attributes[self._state_name], self.contribution(sums).vector)
        attributes["_computed"] = None
        attributes["_update_count"] = max(self._update_count, 1)

    # ---- defined by each metric

    @abstractmethod
    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""

    @abstractmethod
    def value(self, sums: Sums) -> Tensor:
        """Return the metric of the state or of one clip's sums, 0-d float64.

        It is NaN if nothing was scored.
        """

    def contribution(self, sums: Sums) -> Sums:
        """Return the sums that one clip adds to the state; by default its own."""
        return sums

    def tally(self, sums: Sums) -> Tally:
        """Count the frames in the state or in one clip's sums."""
        return Tally(*(int(count) for count in torch.stack([sums.scored, sums.aligned, sums.left_out]).tolist()))

    def details(self, sums: Sums) -> dict[str, Any] | None:
        """Return results beyond the value, for reports."""
        return None

    # ---- results

    def compute(self) -> Tensor:
        """Return the metric of everything added so far, on all processes.

        It is 0-d float64 (float32 on MPS); NaN, with one warning, if nothing was scored.
        """
        sums = self.named(self.sums)
        value = self.value(sums)
        tally = self.tally(sums)
        self._coverage = tally.scored / tally.aligned if tally.aligned else float("nan")
        if torch.isnan(value):
            warn_caller(f"{type(self).__name__} is NaN: {self.why_nan(sums)}")
        return value.to(torch.float32) if self.device.type == "mps" else value

    def why_nan(self, sums: Sums) -> str:
        """Return why the state or one clip's sums have no value, in plain words."""
        tally = self.tally(sums)
        if not tally.aligned:
            return "nothing was added to it"
        return f"{tally.scored} of {tally.aligned} were scored, too few for a value"

    def score(self, run: ClipRun[Any]) -> ClipScore:
        """Return the score of one clip from its finished run."""
        value = float(self.value(run.sums))
        tally = run.tally(self)
        detail = run.detail or self.details(run.sums)
        why = None if value == value else run.why or self.why_nan(run.sums)
        per_frame = run.per_frame(self)
        return ClipScore(value if value == value else None, tally.scored, tally.left_out, detail, why, per_frame)

    def detail(self) -> dict[str, Any] | None:
        """Return results beyond the value, of everything added so far on this process."""
        return self.details(self.named(self.sums))


def _constants(scale: catalog.Scale) -> dict[str, Any]:
    """Return the constants by which torchmetrics, reports and plots read a value."""
    return {
        "higher_is_better": scale.higher_is_better,
        "unit": scale.unit,
        "plot_lower_bound": scale.low if scale.low > -float("inf") else None,
        "plot_upper_bound": scale.high if scale.high < float("inf") else None,
    }


def one_of(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    """Return the value of an option.

    Raises:
        InputError: if it is none of those allowed.
    """
    if value not in allowed:
        raise InputError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def whole_number(name: str, value: Any, least: int) -> int:
    """Return the value of an option.

    Raises:
        InputError: if it is no whole number, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise InputError(f"{name} must be at least {least}, got {value}")
    return int(value)
