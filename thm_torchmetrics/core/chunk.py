"""A chunk holds consecutive frames of a clip, and the features computed from them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.checks import check_frames, check_numbers, in_range

CHUNK_FRAMES = 64
CHUNK_VALUES = 2**25
"""A chunk holds at most this many frames and this many pixel values (of one side), whichever is fewer."""


def frames_per_chunk(values: int) -> int:
    """Return the number of frames of a chunk, by the number of pixel values of one frame.

    Example:
        >>> frames_per_chunk(3 * 256 * 256), frames_per_chunk(3 * 1080 * 1920)
        (64, 5)
    """
    return max(1, min(CHUNK_FRAMES, CHUNK_VALUES // values))


class FeatureExtractor(Protocol):
    """An extractor turns a chunk into one row of features per frame.

    Equal extractors give equal features.
    """

    def __hash__(self) -> int: ...

    def extract(self, chunk: Chunk) -> Tensor:
        """Return features ``(n, ...)`` of the chunk's frames, NaN in rows of frames that have none."""


Extract: TypeAlias = "Callable[[FeatureExtractor, Chunk], Tensor]"
"""Returns an extractor's features of a chunk."""


def check_features(extractor: object, features: object, count: int) -> Tensor:
    """Return an extractor's output.

    Raises:
        InputError: if it is not a tensor of real numbers with a row for each of ``count`` frames.
    """
    if not isinstance(features, Tensor) or features.ndim == 0 or len(features) != count:
        given = tuple(features.shape) if isinstance(features, Tensor) else f"a {type(features).__name__}"
        raise InputError(
            f"the network {extractor} must return a tensor with a row for each of {count} frames, got {given}; "
            "wrap it in a module that does"
        )
    check_numbers(f"features of {extractor}", features)
    return features


def list_counts(counts: Mapping[str, int]) -> str:
    """Return reasons with their numbers in words.

    Example:
        >>> list_counts({"no face": 2, "too short": 1})
        'no face: 2, too short: 1'
    """
    return ", ".join(f"{reason}: {count}" for reason, count in counts.items())


def why_missing(
    extractor: object, missing: int, seen: int, unusable: str = "NaN or infinity", unit: str = "frame"
) -> str:
    """Return why frames have no features, in words.

    Args:
        extractor: the extractor, which may give the cause in its attribute ``why_missing``; None if features are given.
        missing: the number of frames without features.
        seen: the number of all frames.
        unusable: the contents of a given row that cannot be measured.
        unit: ``"frame"``, or ``"clip"`` where each has one row.

    Example:
        >>> why_missing(None, 3, 3)
        'all 3 rows of the features hold NaN or infinity'
    """
    share = f"{missing} of {seen}"
    if extractor is None:
        rows = f"all {seen}" if missing == seen else share
        whole = "the one row of the features holds" if seen == 1 else f"{rows} rows of the features hold"
        return f"{whole} {unusable}"
    cause = getattr(extractor, "why_missing", f"the network {extractor} gave NaN or infinity")
    return f"{cause} in {seen if missing == seen else share} {unit}{'s' * (seen != 1)}"


class Chunk:
    """A chunk holds consecutive frames of one clip, or rows of given features.

    It caches the results that are computed from it.

    Args:
        rows: frames ``(n, 3, H, W)``, RGB, uint8 or float 0..1; or features, one row per frame.
        start: index of the first row in its clip.
        times: presentation time of each row in seconds.
        extract: returns an extractor's features of a chunk, where they may be known already; default: the extractor
            computes them.

    Raises:
        InputError: if the rows are no real numbers in a dense tensor; if float frames are NaN or lie outside 0..1 by
            more than 1e-4; within that they are clamped.
    """

    def __init__(
        self,
        rows: Tensor,
        start: int = 0,
        times: Sequence[float] = (),
        *,
        extract: Extract | None = None,
        _parent: Chunk | None = None,
        _checked: bool = False,
    ) -> None:
        if not _checked and not rows.is_meta:  # a clip may be moved to meta; `to` raises where it is to be read
            if rows.ndim == 4 and rows.shape[1] == 3:
                check_frames("frames", rows)
                rows = in_range("frames", rows)
            else:
                check_numbers("features", rows)
        self.rows = rows
        self.start = start
        self.times = times
        self._extract = extract
        self._parent = _parent
        self._cache: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self.rows.shape[0]

    def head(self, count: int) -> Chunk:
        """Return the first ``count`` rows; features are still computed once, for the whole chunk."""
        if count >= len(self):
            return self
        return Chunk(self.rows[:count], self.start, self.times[:count], _parent=self, _checked=True)

    def to(self, device: torch.device) -> Chunk:
        """Return the chunk on a device; repeated calls move it once.

        Raises:
            InputError: if its rows hold no values to be moved.
        """
        if self.rows.device == device:
            return self
        check_numbers("frames", self.rows)
        moved: Chunk = self.cached(
            ("device", device),
            lambda: Chunk(
                self.rows.to(device, non_blocking=True), self.start, self.times, extract=self._extract, _checked=True
            ),
        )
        return moved

    def cached(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return the value under ``key``, computed at the first call."""
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]

    def features(self, extractor: FeatureExtractor) -> Tensor:
        """Return an extractor's features of the frames, computed once per chunk.

        Raises:
            InputError: if they are not a tensor of real numbers with one row per frame.
        """
        if self._parent is not None:
            return self._parent.features(extractor)[: len(self)]
        features: Tensor = self.cached(extractor, lambda: self._extracted(extractor))
        return features

    def _extracted(self, extractor: FeatureExtractor) -> Tensor:
        rows = extractor.extract(self) if self._extract is None else self._extract(extractor, self)
        return check_features(extractor, rows, len(self))

    def as_float(self) -> Tensor:
        """Return the frames as float32 in 0..1.

        Raises:
            InputError: if the rows are not RGB frames.
        """
        if self._parent is not None:
            return self._parent.as_float()[: len(self)]
        converted: Tensor = self.cached("float", self._to_float)
        return converted

    def _to_float(self) -> Tensor:
        check_frames("frames", self.rows)
        frames = self.rows.to(torch.float32)
        return frames / 255.0 if self.rows.dtype == torch.uint8 else frames

    def as_uint8(self) -> Tensor:
        """Return the frames as uint8; float frames are rounded to the nearest of 256 levels."""
        if self.rows.dtype == torch.uint8:
            return self.rows
        return (self.as_float() * 255).round().to(torch.uint8)
