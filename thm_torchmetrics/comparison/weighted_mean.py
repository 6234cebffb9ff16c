"""Find the mean over clips that makes the value of a dataset, so that clips can be resampled."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from thm_torchmetrics.comparison.bootstrap import Array, mean_of_sums, mean_rows
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.scoring.result import Result

_TOLERANCE = 1e-6
"""How far a mean may be from the value that it is to give, by its size: clips' values may be means in float32."""


class Link(NamedTuple):
    """A link leads from the value of a clip to what is averaged, and back."""

    forward: Callable[[Array], Array]
    back: Callable[[Array], Array]


LINKS = {
    "mean": Link(lambda value: value, lambda mean: mean),
    "root mean square": Link(np.square, np.sqrt),
    "decibels of the mean": Link(lambda value: 10 ** (-value / 10), lambda mean: -10 * np.log10(mean)),
}
"""The means of which published metrics are made: of values, of squares (RMSE), of squared errors (PSNR)."""


def _frames(score: ClipScore) -> float:
    return float(score.frames)


def _one(score: ClipScore) -> float:
    return 1.0


def _tracks(score: ClipScore) -> float:
    return float(len((score.detail or {}).get("tracks", ())))


WEIGHTS = {"frame": _frames, "clip": _one, "track": _tracks}
"""The weight of a clip, by what weighs the same."""


@dataclass(frozen=True)
class WeightedMean:
    """A weighted mean over clips is the value of a dataset.

    Attributes:
        link: the name of one of `LINKS`.
        average: what weighs the same: ``frame``, ``clip`` or ``track``.
    """

    link: str
    average: str

    def rows(self, scores: Sequence[ClipScore]) -> Array:
        """Return the row of sums of each clip."""
        values = np.array([score.value for score in scores], dtype=np.float64)
        return mean_rows(LINKS[self.link].forward(values), np.array([WEIGHTS[self.average](score) for score in scores]))

    def frame_rows(self, score: ClipScore) -> Array | None:
        """Return a row per frame of one clip; None where its frames were not kept, or do not make its value."""
        kept = (score.per_frame or {}).get("value")
        if kept is None or self.average == "track":
            return None
        values = np.array([value for value in kept if value is not None and math.isfinite(value)])
        weight = 1.0 if self.average == "frame" else 1 / max(len(values), 1)
        rows = mean_rows(LINKS[self.link].forward(values), np.full(len(values), weight))
        made = float(self.value(rows.sum(axis=0))) if len(values) else math.nan
        return rows if score.value is not None and math.isclose(made, score.value, rel_tol=1e-5) else None

    def value(self, sums: Array) -> Array:
        """Return the value of sums ``(..., 2)``."""
        return np.asarray(LINKS[self.link].back(mean_of_sums(sums)))


def find_weighted_mean(models: Mapping[str, Result], key: str) -> WeightedMean | None:
    """Return the mean over clips that gives the values of all models; None if there is none.

    It is checked against the values, not assumed: a metric over all frames together, such as a correlation or FID, is
    no mean over clips. Against an infinite value, as one identical pair makes of a PSNR, there is nothing to check, so
    another model must have a finite one.
    """
    models = {name: result for name, result in models.items() if not _is_made_infinite(result, key)}
    if not models:
        return None
    given = str(next(iter(models.values())).provenance.get("options", {}).get(key, {}).get("average", "frame"))
    averages = sorted(WEIGHTS, key=lambda average: average != given)
    means = [WeightedMean(link, average) for link in LINKS for average in averages]
    return next((mean for mean in means if all(_gives(mean, result, key) for result in models.values())), None)


def scores_of(result: Result, key: str) -> dict[str, ClipScore]:
    """Return the scores of the clips that have a finite value, by clip."""
    found = {clip.clip: clip.metrics[key] for clip in result.clips if key in clip.metrics}
    return {name: score for name, score in found.items() if score.value is not None and math.isfinite(score.value)}


def _is_made_infinite(result: Result, key: str) -> bool:
    """Return whether the value of a model is infinite as that of a clip is."""
    value = result.metrics[key].value
    clips = (clip.metrics[key].value for clip in result.clips if key in clip.metrics)
    return value is not None and math.isinf(value) and value in clips


def _gives(mean: WeightedMean, result: Result, key: str) -> bool:
    scores, value = scores_of(result, key), result.metrics[key].value
    if not scores or value is None:
        return False
    with np.errstate(all="ignore"):
        made = float(mean.value(mean.rows(list(scores.values())).sum(axis=0)))
    return math.isclose(made, value, rel_tol=_TOLERANCE, abs_tol=1e-12)
