"""Fréchet distances: two sets of features of any lengths, beside SciPy and in closed forms."""

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from thm_torchmetrics import FrechetInceptionDistance
from thm_torchmetrics.core.frechet_distance import FrechetDistance
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.frechet import frechet_from_features


class RowDistance(FrechetDistance):
    """Of given features."""

    feature_shape = (None,)

    def __init__(self, num_features: int = 3, **kwargs: Any) -> None:
        super().__init__(num_features=num_features, **kwargs)


def rows(seed: int, count: int, width: int = 3) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, width)) * (1 + seed) + seed)


def expected(preds: Tensor, target: Tensor) -> float:
    (m1, c1), (m2, c2) = ((side.numpy().mean(axis=0), np.cov(side.numpy(), rowvar=False)) for side in (preds, target))
    return float(((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2).real))


def test_sides_of_any_length_in_any_pieces_give_scipy_s_value() -> None:
    preds, target = rows(0, 40), rows(1, 70)
    metric = RowDistance()
    metric.update([preds[:5], preds[5:]], [target])
    pieces = RowDistance()
    for part in preds.split(7):
        pieces.update(part, target[:0] if False else target[:1])
    assert metric.compute().item() == pytest.approx(expected(preds, target), rel=1e-9)
    assert metric.detail() == {"frames_preds": 40, "frames_target": 70}
    assert pieces.detail() == {"frames_preds": 40, "frames_target": 6}


def test_a_shift_is_its_squared_length() -> None:
    preds = rows(0, 30)
    metric = RowDistance()
    metric.update(preds + torch.tensor([3.0, 4.0, 0.0]), preds)
    assert metric.compute().item() == pytest.approx(25)


def test_rows_of_nan_do_not_enter_and_are_counted() -> None:
    preds, target = rows(0, 30), rows(1, 30)
    broken = preds.clone()
    broken[[4, 9]] = torch.nan
    broken[20, 1] = torch.nan
    metric = RowDistance()
    metric.update(broken, target)
    kept = preds[[i for i in range(30) if i not in (4, 9, 20)]]
    assert metric.compute().item() == pytest.approx(expected(kept, target), rel=1e-9)
    assert metric.coverage == 57 / 60
    assert metric.tally(metric.named(metric.sums)) == (57, 60, 0)


def test_another_width_is_named_and_leaves_no_trace() -> None:
    metric = RowDistance()
    with pytest.raises(InputError, match=r"made for 3 features per frame and got 4; pass num_features=4"):
        metric.update([rows(0, 5), rows(0, 5)], [rows(1, 5), rows(1, 5, width=4)])
    assert not metric.sums.any()


def test_a_clip_has_no_value_of_its_own() -> None:
    metric = RowDistance()
    run = metric.start()
    assert metric.pooled
    assert metric.score(run).value is None
    with pytest.raises(InputError, match="average must be one of 'frame'"):
        RowDistance(average="clip")


@pytest.mark.parametrize("parts", [1, 9])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("ratio", [0.0, 1.0, 1e3, 1e5, 2e6, 1e7, 1e8])
def test_a_mean_too_large_for_the_deviation_is_warned_of(ratio: float, scale: float, parts: int) -> None:
    """Sums gave 7.49 for 5.15 at 10^7, without a word; a shift of both sides changes no distance."""
    preds, target = scale * rows(0, 120), scale * (rows(0, 150) * 1.4 + 0.5)
    true = scale**2 * expected(preds / scale, target / scale)
    far = [side + ratio * scale for side in (preds, target)]
    metric = RowDistance()
    for part in zip(*(side.chunk(parts) for side in far), strict=True):
        metric.update(*part)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = metric.compute().item()
    if ratio > 1e6:
        (warning,) = caught
        assert "may be rounding" in str(warning.message)
        assert "subtract one vector" in str(warning.message)
    else:
        assert not caught
        assert value == pytest.approx(true, rel=1e-4)
    two_pass = frechet_from_features(*(side - far[1].mean(dim=0) for side in far)).item()
    assert two_pass == pytest.approx(true, rel=1e-6 + 4e-16 * ratio)
    centered = RowDistance()
    centered.update(*(side - ratio * scale for side in far))  # the remedy of the warning
    assert centered.compute().item() == pytest.approx(two_pass, rel=1e-6 + 4e-16 * ratio)


def test_features_that_never_vary_on_one_side_are_not_warned_of() -> None:
    metric = RowDistance()
    metric.update(torch.full((20, 3), 0.1, dtype=torch.float64), rows(1, 30))
    assert metric.compute().isfinite()


def test_an_extractor_of_single_numbers_is_named() -> None:
    class Mean(torch.nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return frames.mean(dim=(1, 2, 3))

    frames = torch.rand(4, 3, 8, 8)
    metric = FrechetInceptionDistance(extractor=Mean(), num_features=1)
    with pytest.raises(InputError, match=r"must be features of shape \(N, D\), got \(4,\)"):
        metric.update(frames, frames)
