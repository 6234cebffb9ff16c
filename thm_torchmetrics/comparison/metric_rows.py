"""The rows of a metric are what clips add to its value, for several models on the same clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from thm_torchmetrics.comparison.bootstrap import Array, Statistic, sum_clusters
from thm_torchmetrics.comparison.models import name_some
from thm_torchmetrics.comparison.weighted_mean import find_weighted_mean, scores_of
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.clip_sums import ClipSums
from thm_torchmetrics.scoring.result import Result


@dataclass(frozen=True)
class MetricRows:
    """Rows of sums make the value of a metric: ``statistic(rows.sum(axis=0))``.

    Attributes:
        statistic: from sums to values.
        rows: by model ``(units, k)``, a row per clip, or per cluster of clips.
        frames: by model the rows of every frame, clip by clip; empty where they were not kept.
        linear: whether the rows are pseudo-values, so that resamples are of first order.
    """

    statistic: Statistic
    rows: Mapping[str, Array]
    frames: Mapping[str, Sequence[Array]] = field(default_factory=dict)
    linear: bool = False

    @property
    def units(self) -> int:
        """Return the number of clips, or of clusters."""
        return len(next(iter(self.rows.values())))

    def value(self, model: str) -> float:
        """Return the value of a model."""
        return float(self.statistic(self.rows[model].sum(axis=0)))


def rows_of_sums(
    models: Mapping[str, Result],
    key: str,
    sums: Mapping[str, Mapping[str, ClipSums]],
    clusters: Mapping[str, str] | None = None,
) -> tuple[MetricRows, list[str]] | None:
    """Return the rows of a metric over all frames together, and their clips.

    None if a model lacks the sums of clips, or a sum is infinite.

    Args:
        models: the results by name, all of which have the metric.
        key: the metric.
        sums: by model and metric what each clip adds.
        clusters: the cluster of each clip; default: each is one by itself.

    Raises:
        InputError: if a clip has no cluster.
    """
    if not all(key in sums.get(name, {}) for name in models):
        return None
    of_key = {name: sums[name][key] for name in models}
    first = next(iter(of_key.values()))
    clips = [clip for clip in first.packed if all(clip in each.packed for each in of_key.values())]
    if not clips:
        return None
    units = _units(clips, clusters)
    if first.is_large:
        groups = [[clip for clip, of in zip(clips, units, strict=True) if of == unit] for unit in dict.fromkeys(units)]
        pseudo = {name: each.pseudo_values(groups) for name, each in of_key.items()}
        return MetricRows(_only_sum, pseudo, linear=True), clips
    rows = {name: sum_clusters(np.stack([each.row(clip) for clip in clips]), units) for name, each in of_key.items()}
    if not all(np.isfinite(each).all() for each in rows.values()):  # as those of PSNR of equal frames are not
        return None
    return MetricRows(first.values, rows), clips


def _units(clips: Sequence[str], clusters: Mapping[str, str] | None) -> list[str]:
    """Return what is resampled as a whole for each clip: its cluster, or the clip itself."""
    lacking = [clip for clip in clips if clusters is not None and clip not in clusters]
    if lacking:
        raise InputError(f"--cluster names no cluster of {name_some(lacking)}; give each clip a row")
    return [clip if clusters is None else clusters[clip] for clip in clips]


def _only_sum(sums: Array) -> Array:
    return np.asarray(sums[..., 0])


def rows_of_clips(
    models: Mapping[str, Result], key: str, clips: Sequence[str], clusters: Mapping[str, str] | None = None
) -> MetricRows | None:
    """Return the rows of a metric whose value is a mean over clips; None if it is not.

    Args:
        models: the results by name, all of which have the metric.
        key: the metric.
        clips: the clips to take, which have a value in every model.
        clusters: the cluster of each clip; default: each is one by itself.

    Raises:
        InputError: if a clip has no cluster.
    """
    mean = find_weighted_mean(models, key)
    if mean is None or not clips:
        return None
    units = _units(clips, clusters)
    rows, frames = {}, {}
    for name, result in models.items():
        scores = scores_of(result, key)
        rows[name] = sum_clusters(mean.rows([scores[clip] for clip in clips]), units)
        kept = [mean.frame_rows(scores[clip]) for clip in clips]
        frames[name] = [each for each in kept if each is not None]
    is_whole = all(len(each) == len(clips) for each in frames.values())
    return MetricRows(mean.value, rows, frames if is_whole else {})
