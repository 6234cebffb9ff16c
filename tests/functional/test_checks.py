"""Checks of shapes and options: they let pass what fits and name what does not."""

import pytest
import torch

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.checks import Axis, check_option, check_rows, check_shape, finite_or_nan, to_float64


@pytest.mark.parametrize(
    "shape", [("N", 68, 2), ("N", "K", 2), (3, 68, "D"), ("N", (5, 68), 2), ((3,), (68,), (1, 2)), ("a", "b", "c")]
)
def test_a_shape_that_fits_passes(shape: tuple[Axis, ...]) -> None:
    check_shape("landmarks", torch.zeros(3, 68, 2), shape, "landmarks")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (("N", 67, 2), "(N, 67, 2)"),
        (("N", 68), "(N, 68)"),
        (("N", "K", 2, 1), "(N, K, 2, 1)"),
        (("N", (5, 67), 2), "(N, 5 or 67, 2)"),
    ],
)
def test_another_shape_is_refused(shape: tuple[Axis, ...], text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_shape("landmarks", torch.zeros(3, 68, 2), shape, "points of a face")
    assert str(caught.value) == f"`landmarks` must be points of a face of shape {text}, got (3, 68, 2)"


def test_rows_of_both_sides_must_agree() -> None:
    check_rows(torch.zeros(0, 4), torch.zeros(0, 4), ("T", 4), "rows")
    check_rows(torch.zeros(3, 4, 2), torch.zeros(3, 4, 2), ("T", "K", 2), "points")
    with pytest.raises(InputError, match=r"`target` must be rows of shape \(T, 4\), got \(3, 5\)"):
        check_rows(torch.zeros(3, 4), torch.zeros(3, 5), ("T", 4), "rows")
    with pytest.raises(MismatchError, match=r"\(3, 4\) and \(2, 4\) of rows; cut the longer one"):
        check_rows(torch.zeros(3, 4), torch.zeros(2, 4), ("T", 4), "rows")
    with pytest.raises(MismatchError, match=r"\(3, 4\) and \(3, 5\) of rows; take both from one extractor"):
        check_rows(torch.zeros(3, 4), torch.zeros(3, 5), ("T", "D"), "rows")


def test_options_are_listed() -> None:
    check_option("norm", "l2", {"l1": 1, "l2": 2})
    with pytest.raises(InputError, match="`norm` must be one of 'l1', 'l2', got 'l3'"):
        check_option("norm", "l3", ("l1", "l2"))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bfloat16, torch.float32, torch.float64])
def test_to_float64_keeps_the_numbers(dtype: torch.dtype) -> None:
    values = torch.arange(5).to(dtype)
    assert torch.equal(to_float64(values), torch.tensor([0, 1, 2, 3, 4], dtype=torch.float64))


def test_to_float64_copies_nothing_in_vain() -> None:
    values = torch.zeros(3, dtype=torch.float64)
    assert to_float64(values) is values


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_what_is_not_finite_becomes_nan_and_all_else_keeps_its_value(dtype: torch.dtype) -> None:
    limits = torch.finfo(dtype)
    values = torch.tensor([0.0, -2.5, limits.tiny, 60000.0, torch.nan, torch.inf, -torch.inf], dtype=dtype)
    found = finite_or_nan(values)
    assert found.dtype == torch.float64
    assert torch.equal(found[:4], values[:4].double())
    assert found[4:].isnan().all()


def test_numbers_whose_squares_overflow_are_no_features() -> None:
    largest = torch.finfo(torch.float32).max
    values = torch.tensor([largest, -largest, 1e39, -1e200], dtype=torch.float64)
    assert finite_or_nan(values).tolist() == pytest.approx([largest, -largest, torch.nan, torch.nan], nan_ok=True)
    assert torch.equal(finite_or_nan(torch.arange(3)), torch.arange(3).double())


def test_no_shape_is_asked_of_what_holds_no_numbers() -> None:
    for value, words in (
        (torch.zeros(3, 4, dtype=torch.complex64), "complex64"),
        (torch.zeros(3, 4).to_sparse(), "dense"),
    ):
        with pytest.raises(InputError, match=words):
            check_shape("rows", value, ("N", 4), "rows")
