"""Intervals of a value that is made of sums, by resampling the parts that were summed.

What one clip adds to a metric is a row of sums. The value of a dataset is a function of the sum of all rows, and the
value of a resample is the same function of the sum of the resampled rows. For a mean over frames the row of a clip is
its mean times its frames, and its frames: clips are resampled with their weights.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]
Statistic: TypeAlias = Callable[[Array], Array]
"""From sums ``(..., k)`` to values ``(...)``."""

RESAMPLES = 9999
AT_ONCE = 2**22
"""The most numbers of one batch of resamples."""


class Interval(NamedTuple):
    """An interval says where the value of a dataset lies.

    Attributes:
        low: its lower end.
        high: its upper end.
        method: how it was made: ``BCa`` or ``percentile``, or ``moving blocks`` of frames.
        units: the number of rows that were resampled: clips, speakers, or blocks of frames.
    """

    low: float
    high: float
    method: str
    units: int


def bootstrap_interval(
    rows: Array, statistic: Statistic, *, confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the bootstrap interval of ``statistic(rows.sum(axis=0))``.

    It is the bias-corrected and accelerated (BCa) interval of `scipy.stats.bootstrap`; the percentile interval where
    BCa is not defined, which is where no row or every row moves the value to one side. Quantiles are taken at the level
    that makes the interval of a normal mean as wide as Student's: a bootstrap of ``n`` rows is otherwise too narrow by
    ``sqrt((n - 1) / n) z / t``.

    Args:
        rows: ``(n, k)`` sums, one row per clip, or per group of clips that are resampled together.
        statistic: from sums to values.
        confidence: the share of datasets whose interval holds the value.
        resamples: how many resamples are drawn.
        seed: of the resamples.

    Raises:
        InputError: if there are fewer than two rows.

    Source:
        B. Efron, Better bootstrap confidence intervals, JASA 82 (1987). The level: T. Hesterberg, What teachers should
        know about the bootstrap, The American Statistician 69 (2015), section 4.3.

    Example:
        >>> rows = mean_rows(np.arange(20.0), np.ones(20))
        >>> low, high, method, units = bootstrap_interval(rows, mean_of_sums)
        >>> round(low, 1), round(high, 1), method, units
        (6.8, 12.2, 'BCa', 20)
    """
    from scipy import stats

    n = len(rows)
    if n < 2:
        raise InputError(f"an interval needs at least two rows, got {n}")

    def of_resample(index: npt.NDArray[np.int64], axis: int = -1) -> Array:
        return statistic(rows[index].sum(axis=-2))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # where BCa is not defined, SciPy warns and returns NaN
        found = stats.bootstrap(
            (np.arange(n),), of_resample, n_resamples=resamples, confidence_level=_level(confidence, n), method="BCa",
            vectorized=True, batch=max(1, AT_ONCE // rows.size), random_state=np.random.default_rng(seed),
        )  # fmt: skip
    low, high = map(float, found.confidence_interval)
    if math.isnan(low) or math.isnan(high):
        low, high = _percentiles(found.bootstrap_distribution, _level(confidence, n))
        return Interval(low, high, "percentile", n)
    return Interval(low, high, "BCa", n)


def block_bootstrap_interval(
    frames: Sequence[Array],
    statistic: Statistic,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the moving-block bootstrap interval over the frames of some clips.

    Every clip is put together anew of blocks of successive frames, of the square root of its length. The interval tells
    how the value varies along these clips; it says nothing of other clips.

    Args:
        frames: ``(frames, k)`` sums of each clip, one row per frame.
        statistic: from sums to values.
        confidence: the share of intervals that hold the value.
        resamples: how many resamples are drawn.
        seed: of the resamples.

    Raises:
        InputError: if no clip has two frames.

    Source:
        H. Kuensch, The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17 (1989).
    """
    if max(map(len, frames), default=0) < 2:
        raise InputError("an interval over frames needs a clip of at least two frames")
    rng = np.random.default_rng(seed)
    total, blocks = np.zeros((resamples, frames[0].shape[1])), 0
    for clip in frames:
        size = math.isqrt(len(clip) - 1) + 1
        sums = np.concatenate([np.zeros((1, clip.shape[1])), clip.cumsum(axis=0)])
        lengths = [size] * (len(clip) // size) + [len(clip) % size] * (len(clip) % size > 0)
        for length in lengths:
            start = rng.integers(0, len(clip) - length + 1, resamples)
            total += sums[start + length] - sums[start]
        blocks += len(lengths)
    low, high = _percentiles(statistic(total), confidence)
    return Interval(low, high, "moving blocks", blocks)


def mean_rows(values: Array, weights: Array) -> Array:
    """Return the rows ``(n, 2)`` of a weighted mean: value times weight, and weight."""
    return np.stack([values * weights, weights], axis=-1)


def mean_of_sums(sums: Array) -> Array:
    """Return the weighted mean, from sums of `mean_rows`."""
    return np.asarray(sums[..., 0] / sums[..., 1])


def difference_of(statistic: Statistic) -> Statistic:
    """Return the statistic of the first model less that of the second, from sums of both side by side."""

    def difference(sums: Array) -> Array:
        half = sums.shape[-1] // 2
        return statistic(sums[..., :half]) - statistic(sums[..., half:])

    return difference


def sum_clusters(rows: Array, clusters: Sequence[Hashable]) -> Array:
    """Return one row per cluster, the sum of its rows, in the order in which clusters first occur.

    Example:
        >>> sum_clusters(np.array([[1.0], [2.0], [4.0]]), ["ann", "bob", "ann"])
        array([[5.],
               [2.]])
    """
    names = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    summed = np.zeros((len(names), *rows.shape[1:]))
    np.add.at(summed, [names[name] for name in clusters], rows)
    return summed


def _level(confidence: float, n: int) -> float:
    """Return the level of quantiles that widens a normal interval of ``n`` rows to Student's."""
    from scipy import stats

    t = stats.t.ppf((1 + confidence) / 2, n - 1)
    return float(2 * stats.norm.cdf(t * math.sqrt(n / (n - 1))) - 1)


def _percentiles(values: Array, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
