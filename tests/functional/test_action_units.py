"""AUE against pandas, on random intensities and on OpenFace's files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.action_units import ACTION_UNITS, LOWER, UPPER, action_unit_error, squared_errors

COLUMNS = [f"AU{unit}_r" for unit in ACTION_UNITS]
UPPER_FACE = ["AU01_r", "AU02_r", "AU04_r", "AU05_r", "AU06_r", "AU07_r", "AU09_r", "AU45_r"]
LOWER_FACE = ["AU10_r", "AU12_r", "AU14_r", "AU15_r", "AU17_r", "AU20_r", "AU23_r", "AU25_r", "AU26_r"]


def intensities(seed: int, frames: int = 50) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(0, 5, (frames, 17)).round(2))


def by_pandas(preds: Tensor, target: Tensor, columns: list[str]) -> float:
    """Per column the mean over whole rows of the squared difference, summed over columns, as one would write it."""
    first, second = (pd.DataFrame(np.asarray(side, dtype=np.float64), columns=COLUMNS) for side in (preds, target))
    return float(((first[columns] - second[columns]) ** 2).dropna().mean().sum())


def test_the_groups_are_those_of_the_upper_and_the_lower_face() -> None:
    assert [COLUMNS[unit] for unit in UPPER] == UPPER_FACE
    assert [COLUMNS[unit] for unit in LOWER] == LOWER_FACE


@pytest.mark.parametrize(("units", "columns"), [("all", COLUMNS), ("upper", UPPER_FACE), ("lower", LOWER_FACE)])
def test_error_of_a_group(units: str, columns: list[str]) -> None:
    preds, target = intensities(0), intensities(1)
    expected = by_pandas(preds, target, columns)
    assert action_unit_error(preds, target, units).item() == pytest.approx(expected, rel=1e-12)
    mean = action_unit_error(preds, target, units, reduction="mean").item()
    assert mean == pytest.approx(expected / len(columns), rel=1e-12)


def test_squared_errors_are_float64_of_any_dtype() -> None:
    preds, target = intensities(0), intensities(1)
    expected = (preds.numpy() - target.numpy()) ** 2
    assert torch.equal(squared_errors(preds, target), torch.from_numpy(expected))
    single = squared_errors(preds.to(torch.float32), target)
    assert single.dtype == torch.float64
    np.testing.assert_allclose(single, expected, atol=1e-5)
    whole = squared_errors(preds.to(torch.int64), torch.zeros(50, 17, dtype=torch.bfloat16))
    assert torch.equal(whole, preds.trunc().square())


@pytest.mark.parametrize(("units", "columns"), [("all", COLUMNS), ("upper", UPPER_FACE), ("lower", LOWER_FACE)])
@pytest.mark.parametrize("seed", range(5))
def test_a_row_that_lacks_a_unit_of_the_group_is_left_out(units: str, columns: list[str], seed: int) -> None:
    """And no other: `dropna` of pandas on the columns of the group."""
    preds, target = intensities(2 * seed), intensities(2 * seed + 1)
    draw = torch.Generator().manual_seed(seed)
    for side in (preds, target):
        side[torch.rand(side.shape, generator=draw) < 0.03] = torch.nan
    assert torch.equal(squared_errors(preds, target).isnan(), preds.isnan() | target.isnan())
    expected = by_pandas(preds, target, columns)
    assert expected > 0
    assert action_unit_error(preds, target, units).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("unit", range(len(ACTION_UNITS)))
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-0.01, r"an intensity of -0\.01, the first in row 2 for {unit}, need 0\.\.5; .* OpenFace .* run it again"),
        (-1.0, "an intensity of -1, the first in row 2 for {unit}, need 0..5; mark a frame without a face by NaN"),
        (5.01, r"an intensity of 5\.01, the first in row 2 for {unit}, need 0\.\.5; divide"),
        (191.0, "an intensity of 191, the first in row 2 for {unit}, need 0..5; divide them"),
        (torch.inf, "infinite intensities, the first in row 2 for {unit}, need 0..5; mark"),
        (-torch.inf, "infinite intensities, the first in row 2 for {unit}"),
    ],
)
def test_an_intensity_out_of_range_is_named(unit: int, value: float, message: str) -> None:
    good = intensities(0, 4)
    bad = good.clone()
    bad[2, unit] = value
    bad[3] = value
    message = message.format(unit=f"AU{ACTION_UNITS[unit]}")
    with pytest.raises(InputError, match=f"`preds` holds {message}"):
        squared_errors(bad, good)
    with pytest.raises(InputError, match=f"`target` holds {message}"):
        action_unit_error(good, bad, "lower")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_rounding_leaves_no_intensity_out_of_range(dtype: torch.dtype) -> None:
    ends = torch.tensor([0.0, 5.0]).repeat_interleave(17).reshape(2, 17)
    beside = torch.nextafter(ends, torch.tensor([[-1.0], [6.0]])).to(dtype)
    assert squared_errors(beside, ends).max() < 1e-6
    squared_errors((intensities(0) - 1e-5).to(dtype), intensities(0))


def test_no_frame_left_is_nan() -> None:
    assert action_unit_error(torch.zeros(0, 17), torch.zeros(0, 17)).isnan()
    assert action_unit_error(torch.full((3, 17), torch.nan), torch.zeros(3, 17)).isnan()


def test_bad_input_is_named() -> None:
    good = torch.zeros(4, 17)
    with pytest.raises(InputError, match=r"`preds`.*01 02 04.*\(T, 17\), got \(4, 18\)"):
        squared_errors(torch.zeros(4, 18), good)
    with pytest.raises(InputError, match=r"`target`.*\(2, 4, 17\)"):
        squared_errors(good, torch.zeros(2, 4, 17))
    with pytest.raises(MismatchError, match=r"\(4, 17\) and \(5, 17\)"):
        squared_errors(good, torch.zeros(5, 17))
    with pytest.raises(InputError, match=r"`units`.*'mouth'"):
        action_unit_error(good, good, units="mouth")
    with pytest.raises(InputError, match=r"`reduction`.*'max'"):
        action_unit_error(good, good, reduction="max")


@pytest.mark.clips
@pytest.mark.parametrize(("units", "columns"), [("all", COLUMNS), ("upper", UPPER_FACE), ("lower", LOWER_FACE)])
def test_real_openface_files(clips: Path, units: str, columns: list[str]) -> None:
    """Two stretches of one recording stand for prediction and ground truth; no real pair could be had."""
    table = pd.read_csv(clips / "misc" / "openface_au_a.csv", skipinitialspace=True)[COLUMNS]
    preds, target = table[:2000].reset_index(drop=True), table[2000:4000].reset_index(drop=True)
    expected = ((preds[columns] - target[columns]) ** 2).mean().sum()
    assert expected > 0.1
    value = action_unit_error(torch.from_numpy(preds.to_numpy()), torch.from_numpy(target.to_numpy()), units)
    assert value.item() == pytest.approx(expected, rel=1e-12)
