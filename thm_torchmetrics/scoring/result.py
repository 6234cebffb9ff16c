"""The result of a run is the source of every report, and defines the JSON schema."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from thm_torchmetrics.core.score import ClipScore

SCHEMA = 1


@dataclass(frozen=True)
class MetricResult:
    """A metric result is the value of one metric over the whole dataset.

    Attributes:
        value: the metric, None where nothing could be measured.
        unit: its unit, empty for a pure number.
        higher_is_better: its direction.
        protocol: the published procedure.
        extractor: the network, None if there is none.
        frames: what was scored, in the unit of ``counted``.
        clips: clips of which at least one frame was scored.
        coverage: share of aligned frames that were scored, None if there were none.
        left_out: frames cut off by alignment.
        detail: further results, which depend on the metric.
        counted: ``frames``, or ``clips`` where a clip is scored as a whole (lip sync).
        why: the reason, in plain words, where there is no value.
    """

    value: float | None
    unit: str
    higher_is_better: bool
    protocol: str
    extractor: str | None
    frames: int
    clips: int
    coverage: float | None
    left_out: int
    detail: Mapping[str, Any] | None = None
    counted: str = "frames"
    why: str | None = None


@dataclass
class ClipResult:
    """A clip result holds the scores of one clip, and errors if its status is ``failed``.

    Attributes:
        clip: its name.
        errors: why some metrics have no value.
        metrics: the scores.
        notes: remarks on its files that bear on the numbers.
    """

    clip: str
    errors: list[str] = field(default_factory=list)
    metrics: dict[str, ClipScore] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fail(self, names: Iterable[str], reason: str) -> None:
        """Record that some metrics could not be measured."""
        self.errors.append(f"{', '.join(names)}: {reason}")

    @property
    def status(self) -> str:
        """Return ``ok`` or ``failed``."""
        return "failed" if self.errors else "ok"

    @property
    def error(self) -> str | None:
        """Return all errors in one line, None if there are none."""
        return "; ".join(self.errors) or None


@dataclass
class Result:
    """A result holds a whole run; its notes are remarks that bear on the numbers of more than one clip."""

    provenance: Mapping[str, Any]
    metrics: Mapping[str, MetricResult]
    clips: list[ClipResult]
    skipped: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[ClipResult]:
        """Return the clips with an error."""
        return [clip for clip in self.clips if clip.errors]

    def lacking(self, keys: Iterable[str]) -> list[str]:
        """Return those of some metrics that have no value."""
        return [key for key in keys if key not in self.metrics or self.metrics[key].value is None]

    @property
    def scored(self) -> bool:
        """Return whether any metric has a value."""
        return any(metric.value is not None for metric in self.metrics.values())

    def to_json(self) -> dict[str, Any]:
        """Return schema 1, ready for ``json.dump``.

        A number that JSON cannot hold becomes None; ``"infinite": {"value": "inf"}`` beside it tells infinity from no
        value.
        """
        plain: dict[str, Any] = _finite(
            {
                "schema": SCHEMA,
                "provenance": self.provenance,
                "metrics": {key: asdict(metric) for key, metric in self.metrics.items()},
                "clips": [
                    {
                        "clip": clip.clip,
                        "status": clip.status,
                        "error": clip.error,
                        "metrics": {key: _score(score) for key, score in clip.metrics.items()},
                        "notes": clip.notes,
                    }
                    for clip in self.clips
                ],
                "skipped": self.skipped,
                "notes": self.notes,
            }
        )
        return plain

    def rows(self) -> Iterator[tuple[ClipResult, dict[str, float | None]]]:
        """Yield each clip with its values by metric."""
        for clip in self.clips:
            yield clip, {key: score.value for key, score in clip.metrics.items()}


def _score(score: ClipScore) -> dict[str, Any]:
    """Return a clip's score; the reason why there is none stands among the clip's errors."""
    plain = {name: value for name, value in asdict(score).items() if name != "why"}
    if score.per_frame is None:
        del plain["per_frame"]
    return plain


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        infinite = {key: str(item) for key, item in value.items() if isinstance(item, float) and math.isinf(item)}
        return {key: _finite(item) for key, item in value.items()} | ({"infinite": infinite} if infinite else {})
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
