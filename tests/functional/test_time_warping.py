"""Soft-DTW against sums over all alignments."""

from collections.abc import Iterator
from functools import cache
from math import log

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.time_warping import soft_dtw


def alignments(rows: int, columns: int) -> Iterator[list[tuple[int, int]]]:
    """Every path from the first cell of a table to the last, by steps down, right and down right."""
    last = rows - 1, columns - 1
    if last == (0, 0):
        yield [last]
        return
    for i, j in ((rows - 1, columns), (rows, columns - 1), (rows - 1, columns - 1)):
        if i and j:
            for path in alignments(i, j):
                yield [*path, last]


def by_paths(preds: np.ndarray, target: np.ndarray, gamma: float) -> float:
    """Soft-DTW as the soft minimum of the costs of all alignments."""
    costs = ((preds[:, None] - target[None]) ** 2).sum(axis=2)
    sums = np.array([sum(costs[cell] for cell in path) for path in alignments(len(preds), len(target))])
    return float(sums.min() if gamma == 0 else -gamma * logsumexp(-sums / gamma))


@cache
def number_of_alignments(rows: int, columns: int) -> int:
    if rows == 1 or columns == 1:
        return 1
    return sum(number_of_alignments(rows - i, columns - j) for i, j in ((1, 0), (0, 1), (1, 1)))


def sequence(length: int, seed: int = 0, width: int = 3) -> torch.Tensor:
    return torch.randn(length, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("gamma", [0, 1e-4, 0.05, 1.0, 100.0])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 6), (6, 1), (3, 7), (7, 3), (6, 6)])
def test_it_is_the_soft_minimum_over_all_alignments(rows: int, columns: int, gamma: float) -> None:
    preds, target = sequence(rows), sequence(columns, seed=1)
    expected = by_paths(preds.numpy(), target.numpy(), gamma)
    assert soft_dtw(preds, target, gamma).item() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("cells", [1, 40, 100])
def test_bands_of_any_height_give_the_same(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    preds, target = sequence(23), sequence(17, seed=1)
    whole = [soft_dtw(preds, target, gamma) for gamma in (0, 0.3)]
    monkeypatch.setattr("thm_torchmetrics.functional.time_warping._CELLS", cells)
    banded = [soft_dtw(preds, target, gamma) for gamma in (0, 0.3)]
    torch.testing.assert_close(banded, whole, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (40, 60)])
def test_equal_frames_throughout_leave_the_number_of_alignments(rows: int, columns: int) -> None:
    value = soft_dtw(torch.zeros(rows, 2), torch.zeros(columns, 2), gamma=0.5).item()
    assert value == pytest.approx(-0.5 * log(number_of_alignments(rows, columns)), rel=1e-12)
    assert -value <= 0.5 * 1.763 * (rows + columns) / 2


def test_a_small_gamma_approaches_dynamic_time_warping_from_below() -> None:
    preds, target = sequence(30), sequence(41, seed=1)
    values = [soft_dtw(preds, target, gamma).item() for gamma in (0, 1e-6, 1e-3, 1)]
    assert values == sorted(values, reverse=True)
    assert values[1] == pytest.approx(values[0], abs=1e-4)


def test_a_sequence_played_slower_is_no_distance() -> None:
    walk = sequence(20)
    assert soft_dtw(walk.repeat_interleave(3, dim=0), walk, gamma=0).item() == 0


def test_it_is_never_above_the_alignment_of_equal_numbers() -> None:
    preds, target = sequence(50), sequence(50, seed=1)
    assert soft_dtw(preds, target, 0.01).item() < (preds - target).square().sum().item()


def test_both_sides_may_be_exchanged() -> None:
    preds, target = sequence(9), sequence(14, seed=1)
    torch.testing.assert_close(soft_dtw(preds, target), soft_dtw(target, preds), rtol=1e-13, atol=0)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_number_that_is_not_finite_makes_it_nan(bad: float) -> None:
    preds = sequence(4)
    preds[2, 1] = bad
    assert soft_dtw(preds, sequence(4)).isnan()


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match=r"`preds` must be a sequence of features of shape \(T, D\)"):
        soft_dtw(torch.zeros(3), sequence(3))
    with pytest.raises(InputError, match="`target` must have at least one row"):
        soft_dtw(sequence(3), sequence(0))
    with pytest.raises(MismatchError, match="got 3 and 4"):
        soft_dtw(sequence(3), sequence(3, width=4))
    for gamma in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="`gamma` must be at least 0"):
            soft_dtw(sequence(3), sequence(3), gamma)
