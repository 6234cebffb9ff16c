"""The base of every metric.

A metric takes a clip in three steps: `begin`, `feed` (any number of chunks), `end`. `update` runs them in turn. Only
`end` touches the state, so a clip that breaks half-way leaves no trace. The state is one vector of float64 sums, so
that any number of processes, with any number of updates, none too, agree.
"""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchmetrics import Metric
from torchmetrics.utilities import rank_zero_warn

from thm_torchmetrics import catalog
from thm_torchmetrics.core.chunk import Chunk, Extractor
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.inputs import ClipInput, clips_from
from thm_torchmetrics.core.one_pass import stream
from thm_torchmetrics.core.precision import exact_arithmetic
from thm_torchmetrics.errors import InputError, MismatchError, MissingFaceError

Average: TypeAlias = Literal["frame", "clip", "track"]
Align: TypeAlias = Literal["error", "truncate"]
Missing: TypeAlias = Literal["skip", "error"]
Resize: TypeAlias = Literal["bilinear", "bicubic"]


class Tally(NamedTuple):
    """How much was measured: frames (clips, for lip sync) scored, of those aligned, and frames cut off by alignment."""

    scored: int
    aligned: int
    left_out: int


class Score(NamedTuple):
    """One clip's result: its value (None where nothing could be measured), frames scored, frames left out, detail."""

    value: float | None
    frames: int
    left_out: int
    detail: dict[str, Any] | None


