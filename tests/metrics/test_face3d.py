"""AED, APD and E-FID on given coefficients: closed forms and what the cases of every metric do not show."""

import numpy as np
import pytest
import torch
from torch import Tensor

from thm_torchmetrics import AverageExpressionDistance, AveragePoseDistance, ExpressionFrechetDistance
from thm_torchmetrics.errors import InputError, MismatchError

EXPRESSION = slice(80, 144)


def gaussian(count: int, mean: np.ndarray, deviation: np.ndarray, seed: int) -> Tensor:
    """Coefficients whose expressions have exactly this mean and these unbiased deviations, without correlation."""
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((count, 64))
    rows -= rows.mean(axis=0)
    rows = np.linalg.qr(rows)[0] * np.sqrt(count - 1) * deviation + mean
    all_columns = draw.uniform(-9, 9, (count, 257))
    all_columns[:, EXPRESSION] = rows
    return torch.from_numpy(all_columns)


def test_e_fid_of_two_known_gaussians() -> None:
    draw = np.random.default_rng(8)
    means, deviations = draw.standard_normal((2, 64)), draw.uniform(0.2, 2, (2, 64))
    preds, target = (gaussian(100 + 37 * i, means[i], deviations[i], seed=i) for i in range(2))
    metric = ExpressionFrechetDistance(extractor=None)
    metric.update(preds[:60], target)
    metric.update(torch.cat([torch.full((3, 257), torch.nan), preds[60:]]), torch.full((2, 257), torch.nan))
    expected = ((means[0] - means[1]) ** 2).sum() + ((deviations[0] - deviations[1]) ** 2).sum()
    assert metric.compute().item() == pytest.approx(expected, rel=1e-9)
    assert metric.coverage == pytest.approx(237 / 242)
    assert metric.detail() == {"frames_preds": 100, "frames_target": 137}


def test_e_fid_of_equal_sets_is_zero() -> None:
    draw = np.random.default_rng(3)
    rows = gaussian(200, draw.standard_normal(64), draw.uniform(0.2, 2, 64), seed=5)
    metric = ExpressionFrechetDistance(extractor=None)
    metric.update(rows, rows.flip(0))
    assert abs(metric.compute().item()) < 1e-9


def test_e_fid_sees_the_expression_only() -> None:
    rows = gaussian(80, np.zeros(64), np.ones(64), seed=6)
    other = rows.clone()
    other[:, :80] += 5
    other[:, 144:] -= 5
    metric = ExpressionFrechetDistance(extractor=None)
    metric.update(other, rows)
    assert abs(metric.compute().item()) < 1e-9


@pytest.mark.parametrize("kind", [AverageExpressionDistance, AveragePoseDistance])
def test_clips_of_another_length(kind: type[AverageExpressionDistance]) -> None:
    preds, target = (torch.from_numpy(np.random.default_rng(i).standard_normal((9 + i, 257))) for i in range(2))
    with pytest.raises(MismatchError, match="9 frames and the target 10"):
        kind(extractor=None).update(preds, target)
    metric = kind(extractor=None, align="truncate")
    metric.update(preds, target)
    columns = EXPRESSION if kind is AverageExpressionDistance else slice(224, 227)
    assert metric.compute().item() == pytest.approx((preds - target[:9])[:, columns].abs().numpy().mean(), rel=1e-12)
    assert metric.tally(metric.sums).left_out == 1


def test_another_number_of_coefficients_is_named() -> None:
    for kind in (AverageExpressionDistance, AveragePoseDistance, ExpressionFrechetDistance):
        with pytest.raises(InputError, match=r"\(T, 257\).*\(5, 64\)"):
            kind(extractor=None).update(torch.zeros(5, 64), torch.zeros(5, 64))


def test_e_fid_has_no_clip_average() -> None:
    with pytest.raises(InputError, match="average"):
        ExpressionFrechetDistance(extractor=None, average="clip")
