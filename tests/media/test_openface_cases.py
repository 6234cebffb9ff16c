"""Tables as users have them, in shared/cases/openface and shared/openface_csv: the right value or message of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from thm_torchmetrics import TalkingHeadMetrics
from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.openface import ACTION_UNITS, ActionUnitTable, read_action_unit_table

SHARED = Path(__file__).resolve().parents[3] / "shared"
COLUMNS = [f"AU{unit}_r" for unit in ACTION_UNITS]
SUCCESSFUL = {"successful_only": True}


def folder(name: str) -> Path:
    path = SHARED / name
    if not path.is_dir():
        pytest.skip(f"there is no folder shared/{name} beside the repository")
    return path


@pytest.fixture
def cases() -> Path:
    return folder("cases/openface")


def read(path: Path, **options: Any) -> ActionUnitTable:
    return read_action_unit_table(path, **{"units": (), **options})


def error(preds: np.ndarray, target: np.ndarray, key: str = "aue") -> tuple[float, float]:
    """Return the value of a metric, measured beside the other two, and its coverage."""
    metrics = TalkingHeadMetrics(["aue", "aue-u", "aue-l"], align="truncate")
    metrics.update(preds_au=torch.from_numpy(preds), target_au=torch.from_numpy(target))
    return metrics.compute()[key].item(), metrics.members()[key].coverage


@pytest.mark.parametrize(
    ("name", "options", "scored"),
    [
        ("target", {}, 20),
        ("same", {}, 20),
        ("multi", {"face_id": 0}, 15),
        ("gap", {}, 15),
        ("nan", {}, 19),
        ("nan", SUCCESSFUL, 19),
        ("nan_ind", {}, 19),
        ("nan_ind", SUCCESSFUL, 19),
        ("empty", {}, 19),
        ("empty", SUCCESSFUL, 19),
        ("failed", SUCCESSFUL, 15),
        ("failed", {"min_confidence": 0.5}, 15),
        ("semicolon", {}, 20),
        ("semicolon_dot", {}, 20),
        ("tab", {}, 20),
        ("pandas", {}, 20),
        ("pandas", SUCCESSFUL, 20),
    ],
)
def test_tables_of_one_motion_have_no_error(cases: Path, name: str, options: Mapping[str, Any], scored: int) -> None:
    target, table = read(cases / "target.csv"), read(cases / f"{name}.csv", **options)
    assert table.rows.shape == (20, 17)
    assert error(table.rows, target.rows) == (0, scored / 20)
    if name != "pandas":  # which has no `timestamp`
        assert table.fps == 25
        np.testing.assert_allclose(table.times, np.arange(20) / 25)


def test_failed_rows_count_by_default_as_in_the_published_scripts(cases: Path) -> None:
    preds, target = (pd.read_csv(cases / f"{name}.csv", skipinitialspace=True) for name in ("failed", "target"))
    expected = ((preds[COLUMNS] - target[COLUMNS]) ** 2).mean().sum()
    rows = (read(cases / f"{name}.csv").rows for name in ("failed", "target"))
    assert error(*rows) == pytest.approx((expected, 1), rel=1e-12)


@pytest.mark.filterwarnings("ignore:.* is NaN")
def test_a_table_without_au45_feeds_the_lower_face_alone(cases: Path) -> None:
    table, target = read(cases / "no45.csv"), read(cases / "target.csv")
    assert table.absent == ("45",)
    assert error(table.rows, target.rows, "aue-l") == (0, 1)
    for key in ("aue", "aue-u"):
        value, coverage = error(table.rows, target.rows, key)
        assert np.isnan(value)
        assert coverage == 0


def test_a_picture_is_one_row_per_face(cases: Path) -> None:
    target = read(cases / "target.csv").rows
    for name, options, row in [("landmarkimg", {}, 0), ("landmarkimg_two", {"face_id": 1}, 1), ("one", {}, 0)]:
        np.testing.assert_array_equal(read(cases / f"{name}.csv", **options).rows, target[row : row + 1])


def test_twice_the_rows_are_twice_the_frames(cases: Path) -> None:
    double, target = read(cases / "double.csv", every=2), read(cases / "target.csv")
    assert error(double.rows, target.rows) == (0, 1)


def test_clocks_of_25_and_30_frames_per_second(cases: Path) -> None:
    """One motion: equal rows where both have a frame at the same time, every fifth of one and every sixth of the other.

    Paired by position it is 37.6; interpolated at the target's times, 0 but for the motion's curvature.
    """
    target, same, faster = (read(cases / f"{name}.csv") for name in ("t25", "p25", "p30"))
    assert (target.fps, same.fps, faster.fps) == (25, 25, 30)
    assert error(same.rows, target.rows) == (0, 1)
    assert error(faster.rows[:100], target.rows)[0] == pytest.approx(37.590591, rel=1e-6)
    assert target.times[::5] == pytest.approx(faster.times[::6])
    assert error(faster.rows[::6], target.rows[::5]) == (0, 1)
    between = np.stack([np.interp(target.times, faster.times, unit) for unit in faster.rows.T], axis=1)
    assert error(between, target.rows)[0] < 0.002


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("appended", {}, "line 22 is the header again: the file holds two tables"),
        ("cut", {}, r"row 12 \(line 13\), column AU09_r: .* 11 fields and the header 22; the file is cut off"),
        ("header_only", {}, "has no rows; run OpenFace's FeatureExtraction"),
        ("zero", {}, "has no rows"),
        ("multi", {}, "holds several faces, face_id 0, 1; choose one with face_id= "),
        ("multi", {"face_id": 2}, "holds no face with face_id 2; the ids are 0, 1"),
        ("landmarkimg_two", {}, "holds several faces, face 0, 1; choose one"),
        ("landmarkimg", SUCCESSFUL, "lacks the columns success; FaceLandmarkImg writes none"),
        ("no45", {"units": ACTION_UNITS}, "lacks the columns AU45_r; OpenFace writes all 17"),
        ("no_aus", {}, "lacks the columns AU01_r, AU02_r, .*with the option -aus"),
        ("negative", {}, r"row 1 \(line 2\), column AU02_r: .* got -0\.69; OpenFace was stopped before its last pass"),
        (
            "times100",
            {},
            r"row 1 \(line 2\), column AU01_r: .* got 191; a spreadsheet has dropped or moved the decimal",
        ),
        ("absent", {}, "there is no such file"),
    ],
)
def test_what_cannot_be_measured_is_named(cases: Path, name: str, options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(MediaError, match=rf"{name}\.csv: {message}"):
        read(cases / f"{name}.csv", **options)


def test_finished_tables_of_openface_are_read() -> None:
    root = folder("openface_csv")
    finished = [path for path in root.glob("*/*.csv") if path.parent.name != "interrupted"]
    assert finished
    for path in finished:
        frame = pd.read_csv(path, skipinitialspace=True)
        table = read_action_unit_table(path)
        np.testing.assert_array_equal(table.rows, frame[COLUMNS].to_numpy())
        np.testing.assert_allclose(table.times, frame.timestamp, atol=1e-9)
        assert table.fps == pytest.approx((len(frame) - 1) / frame.timestamp.iloc[-1], rel=0.005)


def test_interrupted_tables_of_openface_are_refused(tmp_path: Path) -> None:
    files = list(folder("openface_csv/interrupted").glob("*.csv"))
    assert files
    for path in files:
        with pytest.raises(MediaError, match=rf"{path.name}: row 1 .*OpenFace was stopped before its last pass"):
            read_action_unit_table(path)
        lines = path.read_text().splitlines()
        copy = tmp_path / "one.csv"
        for line in lines[1:]:  # also one frame alone
            copy.write_text("\n".join([lines[0], line]))
            with pytest.raises(MediaError, match="OpenFace was stopped before"):
                read_action_unit_table(copy)
