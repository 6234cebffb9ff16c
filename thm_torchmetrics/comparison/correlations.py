"""Correlations between metrics over the clips of one model."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from thm_torchmetrics.comparison.weighted_mean import scores_of
from thm_torchmetrics.scoring.result import Result

LEAST_CLIPS = 3


@dataclass(frozen=True)
class Correlation:
    """A correlation says how alike two metrics order, or place, the clips of one model.

    Attributes:
        model: the model.
        first: the key of the one metric.
        second: that of the other.
        pearson: Pearson's r of the values.
        spearman: Spearman's rho of the ranks.
        kendall: Kendall's tau-b of the pairs of clips.
        clips: the number of clips.
    """

    model: str
    first: str
    second: str
    pearson: float
    spearman: float
    kendall: float
    clips: int


def correlate(model: str, result: Result, keys: Sequence[str]) -> Iterator[Correlation]:
    """Yield the correlations of every two metrics over the clips of which both have a finite value.

    Two metrics with fewer than three such clips have none; where one of them is constant they are NaN. Signs are those
    of the values: a metric that is better when lower correlates negatively with one that is better when higher.

    Args:
        model: the name of the model.
        result: its result.
        keys: the metrics.

    Source:
        `scipy.stats.pearsonr`, `scipy.stats.spearmanr` and `scipy.stats.kendalltau`.
    """
    from scipy import stats

    for first, second in itertools.combinations([key for key in keys if key in result.metrics], 2):
        one, two = scores_of(result, first), scores_of(result, second)
        clips = [clip for clip in one if clip in two]
        if len(clips) < LEAST_CLIPS:
            continue
        values = [np.array([scores[clip].value for clip in clips], dtype=np.float64) for scores in (one, two)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.ConstantInputWarning)
            pearson, spearman, kendall = (
                float(correlation(*values).statistic)
                for correlation in (stats.pearsonr, stats.spearmanr, stats.kendalltau)
            )
        yield Correlation(model, first, second, pearson, spearman, kendall, len(clips))