class TalkingHeadMetric(Metric, ABC):
    """Base of all talking-head metrics; `thm_torchmetrics.kinds` has the kinds that a metric derives from.

    Args:
        protocol: the published procedure to follow; default: the first of ``protocols``.
        average: ``"frame"``: all frames of all clips weigh the same; ``"clip"``: mean of clip means; default: the
            protocol's own.
        align: what to do when prediction and target differ in length: ``"error"`` or ``"truncate"`` to the shorter
            (the rest is counted as left out).
        missing: what to do with a frame that cannot be scored (no face): ``"skip"`` and count it, or ``"error"``.
        resize: interpolation, ``"bilinear"`` or ``"bicubic"`` (antialiased), by which a prediction of another size is
            brought to the target's; default: a difference in size is an error.
        extractor: the network that feeds the metric; None: features are given instead of frames.
        kwargs: torchmetrics' own options (``sync_on_compute``, ``process_group``, ...).

    Raises:
        InputError: if an option has no such value.
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = None

    key: ClassVar[str] = ""
    """Name in the catalog."""
    unit: ClassVar[str] = ""
    """Unit of the value."""
    inputs: ClassVar[tuple[str, ...]] = ("preds", "target")
    """The arguments of ``update`` that are needed."""
    protocols: ClassVar[tuple[str, ...]] = ("default",)
    """The procedures that it follows, default first."""
    clip_average: ClassVar[tuple[str, ...]] = ()
    """The protocols whose own average is the mean of clip means."""
    averages: ClassVar[tuple[str, ...]] = ("frame", "clip")
    """The values of ``average`` that it knows."""
    feature_shape: ClassVar[tuple[int | None, ...] | None] = None
    """Shape of one row where features, not frames, are given."""
    paired: ClassVar[bool] = True
    """Whether frame i of the prediction is compared with frame i of the target."""
    pooled: ClassVar[bool] = False
    """Whether it is one number over all frames, with none per clip."""

    coverage: float
    """Share of what could have been scored that was, over all ranks; set by ``compute()``, NaN before it."""

    def __init_subclass__(cls, key: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if key is None:
            return
        row = catalog.find(key)
        cls.key, cls.unit, cls.inputs, cls.protocols = row.key, row.unit, row.inputs, row.protocols
        cls.clip_average = row.clip_average
        cls.higher_is_better = row.higher_is_better
        cls.plot_lower_bound = row.low if row.low > -float("inf") else None
        cls.plot_upper_bound = row.high if row.high < float("inf") else None

    def __init__(
        self,
        *,
        protocol: str | None = None,
        average: Average | None = None,
        align: Align = "error",
        missing: Missing = "skip",
        resize: Resize | None = None,
        extractor: Extractor | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.protocol = _one_of("protocol", protocol or self.protocols[0], self.protocols)
        default = "clip" if self.protocol in self.clip_average else "frame"
        self.average = _one_of("average", average or default, self.averages)
        self.align = _one_of("align", align, ("error", "truncate"))
        self.missing = _one_of("missing", missing, ("skip", "error"))
        self.resize = _one_of("resize", resize, (None, "bilinear", "bicubic"))
        self.extractor: Any = extractor
        self.coverage = float("nan")
        self._pending: Tensor | None = None
        self._lengths = [0, 0]

    def _allocate(self, size: int, family: str, **options: Any) -> None:
        """Add the state: a vector of ``size`` sums.

        Its name is made of the family and of everything that changes what ``update`` does, because torchmetrics
        merges metrics whose states look equal: equal names must mean equal updates.
        """
        names = ("protocol", "average", "align", "missing", "resize", "extractor")
        self._settings = {name: getattr(self, name) for name in names} | options
        digest = hashlib.sha256(repr(self._settings).encode()).hexdigest()[:12]
        self._state_name = f"{family}_sums_{digest}"
        self.add_state(self._state_name, torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")

    def settings(self) -> dict[str, str | int | float | bool | None]:
        """Everything that the metric was made with, for reports."""
        plain = (str, int, float, bool, type(None))
        return {name: value if isinstance(value, plain) else str(value) for name, value in self._settings.items()}

    @classmethod
    def accepts(cls, option: str) -> bool:
        """Whether the constructor has an option of this name, its own or a parent's."""
        parents = [parent for parent in cls.__mro__ if issubclass(parent, TalkingHeadMetric)]
        return any(option in inspect.signature(parent.__init__).parameters for parent in parents)

    @property
    def sums(self) -> Tensor:
        """The state: one vector of float64 sums."""
        state: Tensor = getattr(self, self._state_name)
        return state

    # ---- taking clips

    def update(self, preds: ClipInput = None, target: ClipInput = None) -> None:
        """Add clips.

        Args:
            preds: the generated clip or clips: a `Clip`, a list of Clips, or a tensor ``(T, 3, H, W)`` or
                ``(B, T, 3, H, W)``, RGB, uint8 0..255 or float 0..1.
            target: the real clip or clips, likewise.

        Raises:
            InputError: if a needed input is missing or of another shape, dtype or range.
            MismatchError: if lengths or sizes differ and the metric was not told what to do about it.
        """
        self._take(preds, target)

    def _take(self, preds: ClipInput, target: ClipInput, **inputs: Any) -> None:
        for pair in self._pair(preds, target):
            stream({self.key: self}, *pair, **inputs)

    def _pair(self, preds: ClipInput, target: ClipInput) -> Iterator[tuple[AnyClip | None, AnyClip | None]]:
        shape = self.feature_shape if self.extractor is None else None
        sides: list[list[AnyClip]] = []
        for side, value in (("preds", preds), ("target", target)):
            name = self._argument(side)
            if name and value is None:
                raise InputError(f"{type(self).__name__} needs `{name}`, which was not given")
            sides.append(clips_from(value, name, shape) if name else [])
        if self.paired and self.takes("target") and len(sides[0]) != len(sides[1]):
            raise MismatchError(f"preds holds {len(sides[0])} clips and target {len(sides[1])}; they must be paired")
        yield from zip_longest(*sides)

    def _argument(self, side: str) -> str:
        """The argument of ``update`` that is, or stands for, ``"preds"`` or ``"target"``; empty if there is none."""
        return next((name for name in self.inputs if name.partition("_")[0] == side), "")

    def takes(self, side: str) -> bool:
        """Whether the metric looks at ``"preds"`` or at ``"target"``: at that clip or at its features."""
        return bool(self._argument(side))

    def begin(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> None:
        """Start a clip.

        Raises:
            MismatchError: if the clips are known to differ in length and ``align="error"``.
        """
        if self._is_synced:
            raise InputError("the metric is synced; call `unsync` before adding clips")
        self._pending = torch.zeros_like(self.sums)
        self._lengths = [0, 0]
        if self.takes("target") and preds is not None and target is not None and preds.length and target.length:
            self._check_lengths(preds.length, target.length)

    def feed(self, preds: Chunk | None = None, target: Chunk | None = None) -> None:
        """Take the next chunk: the same rows of both clips; a side that has ended is None or shorter."""
        if self._pending is None:
            raise InputError("call `begin` before `feed`")
        sides = [None if side is None else side.to(self.device) for side in (preds, target)]
        for i, side in enumerate(sides):
            self._lengths[i] += 0 if side is None else len(side)
        with exact_arithmetic(self.device):
            added = self._measure(*sides)
        if added is not None:
            self._pending += added.to(self._pending.device)

    def end(self) -> Tensor:
        """Finish the clip: add its sums to the state, and return them for `score`.

        Raises:
            MismatchError: if the clips turned out to differ in length and ``align="error"``.
        """
        clip = self._close()
        self._add(clip)
        return clip

    def abort(self) -> None:
        """Forget the clip that was begun."""
        self._pending = None

    def _close(self) -> Tensor:
        if self._pending is None:
            raise InputError("call `begin` before `end`")
        if self.takes("target"):
            self._check_lengths(*self._lengths)
        clip, self._pending = self._pending, None
        self._finish(clip)
        if self.missing == "error":
            tally = self.tally(clip)
            if tally.scored < tally.aligned:
                raise MissingFaceError(
                    f"{type(self).__name__}: {tally.aligned - tally.scored} of {tally.aligned} could not be scored"
                )
        return clip

    def _add(self, clip: Tensor) -> None:
        setattr(self, self._state_name, self.sums + self._contribution(clip))
        self._computed = None
        self._update_count = max(self._update_count, 1)

    def _check_lengths(self, preds: int, target: int) -> None:
        if self.paired and preds != target and self.align == "error":
            raise MismatchError(
                f"the prediction has {preds} frames and the target {target}; "
                'pass align="truncate" to compare the first frames of both'
            )

    def _matched(self, preds: Chunk | None, target: Chunk | None) -> tuple[Chunk, Chunk] | None:
        """The rows that both sides have."""
        if preds is None or target is None:
            return None
        count = min(len(preds), len(target))
        return preds.head(count), target.head(count)

    def _features(self, chunk: Chunk) -> Tensor:
        """A chunk's features in float64: given ones, or those of the extractor."""
        features = chunk.rows if self.extractor is None else chunk.features(self.extractor)
        return features.to(torch.float64)

    def _same_size(self, preds: Chunk, target: Chunk) -> Chunk:
        """The prediction's frames in the target's size.

        Raises:
            MismatchError: if they differ in size and the metric has no ``resize``.
        """
        size = target.rows.shape[-2:]
        if preds.rows.shape[-2:] == size:
            return preds
        mode = self.resize
        if mode is None:
            (height, width), (target_height, target_width) = preds.rows.shape[-2:], size
            raise MismatchError(
                f"the prediction is {width}x{height} and the target {target_width}x{target_height}; "
                'pass resize="bilinear" to bring the prediction to the target\'s size'
            )

        def resized() -> Chunk:
            frames = interpolate(preds.as_float(), size, mode=mode, antialias=True).clamp(0, 1)
            return Chunk(frames, preds.start, preds.times)

        chunk: Chunk = preds.remember(("resized", tuple(size), mode), resized)
        return chunk

    # ---- results

    @abstractmethod
    def _measure(self, preds: Chunk | None, target: Chunk | None) -> Tensor | None:
        """The sums of one pair of chunks, as long as the state; None if there is nothing to add."""

    @abstractmethod
    def _value(self, sums: Tensor) -> Tensor:
        """The metric, 0-d float64, of a state or of one clip's sums; NaN if nothing was scored."""

    @abstractmethod
    def tally(self, sums: Tensor) -> Tally:
        """How much went into a state or into one clip's sums."""

    @abstractmethod
    def _finish(self, clip: Tensor) -> None:
        """Write what is known only at the clip's end, its lengths, into the clip's sums."""

    def _contribution(self, clip: Tensor) -> Tensor:
        """What one clip adds to the state."""
        return clip

    def _detail(self, sums: Tensor) -> dict[str, Any] | None:
        """More than the value, for reports."""
        return None

    def compute(self) -> Tensor:
        """The metric over everything added so far, on all processes: 0-d float64 (float32 on MPS).

        NaN, with one warning, if nothing was scored.
        """
        sums = self.sums
        value = self._value(sums)
        tally = self.tally(sums)
        self.coverage = tally.scored / tally.aligned if tally.aligned else float("nan")
        if torch.isnan(value):
            rank_zero_warn(f"{type(self).__name__} is NaN: {self._why_nan(tally)}", stacklevel=3)
        return value.to(torch.float32) if self.device.type == "mps" else value

    def _why_nan(self, tally: Tally) -> str:
        if not tally.aligned:
            return "nothing was added to it"
        return f"{tally.scored} of {tally.aligned} were scored, too few for a value"

    def score(self, clip: Tensor) -> Score:
        """One clip's result, of the sums that `end` returned."""
        value = float(self._value(clip))
        tally = self.tally(clip)
        return Score(None if value != value else value, tally.scored, tally.left_out, self._detail(clip))

    def detail(self) -> dict[str, Any] | None:
        """More than the value of everything added so far on this process, for reports."""
        return self._detail(self.sums)

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Plot one value or a list of values as torchmetrics' metrics do; returns figure and axes."""
        return self._plot(val, ax)

    # ---- how torchmetrics' own mechanics are bent

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The metric of this batch alone; the batch is added to the state as well. Builds no graph."""
        with torch.no_grad():
            return super().forward(*args, **kwargs)

    def reset(self) -> None:
        """Forget everything added so far."""
        super().reset()
        self._pending = None
        self.coverage = float("nan")

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add another metric's state, or a dict of its state, to this one."""
        super().merge_state(incoming_state)
        self._computed = None
        self._update_count += incoming_state.update_count if isinstance(incoming_state, Metric) else 1

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = super()._wrap_compute(compute)

        def quiet(*args: Any, **kwargs: Any) -> Any:
            # torchmetrics warns of compute before update, which an empty rank does rightly
            count, self._update_count = self._update_count, max(self._update_count, 1)
            try:
                return wrapped(*args, **kwargs)
            finally:
                self._update_count = count

        return quiet

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = "") -> torch.nn.Module:
        """Follow a move to another device, not a cast; sums stay float64, for MPS, which has none, on the CPU."""
        if self._dtype_convert:
            return super()._apply(fn, exclude_state)
        device = fn(torch.empty(0, dtype=torch.float32, device=self.device)).device
        home = torch.device("cpu") if device.type == "mps" else device
        this = super()._apply(lambda tensor: tensor.to(home), exclude_state)
        self._device = device
        return this


def _one_of(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    if value not in allowed:
        raise InputError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value
