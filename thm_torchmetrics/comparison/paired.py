"""Paired tests of two models on the same clips."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from thm_torchmetrics.comparison.bootstrap import AT_ONCE, RESAMPLES, Array, Statistic
from thm_torchmetrics.errors import InputError

ALPHA = 0.05


def permutation_p(
    preds: Array, others: Array, statistic: Statistic, *, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Return the two-sided p-value of the paired permutation test.

    Under the null hypothesis the names of the two models may be exchanged within every clip. All ``2**n`` exchanges are
    tried where these are at most ``resamples``, else ``resamples`` at random. The statistic is the difference of the
    two values of the dataset.

    Args:
        preds: ``(n, k)`` sums of the first model, one row per clip, or per group of clips exchanged together.
        others: those of the second model, of the same clips.
        statistic: from sums to values.
        resamples: the most exchanges.
        seed: of random exchanges.

    Raises:
        InputError: if the rows are not paired, or fewer than two.

    Source:
        `scipy.stats.permutation_test` with ``permutation_type="samples"``; R. A. Fisher, The Design of Experiments
        (1935).

    Example:
        >>> from thm_torchmetrics.comparison.bootstrap import mean_of_sums, mean_rows
        >>> better = mean_rows(np.arange(6.0) + 1, np.ones(6))
        >>> permutation_p(better, mean_rows(np.arange(6.0), np.ones(6)), mean_of_sums)
        0.03125
    """
    from scipy import stats

    if preds.shape != others.shape or len(preds) < 2:
        raise InputError(f"paired rows are needed, at least two, got {preds.shape} and {others.shape}")
    rows, n = np.concatenate([preds, others]), len(preds)
    # exchanges of one size differ in the last bits, by the order of the sums, and are to count as equal
    tick = 1e-12 * max(float(np.abs(statistic(side.sum(axis=0)))) for side in (preds, others)) or 1.0

    def difference(first: Array, second: Array, axis: int = -1) -> Array:
        one, two = (statistic(rows[side.astype(np.int64)].sum(axis=-2)) for side in (first, second))
        return np.asarray(np.round((one - two) / tick) * tick)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = stats.permutation_test(
            (np.arange(n), np.arange(n, 2 * n)), difference, permutation_type="samples", vectorized=True,
            n_resamples=resamples, batch=max(1, AT_ONCE // rows.size), random_state=np.random.default_rng(seed),
        )  # fmt: skip
    return float(found.pvalue)


def least_p(clips: int) -> float:
    """Return the smallest p-value that the two-sided permutation test of some clips can have."""
    return min(1.0, 2.0 ** (1 - clips))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, which holds the chance of any false finding.

    The smallest of ``m`` is multiplied by ``m``, the next by ``m - 1`` and so on, none below the one before.

    Source:
        S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, 0.005])]
        [0.03, 0.06, 0.06, 0.02]
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def cohen_dz(differences: Array) -> float:
    """Return Cohen's d of paired differences, their mean by their standard deviation; NaN where they are all equal.

    Source:
        J. Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), section 2.3.5.

    Example:
        >>> cohen_dz(np.array([1.0, 2.0, 3.0]))
        2.0
    """
    spread = float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0
    mean = float(np.mean(differences))
    return mean / spread if spread > 1e-12 * abs(mean) else float("nan")
