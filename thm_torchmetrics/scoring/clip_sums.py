"""What every clip added to the metrics of a run, from the file of sums beside its report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from thm_torchmetrics.core.frechet_distance import FrechetDistance
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.scoring.merge import metrics_of, open_sums, read_part

MOST_SUMS = 100_000
"""The most sums of a metric of which many resamples are made; FVD, of 400 features, has 320,000, FID 8 million."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClipSums:
    """The sums of one metric, by clip.

    Attributes:
        metric: the metric, without its network.
        packed: what each clip adds to its state, as `ClipRun.packed` gives it.
    """

    metric: TalkingHeadMetric
    packed: Mapping[str, Mapping[str, Tensor]]

    @property
    def is_large(self) -> bool:
        """Return whether the sums are too many for resamples, so that `pseudo_values` stand for them."""
        return self.metric.sums.numel() > MOST_SUMS

    def row(self, clip: str) -> Array:
        """Return what a clip adds to the state, ``(k,)``."""
        return np.asarray(self._vector(clip).numpy(), dtype=np.float64)

    def values(self, sums: Array) -> Array:
        """Return the values of sums ``(..., k)``; NaN where there is none."""
        flat = torch.from_numpy(np.ascontiguousarray(sums)).reshape(-1, sums.shape[-1])
        found = [float(self.metric.value(self.metric.named(row))) for row in flat]
        return np.array(found).reshape(sums.shape[:-1])

    def pseudo_values(self, groups: Sequence[Sequence[str]]) -> Array:
        """Return the parts ``(groups, 1)`` of groups of clips in the value over all of them, to first order.

        The part of a group is an equal share of the value, and what its sums change in the value by the gradient: the
        jackknife's pseudo-value by the number of groups, without a distance for each. All parts add up to the value.

        Args:
            groups: clips that are resampled together, such as those of one speaker.

        Source:
            B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 6: the infinitesimal
            jackknife.
        """
        metric = cast("FrechetDistance", self.metric)  # no other metric is large; see `_serves`
        total = torch.zeros_like(metric.sums)
        for clip in (clip for group in groups for clip in group):
            total += self._vector(clip)
        sums = metric.named(total)
        gradient = metric.gradient(sums)
        changes = np.array([sum(float(gradient @ self._vector(clip)) for clip in group) for group in groups])
        return np.asarray(float(metric.value(sums)) / len(groups) + changes - changes.mean())[:, None]

    def _vector(self, clip: str) -> Tensor:
        return self.metric.unpacked(self.packed[clip]).vector


def read_clip_sums(path: Path, keys: Collection[str]) -> dict[str, ClipSums]:
    """Return the sums of some metrics of a run, by metric.

    Only ``thm score --shard 1/1 -o FILE.json`` keeps those of a whole dataset. Metrics whose states do not add up are
    left out, and so are those with more than `MOST_SUMS` and no gradient.

    Args:
        path: the report of the run, or of the only shard.
        keys: the metrics.

    Raises:
        InputError: if the file of sums is absent, damaged, or of another run than the report.
    """
    part = read_part(path)
    if part.facts.count != 1:
        return {}
    metrics: dict[str, Any] = {
        key: metric for key, metric in metrics_of(part.facts.recipe, path).items() if key in keys and _serves(metric)
    }
    packed: dict[str, dict[str, Mapping[str, Tensor]]] = {key: {} for key in metrics}
    with ExitStack() as files:
        reader = open_sums(part, files)
        for number in part.facts.numbers:
            outcome = reader[number]
            for measured in (each.measured for each in outcome.passes):
                for key in metrics.keys() & measured.keys():
                    packed[key][outcome.key] = measured[key].arrays
    return {key: ClipSums(metric, packed[key]) for key, metric in metrics.items()}


def _serves(metric: TalkingHeadMetric) -> bool:
    has_gradient = isinstance(metric, FrechetDistance) and metric.has_gradient
    return metric.additive and (metric.sums.numel() <= MOST_SUMS or has_gradient)
