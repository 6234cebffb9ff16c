"""Paired tests beside SciPy's, closed forms, and simulations."""

import itertools

import numpy as np
import pytest
from comparison.results_of_models import drawn
from scipy import stats

from thm_torchmetrics.comparison.bootstrap import mean_of_sums, mean_rows
from thm_torchmetrics.comparison.paired import cohen_dz, holm, least_p, permutation_p
from thm_torchmetrics.errors import InputError


def p_of(one: np.ndarray, two: np.ndarray, **options: int) -> float:
    ones = np.ones(len(one))
    return permutation_p(mean_rows(one, ones), mean_rows(two, ones), mean_of_sums, **options)


def by_hand(differences: np.ndarray) -> float:
    """All signs of the differences."""
    sums = [float(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    larger = sum(each >= differences.sum() - 1e-9 for each in sums)
    smaller = sum(each <= differences.sum() + 1e-9 for each in sums)
    return min(1.0, 2 * min(larger, smaller) / len(sums))


@pytest.mark.parametrize("seed", range(6))
def test_few_clips_are_exchanged_in_all_ways(seed: int) -> None:
    one, two = drawn(seed, 8), drawn(seed + 50, 8)
    assert p_of(one, two) == pytest.approx(by_hand(one - two), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_exchanges_of_equal_size_count_as_equal(scale: float) -> None:
    one = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) * scale
    two = np.array([1.1, 2.1, 3.1, 4.1, 5.1, 5.9]) * scale
    assert p_of(one, two) == pytest.approx(by_hand((one - two) / scale), rel=1e-12)


def test_exchanges_of_equal_size_count_as_equal_also_of_large_values() -> None:
    base = drawn(0, 10, 1e4, 1e3)
    differences = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -0.1, 0.1, 0.1])
    assert p_of(base + differences, base) == pytest.approx(by_hand(differences), rel=1e-12)


def test_many_clips_agree_with_the_sign_test_of_scipy() -> None:
    one, two = drawn(1, 30), drawn(2, 30)
    theirs = stats.permutation_test(
        (one - two, np.zeros(30)), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=9999, random_state=np.random.default_rng(9),
    ).pvalue  # fmt: skip
    assert p_of(one, two) == pytest.approx(theirs, abs=0.02)


def test_the_test_is_seeded() -> None:
    one, two = drawn(3, 25), drawn(4, 25)
    assert p_of(one, two, seed=1) == p_of(one, two, seed=1)
    assert p_of(one, two, seed=1) != p_of(one, two, seed=2)


def test_the_smallest_p_value_is_reached_where_one_model_is_better_on_every_clip() -> None:
    one = drawn(5, 6)
    assert p_of(one + 1, one) == least_p(6) == 2 / 2**6


def test_equal_models_have_a_p_value_of_one() -> None:
    assert p_of(drawn(6, 9), drawn(6, 9)) == 1.0


def test_rows_that_are_not_paired_are_an_error() -> None:
    with pytest.raises(InputError, match="paired rows are needed"):
        permutation_p(np.ones((5, 2)), np.ones((4, 2)), mean_of_sums)


def test_holm_of_the_example_of_the_literature() -> None:
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") of R
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.01]) == pytest.approx([0.04, 0.02])
    assert holm([]) == []


def test_holm_is_never_below_the_p_value_nor_above_one() -> None:
    p_values = np.random.default_rng(0).uniform(size=40).tolist()
    corrected = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, corrected, strict=True))
    order = np.argsort(p_values)
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


def test_the_effect_size_is_students_t_by_the_root_of_n() -> None:
    one, two = drawn(7, 15), drawn(8, 15)
    assert cohen_dz(one - two) == pytest.approx(stats.ttest_rel(one, two).statistic / np.sqrt(15))
    assert np.isnan(cohen_dz(np.full(5, 0.3)))


@pytest.mark.slow
def test_two_models_are_told_apart_with_the_clips_that_a_power_calculation_says() -> None:
    """A paired t-test of an effect of 0.8 has a power of 80 % with 15 clips."""
    effect, count = 0.8, 15
    critical = stats.t.ppf(0.975, count - 1)
    power = stats.nct.sf(critical, count - 1, effect * np.sqrt(count))
    assert 0.80 <= power < 0.83
    base, found = drawn(0, count), 0
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(effect, 1, count)
        found += p_of(base + noise, base, resamples=499) < 0.05
    assert found / 200 == pytest.approx(power, abs=0.09)


@pytest.mark.slow
def test_a_table_of_equal_models_has_a_false_finding_in_at_most_one_of_twenty() -> None:
    """Eight tests at once, 200 tables; the share has a standard error of 1.5 %."""
    false = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p_values = [p_of(rng.normal(size=12), rng.normal(size=12), resamples=499, seed=seed) for _ in range(8)]
        false += min(holm(p_values)) < 0.05
    assert false / 200 <= 0.08
