"""The delay of sequences against shifts that are known."""

import numpy as np
import pytest
import torch

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional import delay_distances, least_delay


def walk(length: int = 40, seed: int = 3) -> torch.Tensor:
    return torch.randn(length, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).cumsum(dim=0)


@pytest.mark.parametrize("shift", [-7, -1, 0, 1, 7])
def test_a_shift_is_found_with_its_sign(shift: int) -> None:
    real = walk()
    late = real[: len(real) - shift] if shift >= 0 else real[-shift:]
    preds = torch.cat([walk(shift, seed=4), late]) if shift > 0 else late
    distances = delay_distances(preds, real, max_delay=7)
    assert least_delay(distances) == shift
    assert distances[7 + shift] == 0


def test_each_distance_is_the_mean_over_the_frames_that_both_have() -> None:
    preds, target = walk(9), walk(12, seed=4)
    expected = []
    for k in range(-3, 4):
        pairs = [(t + k, t) for t in range(12) if 0 <= t + k < 9]
        expected.append(np.mean([((preds[i] - target[j]) ** 2).sum().item() for i, j in pairs]))
    assert delay_distances(preds, target, max_delay=3).tolist() == pytest.approx(expected)


def test_few_pairs_that_are_close_by_chance_do_not_count() -> None:
    preds, target = torch.zeros(6, 1), torch.ones(6, 1)
    preds[5], target[0] = 1, 1
    distances = delay_distances(preds, target, max_delay=5)
    assert distances.isfinite().tolist() == [False] * 2 + [True] * 7 + [False] * 2
    assert delay_distances(torch.zeros(2, 1), torch.zeros(2, 1), max_delay=4).isfinite().sum() == 3


def test_frames_without_features_are_not_compared() -> None:
    real = walk()
    late = real[:-2].clone()
    late[::3] = torch.nan
    assert least_delay(delay_distances(late, real[2:])) == 2
    assert least_delay(delay_distances(late * torch.nan, real)) is None


def test_of_equal_distances_that_nearest_to_no_delay_counts() -> None:
    rows = torch.full((37, 3), 0.1, dtype=torch.float64)
    assert least_delay(delay_distances(rows, rows + 0.3)) == 0
    assert least_delay(torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0])) == 2


def test_a_gain_that_may_be_chance_is_no_delay() -> None:
    """On a real pair of a generator that blurs, ten frames saved 0.03 % of the distance."""
    assert least_delay(torch.tensor([0.96, 1.0, 1.0])) == 0
    assert least_delay(torch.tensor([0.94, 1.0, 1.0])) == -1
    assert least_delay(torch.tensor([0.99, torch.nan, 1.0])) == -1


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match="`max_delay` must be at least 0, got -1"):
        delay_distances(walk(), walk(), -1)
    with pytest.raises(MismatchError, match="got 5 and 4"):
        delay_distances(walk(), walk()[:, :4])
    with pytest.raises(InputError, match=r"`distances` must be \(2 \* K \+ 1,\), got \(4,\)"):
        least_delay(torch.zeros(4))
