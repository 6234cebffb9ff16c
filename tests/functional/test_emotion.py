"""Valence and arousal against NumPy and torchmetrics; ESD against SciPy."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
import scipy.spatial.distance
import torch
from torch import Tensor
from torchmetrics.functional import concordance_corrcoef, pearson_corrcoef

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.emotion import emotion_similarity_distance, moments, statistics

GENERATOR = np.random.default_rng(5)


def series(count: int, spread: float = 0.4) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Correlated valence and arousal of two sides, (T, 2) each; with a large spread some leave -1..1."""
    x = GENERATOR.normal([0.1, -0.2], spread, size=(count, 2))
    return x, 0.6 * x + GENERATOR.normal(scale=spread / 2, size=(count, 2))


def of(x: npt.NDArray[Any] | Tensor, y: npt.NDArray[Any] | Tensor) -> list[npt.NDArray[Any]]:
    """Statistics of whole series: four arrays over (valence, arousal)."""
    return [values.numpy() for values in statistics(moments(torch.as_tensor(x), torch.as_tensor(y)).sum(dim=0))]


def test_statistics_equal_numpy_on_clamped_values() -> None:
    preds, target = series(500, spread=0.8)
    assert (np.abs(preds) > 1).any()
    x, y = preds.clip(-1, 1), target.clip(-1, 1)
    rmse, sagr, pcc, ccc = of(preds, target)
    np.testing.assert_allclose(rmse, np.sqrt(((x - y) ** 2).mean(axis=0)), rtol=1e-13)
    np.testing.assert_allclose(sagr, (np.sign(x) == np.sign(y)).mean(axis=0), rtol=1e-13)
    for i in range(2):
        np.testing.assert_allclose(pcc[i], np.corrcoef(x[:, i], y[:, i])[0, 1], rtol=1e-12)
        covariance = np.cov(x[:, i], y[:, i], bias=True)
        difference = x[:, i].mean() - y[:, i].mean()
        expected = 2 * covariance[0, 1] / (covariance.trace() + difference**2)
        np.testing.assert_allclose(ccc[i], expected, rtol=1e-12)


def test_correlation_and_concordance_equal_torchmetrics() -> None:
    preds, target = (torch.from_numpy(values - values.mean(axis=0)) for values in series(300, spread=0.2))
    assert max(preds.abs().max(), target.abs().max()) < 1
    _, _, pcc, ccc = of(preds, target)
    np.testing.assert_allclose(pcc, pearson_corrcoef(preds, target), rtol=1e-12)
    # of series with equal means: torchmetrics' variances have 1 / (n - 1), which then cancels
    np.testing.assert_allclose(ccc, concordance_corrcoef(preds, target), rtol=1e-12)


def test_sums_of_chunks_are_the_sums_of_the_whole() -> None:
    x, y = series(130)
    rows = moments(torch.from_numpy(x), torch.from_numpy(y))
    whole = statistics(rows.sum(dim=0))
    parts = statistics(rows[:64].sum(dim=0) + rows[64:128].sum(dim=0) + rows[128:].sum(dim=0))
    for a, b in zip(whole, parts, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=0)


def test_closed_forms() -> None:
    y = np.linspace(-0.5, 0.5, 11)[:, None].repeat(2, axis=1)
    for x, expected in (
        (y, (0.0, 1.0, 1.0, 1.0)),
        (-y, (np.sqrt((4 * y**2).mean()), 1 / 11, -1.0, -1.0)),  # only zero keeps its sign
        (y + 0.25, (0.25, 8 / 11, 1.0, 0.2 / (0.2 + 0.25**2))),  # the variance of y is 0.1
    ):
        for value, wanted in zip(of(x, y), expected, strict=True):
            np.testing.assert_allclose(value, wanted, atol=1e-12)
            assert np.abs(value).max() <= 1


def test_zero_has_a_sign_of_its_own() -> None:
    x = torch.tensor([[0.0, 0.0], [0.0, 0.5]])
    y = torch.tensor([[0.1, -0.1], [-0.0, 0.2]])
    assert moments(x, y)[..., 7].tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_a_frame_without_a_face_is_a_nan_row() -> None:
    x, y = torch.zeros(5, 2), torch.zeros(5, 2)
    x[1, 0] = y[3, 1] = torch.nan
    rows = moments(x, y)
    assert rows.isnan().flatten(1).all(dim=1).tolist() == [False, True, False, True, False]
    assert rows.isnan().flatten(1).any(dim=1).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("value", [0.1, 1 / 3, -0.7, 1.0, 0.0])
