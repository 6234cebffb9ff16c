"""AED and APD against NumPy, and the split of the coefficients against the original's."""

import numpy as np
import pytest
import torch
from parity.seeded import golden

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.face3d import COEFFICIENTS, average_expression_distance, average_pose_distance

GENERATOR = np.random.default_rng(8)


def test_coefficients_are_split_as_the_original_does() -> None:
    arrays = golden("deep3d_resnet50")
    for name, columns in COEFFICIENTS.items():
        np.testing.assert_array_equal(arrays["coeff"][:, columns], arrays[f"coeff_{name}"])
    assert np.concatenate([np.arange(257)[columns] for columns in COEFFICIENTS.values()]).tolist() == list(range(257))


def test_distances_equal_numpy() -> None:
    a, b = GENERATOR.normal(size=(2, 12, 257))
    a[4, 100] = a[5, 225] = a[6, 256] = a[7, 0] = np.nan
    delta = np.abs(a - b)
    expected = {
        "expression": delta[:, 80:144].mean(axis=1),
        "styleheat": delta[:, 224:227].mean(axis=1),
        "vico": np.concatenate([delta[:, 224:227], delta[:, 254:257]], axis=1).mean(axis=1),
    }
    first, second = torch.from_numpy(a), torch.from_numpy(b)
    got = {
        "expression": average_expression_distance(first, second),
        "styleheat": average_pose_distance(first, second),
        "vico": average_pose_distance(first, second, "vico"),
    }
    missing = {"expression": [4], "styleheat": [5], "vico": [5, 6]}
    for name, values in got.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-13)
        assert values.isnan().nonzero().flatten().tolist() == missing[name]


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"\(T, 257\), got \(3, 73\)"):
        average_expression_distance(torch.zeros(3, 73), torch.zeros(3, 73))
    with pytest.raises(MismatchError, match=r"\(3, 257\) and \(2, 257\) of face coefficients"):
        average_pose_distance(torch.zeros(3, 257), torch.zeros(2, 257))
    with pytest.raises(InputError, match="'styleheat', 'vico', got 'thm'"):
        average_pose_distance(torch.zeros(3, 257), torch.zeros(3, 257), "thm")  # type: ignore[arg-type]
