"""Intervals beside SciPy's, closed forms, and simulations."""

import numpy as np
import pytest
from comparison.results_of_models import drawn
from scipy import stats

from thm_torchmetrics.comparison.bootstrap import (
    block_bootstrap_interval,
    bootstrap_interval,
    difference_of,
    mean_of_sums,
    mean_rows,
    sum_clusters,
)
from thm_torchmetrics.errors import InputError


def ones(count: int) -> np.ndarray:
    return np.ones(count)


def test_the_interval_of_a_mean_is_scipys_at_the_wider_level() -> None:
    values = drawn(5, 24)
    level = 2 * stats.norm.cdf(stats.t.ppf(0.975, 23) * np.sqrt(24 / 23)) - 1
    found = bootstrap_interval(mean_rows(values, ones(24)), mean_of_sums, seed=3)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=level,
        method="BCa",
        n_resamples=9999,
        random_state=np.random.default_rng(3),
    ).confidence_interval
    assert found[:2] == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert found[2:] == ("BCa", 24)


def test_the_interval_of_a_normal_mean_is_as_wide_as_students() -> None:
    values = drawn(6, 40)
    low, high, *_ = bootstrap_interval(mean_rows(values, ones(40)), mean_of_sums)
    student = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert high - low == pytest.approx(student[1] - student[0], rel=0.06)


def test_clips_are_resampled_with_their_weights() -> None:
    values, frames = drawn(7, 12), drawn(8, 12, 200, 30).round()
    rows = mean_rows(values, frames)
    found = bootstrap_interval(rows, mean_of_sums, seed=6)
    theirs = stats.bootstrap(
        (values, frames), lambda value, weight, axis: (value * weight).sum(axis=axis) / weight.sum(axis=axis),
        paired=True, vectorized=True, random_state=np.random.default_rng(6), method="BCa",
        confidence_level=2 * stats.norm.cdf(stats.t.ppf(0.975, 11) * np.sqrt(12 / 11)) - 1,
    ).confidence_interval  # fmt: skip
    assert found[:2] == pytest.approx((theirs.low, theirs.high), rel=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_an_interval_follows_the_unit(scale: float) -> None:
    rows = mean_rows(drawn(8, 15), ones(15))
    low, high, *_ = bootstrap_interval(rows, mean_of_sums, resamples=999)
    scaled = bootstrap_interval(mean_rows(drawn(8, 15) * scale, ones(15)), mean_of_sums, resamples=999)
    assert scaled[:2] == pytest.approx((low * scale, high * scale), rel=1e-9)


def test_equal_values_have_an_interval_without_width() -> None:
    found = bootstrap_interval(mean_rows(np.full(10, 0.25), ones(10)), mean_of_sums)
    assert found == (0.25, 0.25, "percentile", 10)


def test_the_interval_of_a_paired_difference_is_that_of_the_differences() -> None:
    one, two = drawn(9, 20), drawn(10, 20)
    both = np.concatenate([mean_rows(one, ones(20)), mean_rows(two, ones(20))], axis=1)
    paired = bootstrap_interval(both, difference_of(mean_of_sums), seed=4)
    plain = bootstrap_interval(mean_rows(one - two, ones(20)), mean_of_sums, seed=4)
    assert paired[:2] == pytest.approx(plain[:2], rel=1e-9)


def test_one_row_is_an_error() -> None:
    with pytest.raises(InputError, match="at least two rows, got 1"):
        bootstrap_interval(mean_rows(ones(1), ones(1)), mean_of_sums)


def test_clusters_of_copies_are_as_wide_as_their_originals() -> None:
    values = drawn(11, 10)
    copies = sum_clusters(mean_rows(np.repeat(values, 5), ones(50)), [str(i // 5) for i in range(50)])
    clustered = bootstrap_interval(copies, mean_of_sums, seed=5)
    originals = bootstrap_interval(mean_rows(values, ones(10)), mean_of_sums, seed=5)
    assert clustered[:2] == pytest.approx(originals[:2], rel=1e-4)
    naive = bootstrap_interval(mean_rows(np.repeat(values, 5), ones(50)), mean_of_sums, seed=5)
    assert clustered.high - clustered.low > 1.8 * (naive.high - naive.low)


def autoregressive(seed: int, count: int, memory: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    series = np.zeros(count)
    for i in range(1, count):
        series[i] = memory * series[i - 1] + rng.normal()
    return series


def test_blocks_see_that_neighboring_frames_are_alike() -> None:
    series = [autoregressive(seed, 400, 0.8) for seed in range(3)]
    frames = [mean_rows(each, ones(400)) for each in series]
    low, high, method, units = block_bootstrap_interval(frames, mean_of_sums, resamples=999)
    assert (method, units) == ("moving blocks", 60)
    naive = stats.norm.interval(0.95, 0, stats.sem(np.concatenate(series)))
    # the standard error of a mean of an autoregressive series grows by sqrt((1 + r) / (1 - r)) = 3
    assert 2 < (high - low) / (naive[1] - naive[0]) < 3.2


def test_a_clip_of_one_frame_has_no_blocks() -> None:
    with pytest.raises(InputError, match="two frames"):
        block_bootstrap_interval([mean_rows(ones(1), ones(1))], mean_of_sums)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["normal", "beta"])
def test_nineteen_of_twenty_intervals_of_twenty_clips_hold_the_mean(shape: str) -> None:
    """With 300 simulations the share has a standard error of 1.3 %; docs/compare.md has 1,000."""
    held = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        values = rng.normal(0.8, 0.1, 20) if shape == "normal" else rng.beta(8, 2, 20)
        rows = mean_rows(values, rng.integers(50, 250, 20).astype(float))
        low, high, *_ = bootstrap_interval(rows, mean_of_sums, resamples=999, seed=seed)
        held += low <= 0.8 <= high
    assert 0.91 <= held / 300 <= 0.985