def test_a_constant_has_no_correlation_however_long_it_is(value: float) -> None:
    constant = torch.full((1, 2), value, dtype=torch.float64)
    wave = torch.linspace(-0.9, 0.8, 4, dtype=torch.float64)[:, None].repeat(1, 2)
    for count in (2, 3, 7, 1000, 100_000):
        chunk = moments(constant.expand(4, 2), wave).numpy().sum(axis=0)
        sums = np.add.accumulate(np.broadcast_to(chunk, (count // 4 + 1, *chunk.shape)))[-1]  # one by one, the worst
        _, _, pcc, ccc = statistics(torch.from_numpy(sums))
        assert pcc.isnan().all(), count
        assert ccc.tolist() == [0.0, 0.0], count
        sums = np.add.accumulate(np.broadcast_to(moments(constant, constant).numpy(), (count, 2, 8)))[-1]
        _, _, pcc, ccc = statistics(torch.from_numpy(sums))
        assert pcc.isnan().all(), count
        assert ccc.isnan().all(), count


def test_constants_that_differ_do_not_concord() -> None:
    rmse, sagr, pcc, ccc = of(np.full((50, 2), 0.25), np.full((50, 2), 0.5))
    np.testing.assert_allclose(rmse, 0.25)
    assert sagr.tolist() == [1.0, 1.0]
    assert np.isnan(pcc).all()
    assert ccc.tolist() == [0.0, 0.0]


def test_one_frame_has_an_error_but_no_correlation_and_none_has_nothing() -> None:
    rmse, sagr, pcc, ccc = of(np.full((1, 2), 0.25), np.full((1, 2), 0.5))
    np.testing.assert_allclose(rmse, 0.25)
    assert sagr.tolist() == [1.0, 1.0]
    assert np.isnan([pcc, ccc]).all()
    assert all(value.isnan() for value in statistics(torch.zeros(8, dtype=torch.float64)))


@pytest.mark.parametrize(("noise", "tolerance"), [(1e-6, 3e-4), (1e-5, 3e-6), (1e-4, 3e-8), (1e-2, 1e-11)])
@pytest.mark.parametrize("level", [0.9, -0.5])
def test_noise_on_a_constant_keeps_its_correlation(level: float, noise: float, tolerance: float) -> None:
    x, y = (level + noise * values for values in series(1000, spread=1.0))
    _, _, pcc, _ = of(x, y)
    for i in range(2):
        np.testing.assert_allclose(pcc[i], np.corrcoef(x[:, i], y[:, i])[0, 1], atol=tolerance)


def test_emotion_distances_equal_scipy() -> None:
    a, b = GENERATOR.normal(size=(2, 30, 256))
    kinds: dict[Literal["cosine", "l2"], Callable[..., float]] = {
        "cosine": scipy.spatial.distance.cosine,
        "l2": scipy.spatial.distance.euclidean,
    }
    for kind, reference in kinds.items():
        expected = [reference(x, y) for x, y in zip(a, b, strict=True)]
        got = emotion_similarity_distance(torch.from_numpy(a), torch.from_numpy(b), kind)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        rows = torch.from_numpy(a).clone()
        rows[3, 0] = torch.nan
        assert emotion_similarity_distance(rows, torch.from_numpy(b), kind).isnan().nonzero().tolist() == [[3]]


def test_bad_input_is_named() -> None:
    pair = torch.zeros(3, 2)
    with pytest.raises(InputError, match=r"\(3, 3\)"):
        moments(pair, torch.zeros(3, 3))
    with pytest.raises(MismatchError, match=r"\(3, 2\) and \(2, 2\) of valence and arousal"):
        moments(pair, pair[1:])
    with pytest.raises(InputError, match=r"\(3, 2\)"):
        statistics(pair)
    with pytest.raises(InputError, match="'l1'"):
        emotion_similarity_distance(pair, pair, "l1")  # type: ignore[arg-type]
    with pytest.raises(MismatchError, match=r"\(3, 2\) and \(2, 2\)"):
        emotion_similarity_distance(pair, pair[1:], "l2")
