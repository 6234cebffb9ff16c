"""What every clip added to the metrics of a run, from the file of sums beside its report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.scoring.merge import metrics_of, open_sums, read_part

MOST_SUMS = 400_000
"""The most sums of a metric that are read: those of FVD, of 400 features; FID has 8 million for each clip."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClipSums:
    """The sums of one metric, by clip.

    Attributes:
        metric: the metric, without its network.
        rows: ``(k,)``, what each clip adds to its state.
    """

    metric: TalkingHeadMetric
    rows: Mapping[str, Array]

    def values(self, sums: Array) -> Array:
        """Return the values of sums ``(..., k)``; NaN where there is none."""
        flat = torch.from_numpy(np.ascontiguousarray(sums)).reshape(-1, sums.shape[-1])
        found = [float(self.metric.value(self.metric.named(row))) for row in flat]
        return np.array(found).reshape(sums.shape[:-1])


def read_clip_sums(path: Path, keys: Collection[str]) -> dict[str, ClipSums]:
    """Return the sums of some metrics of a run, by metric.

    Only ``thm score --shard 1/1 -o FILE.json`` keeps those of a whole dataset. Metrics with more than `MOST_SUMS`,
    and those whose states do not add up, are left out.

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
        key: metric
        for key, metric in metrics_of(part.facts.recipe, path).items()
        if key in keys and metric.additive and metric.sums.numel() <= MOST_SUMS
    }
    rows: dict[str, dict[str, Array]] = {key: {} for key in metrics}
    with ExitStack() as files:
        reader = open_sums(part, files)
        for number in part.facts.numbers:
            outcome = reader[number]
            for measured in (each.measured for each in outcome.passes):
                for key in metrics.keys() & measured.keys():
                    vector = metrics[key].unpacked(measured[key].arrays).vector
                    rows[key][outcome.key] = vector.numpy().astype(np.float64)
    return {key: ClipSums(metric, rows[key]) for key, metric in metrics.items()}
