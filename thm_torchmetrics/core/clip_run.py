"""A run takes one clip through one metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clocks import check_rates
from thm_torchmetrics.core.delays import Delay
from thm_torchmetrics.core.precision import exact_arithmetic
from thm_torchmetrics.core.score import Tally
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.errors import MismatchError, MissingFaceError


class RunMetric(Protocol):
    """A run needs this interface of its metric; `TalkingHeadMetric` has it."""

    align: Any
    missing: Any

    @property
    def device(self) -> torch.device:
        """Return the device on which the metric computes."""

    @property
    def sums(self) -> Tensor:
        """Return the state."""

    @property
    def frame_by_frame(self) -> bool:
        """Return whether every frame of the prediction is compared with a target frame of its own."""

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side."""

    def reads(self, side: str) -> bool:
        """Return whether the metric reads ``"preds"`` or ``"target"``."""

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""

    def named(self, vector: Tensor) -> Sums:
        """Return the sums in a vector by name."""

    def tally(self, sums: Sums) -> Tally:
        """Count the frames that were measured."""

    def contribution(self, sums: Sums) -> Sums:
        """Return the sums that one clip adds to the state."""


M = TypeVar("M", bound=RunMetric)


def has_delay(metric: RunMetric) -> bool:
    """Return whether a metric sees the delay of frames behind those of the target.

    That is so where frame is compared with frame, and not with sound, whose delay is a metric of its own.
    """
    return metric.frame_by_frame and metric.argument("target") != "audio"


