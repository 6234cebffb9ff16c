"""Distances of identity embeddings against SciPy and the original's cosine."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.spatial.distance
import torch
from parity.seeded import golden
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.identity import cosine_similarity, squared_euclidean_distance

EMBEDDINGS = np.random.default_rng(11).normal(size=(2, 40, 512))


def test_cosine_equals_scipy() -> None:
    a, b = EMBEDDINGS
    expected = [1 - scipy.spatial.distance.cosine(x, y) for x, y in zip(a, b, strict=True)]
    got = cosine_similarity(torch.from_numpy(a), torch.from_numpy(b))
    assert got.dtype == torch.float64
    np.testing.assert_allclose(got, expected, atol=1e-14)
    np.testing.assert_allclose(cosine_similarity(torch.from_numpy(3 * a), torch.from_numpy(b).float()), got, atol=1e-7)


@pytest.mark.parametrize("model", ["iresnet18", "iresnet50", "iresnet100"])
def test_cosine_equals_the_original(model: str) -> None:
    arrays = golden(model)
    a, b = torch.from_numpy(arrays["embedding"][:2]), torch.from_numpy(arrays["odd_embedding"])
    np.testing.assert_allclose(cosine_similarity(a, b), arrays["cosine"], atol=1e-5)


def test_cosine_stays_in_range() -> None:
    rows = torch.from_numpy(EMBEDDINGS[0])
    for other, expected in ((rows, 1.0), (-rows, -1.0)):
        cosine = cosine_similarity(rows, other)
        assert cosine.abs().max() <= 1
        torch.testing.assert_close(cosine, torch.full_like(cosine, expected))


def test_squared_distance_equals_scipy_on_unit_rows() -> None:
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in EMBEDDINGS)
    expected = [scipy.spatial.distance.sqeuclidean(x, y) for x, y in zip(a, b, strict=True)]
    got = squared_euclidean_distance(torch.from_numpy(EMBEDDINGS[0]), torch.from_numpy(EMBEDDINGS[1]))
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    opposite = squared_euclidean_distance(torch.from_numpy(a), torch.from_numpy(-a))
    np.testing.assert_allclose(opposite, 4.0)


@pytest.mark.parametrize("distance", [cosine_similarity, squared_euclidean_distance])
def test_rows_without_a_direction_are_nan(distance: Callable[[Tensor, Tensor], Tensor]) -> None:
    a, b = torch.ones(4, 3), torch.ones(4, 3)
    a[0] = 0
    b[1] = 0
    a[2, 1] = torch.nan
    assert distance(a, b).isnan().tolist() == [True, True, True, False]


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"`preds` must be embeddings of shape \(T, D\), got \(3, 4, 5\)"):
        cosine_similarity(torch.zeros(3, 4, 5), torch.zeros(3, 4, 5))
    with pytest.raises(MismatchError, match=r"\(3, 4\) and \(2, 4\) of embeddings; cut the longer one"):
        squared_euclidean_distance(torch.zeros(3, 4), torch.zeros(2, 4))
    with pytest.raises(MismatchError, match=r"\(3, 4\) and \(3, 5\) of embeddings; take both from one extractor"):
        cosine_similarity(torch.zeros(3, 4), torch.zeros(3, 5))
