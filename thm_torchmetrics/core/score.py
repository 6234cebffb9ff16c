"""A score is the result of a metric for one clip, with the counts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Tally(NamedTuple):
    """A tally counts the frames that were measured.

    Attributes:
        scored: frames with a value (clips, for lip sync).
        aligned: frames that could have had one.
        left_out: frames cut off by alignment.
    """

    scored: int
    aligned: int
    left_out: int


@dataclass(frozen=True)
class ClipScore:
    """A clip score is the value of one metric for one clip.

    Attributes:
        value: the value, None where nothing could be measured.
        frames: frames scored (clips, for lip sync).
        left_out: frames cut off by alignment.
        detail: further results, which depend on the metric.
        why: the reason, in plain words, where nothing could be measured.
        per_frame: values of single frames, NaN where a frame has none, if they were kept: ``value``, or ``preds`` and
            ``target`` where a metric is a statistic of two series; and the ``time`` of each frame in seconds.
    """

    value: float | None
    frames: int
    left_out: int
    detail: Mapping[str, Any] | None = None
    why: str | None = None
    per_frame: Mapping[str, list[float | None]] | None = None


class Measurement(NamedTuple):
    """A measurement is what one metric found of one clip.

    Attributes:
        score: the score of the clip.
        arrays: what the clip adds to the metric's state, as `ClipRun.packed` returns it.
    """

    score: ClipScore
    arrays: Mapping[str, Tensor]