class ClipRun(Generic[M]):
    """A run takes one clip through one metric.

    `add` takes the clip's chunks, and `finish` returns its sums, which `TalkingHeadMetric.add` adds to the state.
    Everything that is true only while the clip is measured lives here. A run that breaks is dropped and leaves no trace
    in the metric.

    Args:
        metric: the metric; the run reads its options and does not change it.
        preds: the generated clip, if it is known at the start.
        target: the real clip, likewise.

    Attributes:
        why: the reason why the clip has no value, where the run knows more than the sums tell; set by `finish`.
        sums: the sums that the clip adds to the metric's state.
        lengths: rows seen of each side.
        by_time: whether the target's frames are compared with the predicted frames on display at their times.
        by_delay: whether frames are compared after the delay of the prediction is taken out.
        delay: that delay; set before chunks are added.
        detail: results beyond the sums, for reports; set by `finish`.
        reads_chunks: whether the run uses the chunks. A run that reads the file itself does not, and nothing is decoded
            for it.
        kept: what is kept of single frames, by name; None if nothing is, which is the default.

    Raises:
        MismatchError: if the clips are known to differ in length or frame rate and the metric has ``align="error"``.
    """

    reads_chunks = True
    detail: dict[str, Any] | None = None
    why: str = ""
    kept: dict[str, list[Tensor]] | None = None

    def __init__(self, metric: M, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        self.metric = metric
        self.lengths = [0, 0]
        self.by_time = metric.frame_by_frame and metric.align == "time"
        self.by_delay = has_delay(metric) and metric.align == "delay"
        self.delay: Delay | None = None
        self.sums: Sums = metric.named(torch.zeros_like(metric.sums))
        if metric.reads("target") and preds is not None and target is not None:
            if metric.frame_by_frame and metric.align in ("error", "delay"):
                check_rates(preds.rate, target.rate)
            if preds.length and target.length and not self.by_time:
                self.check_lengths(preds.length, target.length)

    def add(self, preds: Chunk | None = None, target: Chunk | None = None) -> None:
        """Add the same rows of both clips; a side that has ended is None or shorter."""
        device = self.metric.device
        if preds is not None:
            preds = preds.to(device)
            self.lengths[0] += len(preds)
        if target is not None:
            target = target.to(device)
            self.lengths[1] += len(target)
        self._keep_times(preds, target)
        with exact_arithmetic(device):
            self.measure(preds, target)

    def keep(self, **rows: Tensor) -> None:
        """Keep a value or a row of each of the next frames, by name, if the caller of the run asks for them."""
        if self.kept is not None:
            for name, values in rows.items():
                self.kept.setdefault(name, []).append(values.cpu().to(torch.float64))

    def per_frame(self, metric: M) -> dict[str, list[float | None]] | None:
        """Return the values of single frames by name, None if they were not kept or the metric has none.

        ``time`` is that of each frame in seconds; it is absent where the values are not those of single frames of the
        file.

        Args:
            metric: the metric, or another one that shares its state.
        """
        rows = {name: torch.cat(parts) for name, parts in (self.kept or {}).items()}
        times = rows.pop("time", torch.zeros(0))
        found = self.series(rows, metric)
        if found and all(len(values) == len(times) for values in found.values()):
            found = {"time": times, **found}
        return {name: values.tolist() for name, values in found.items()} or None

    def series(self, rows: Mapping[str, Tensor], metric: Any) -> dict[str, Tensor]:
        """Return the values ``(n,)`` of single frames by name, from what the run kept of them."""
        return {}

    def _keep_times(self, preds: Chunk | None, target: Chunk | None) -> None:
        if self.kept is None:
            return
        shown = preds
        if self.metric.frame_by_frame:
            shown = None if preds is None or target is None else min(target, preds, key=len)
        if shown is not None:
            self.keep(time=torch.tensor(shown.times, dtype=torch.float64))

    def finish(self) -> Sums:
        """Return the sums that the clip adds to the metric's state.

        Raises:
            MismatchError: if the clips differ in length and the metric has ``align="error"``.
            MissingFaceError: if a frame could not be scored and the metric has ``missing="error"``.
        """
        if self.metric.reads("target"):
            self.check_lengths(*self.lengths)
        with exact_arithmetic(self.metric.device):
            self.close()
        if self.delay is not None:
            self.sums.left_out += self.delay.left_out
            self.detail = {**(self.detail or {}), "delay": self.delay.frames}
        if self.metric.missing == "error":
            tally = self.tally(self.metric)
            if tally.scored < tally.aligned:
                raise MissingFaceError(
                    f"{type(self.metric).__name__}: {tally.aligned - tally.scored} of {tally.aligned} could not be "
                    'scored; pass missing="skip" to leave them out'
                )
        return self.sums

    def check_lengths(self, preds: int, target: int) -> None:
        """Raise an error if clips of these lengths cannot be compared.

        Raises:
            MismatchError: if they differ, the metric compares frame by frame, and ``align="error"``; or if the target
                is one frame beside a longer prediction.
        """
        if not self.metric.frame_by_frame or preds == target:
            return
        if target == 1 < preds:
            raise MismatchError(
                f"the target is one frame beside {preds} of the prediction, and {type(self.metric).__name__} "
                'compares frame by frame; give the real video, or measure csim with reference="image"'
            )
        if self.metric.align == "error":
            raise MismatchError(
                f"the prediction has {preds} frames and the target {target}; "
                'pass align="truncate" to compare the first frames of both'
            )

    def tally(self, metric: M) -> Tally:
        """Count the frames of the clip that were measured.

        Args:
            metric: the metric, or another one that shares its state.
        """
        return metric.tally(self.sums)

    def packed(self) -> dict[str, Tensor]:
        """Return what the clip adds to the metric's state as arrays, to be stored or sent.

        `OptionsMetric.unpacked` reads them.
        """
        return {"sums": self.metric.contribution(self.sums).vector}

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the values of one pair of chunks, on the metric's device, to `sums`."""

    def close(self) -> None:
        """Add the counts that are known at the end of the clip, frames aligned and left out."""
        preds, target = self.lengths if self.metric.reads("target") else self.lengths[:1] * 2
        self.sums.aligned = min(preds, target)
        if preds != target:
            self.sums.left_out = abs(preds - target)
