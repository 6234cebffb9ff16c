"""Correlations from sums against NumPy."""

import numpy as np
import pytest
import torch

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import correlation_of_sums, spread_of_sums


def sums(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.ones_like(x), x, y, x * x, y * y, x * y], dim=-1).sum(dim=-2)


@pytest.mark.parametrize("offset", [0.0, 50.0, -1e4])
def test_spread_and_correlation_are_those_of_numpy(offset: float) -> None:
    generator = torch.Generator().manual_seed(1)
    x, noise = torch.randn(2, 30, generator=generator, dtype=torch.float64)
    x, y = x + offset, 0.4 * x + noise - offset
    spread = spread_of_sums(sums(x, y))
    expected = np.cov(x, y, bias=True)
    assert [float(value) for value in spread] == pytest.approx([expected[0, 0], expected[1, 1], expected[0, 1]], 1e-6)
    assert float(correlation_of_sums(sums(x, y))) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-7)


def test_a_constant_and_a_single_term_have_no_correlation() -> None:
    x = torch.tensor([0.1, 0.1, 0.1], dtype=torch.float64)
    y = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    assert correlation_of_sums(torch.stack([sums(x, y), sums(y, x), sums(x[:1], y[:1])])).isnan().all()


def test_sums_of_another_shape_are_an_error() -> None:
    with pytest.raises(InputError, match=r"\(\.\.\., 6\), got \(8,\)"):
        correlation_of_sums(torch.zeros(8))
