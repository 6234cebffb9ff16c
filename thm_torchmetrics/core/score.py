"""What a metric says of one clip, and how much it measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Tally(NamedTuple):
    """How much was measured.

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
    """One metric of one clip.

    Attributes:
        value: the value, None where nothing could be measured.
        frames: frames scored (clips, for lip sync).
        left_out: frames cut off by alignment.
        detail: more than the value, by metric.
    """

    value: float | None
    frames: int
    left_out: int
    detail: Mapping[str, Any] | None = None
