"""Tables of OpenFace against pandas."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.openface import ACTION_UNITS, read_action_units

COLUMNS = [f"AU{unit}_r" for unit in ACTION_UNITS]


def table(count: int = 6, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    head = {"frame": range(1, count + 1), "face_id": 0, "timestamp": np.arange(count) / 25}
    head |= {"confidence": 0.98, "success": 1}
    units = pd.DataFrame(rng.uniform(0, 5, (count, 17)).round(2), columns=COLUMNS)
    marks = pd.DataFrame(0.0, index=range(count), columns=["AU01_c", "AU28_c"])
    return pd.concat([pd.DataFrame(head), units, marks], axis=1)


def write(path: Path, frame: pd.DataFrame, blank: str = " ") -> Path:
    lines = [f",{blank}".join(frame.columns)]
    lines += [f",{blank}".join(str(value) for value in row) for row in frame.itertuples(index=False)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_order() -> None:
    assert " ".join(ACTION_UNITS) == "01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45"


@pytest.mark.clips
@pytest.mark.parametrize("name", ["openface_au_a.csv", "openface_full_old.csv"])
def test_real_tables(clips: Path, name: str) -> None:
    check(clips / "misc" / name)


@pytest.mark.clips
def test_another_real_table(clips_extra: Path) -> None:
    check(clips_extra / "misc/openface_au_b.csv")


def check(path: Path) -> None:
    units = read_action_units(path)
    frame = pd.read_csv(path).rename(columns=str.strip)
    assert units.dtype == np.float64
    np.testing.assert_array_equal(units, frame[COLUMNS].to_numpy())


@pytest.mark.parametrize("blank", ["", " ", "\t  "])
def test_layouts(tmp_path: Path, blank: str) -> None:
    frame = table()
    expected = frame[COLUMNS].to_numpy()
    np.testing.assert_array_equal(read_action_units(str(write(tmp_path / "a.csv", frame, blank))), expected)
    old = frame.drop(columns="face_id").sample(frac=1, axis=1, random_state=0)
    np.testing.assert_array_equal(read_action_units(write(tmp_path / "b.csv", old, blank)), expected)
    bare = frame[COLUMNS]
    np.testing.assert_array_equal(read_action_units(write(tmp_path / "c.csv", bare, blank)), expected)


def test_windows_line_ends_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n \r\n")
    np.testing.assert_array_equal(read_action_units(path), table()[COLUMNS].to_numpy())


def test_failed_rows_become_nan_and_stay(tmp_path: Path) -> None:
    frame = table()
    frame.loc[[1, 4], "success"] = 0
    frame.loc[2, "confidence"] = 0.3
    frame.loc[3, "confidence"] = 0.7
    path = write(tmp_path / "a.csv", frame)
    plain = frame[COLUMNS].to_numpy()

    def but(*rows: int) -> np.ndarray:
        expected = plain.copy()
        expected[list(rows)] = np.nan
        return expected

    np.testing.assert_array_equal(read_action_units(path), plain)
    np.testing.assert_array_equal(read_action_units(path, successful_only=True), but(1, 4))
    np.testing.assert_array_equal(read_action_units(path, min_confidence=0.7), but(2))
    np.testing.assert_array_equal(read_action_units(path, successful_only=True, min_confidence=0.8), but(1, 2, 3, 4))


def test_several_faces(tmp_path: Path) -> None:
    first, second = table(seed=1), table(seed=2).assign(face_id=3)
    both = pd.concat([first, second]).sort_values("frame", kind="stable")
    path = write(tmp_path / "a.csv", both)
    with pytest.raises(MediaError, match=r"a\.csv: holds several faces, face_id 0, 3; choose one"):
        read_action_units(path)
    with pytest.raises(MediaError, match=r"a\.csv: holds no face with face_id 1; there are 0, 3"):
        read_action_units(path, face_id=1)
    np.testing.assert_array_equal(read_action_units(path, face_id=0), first[COLUMNS].to_numpy())
    np.testing.assert_array_equal(read_action_units(path, face_id=3), second[COLUMNS].to_numpy())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns=["AU06_r", "AU45_r"]), "lacks the columns AU06_r, AU45_r"),
        (lambda frame: frame.rename(columns={"AU04_r": "AU4_r"}), "lacks the columns AU04_r"),
        (lambda frame: frame.assign(AU09_r=[0, 1, "x", 3, 4, 5]), r"row 3 \(line 4\), column AU09_r: .* got 'x'"),
        (lambda frame: frame.assign(AU45_r=[0, 1, 2, 3, "", 5]), r"row 5 \(line 6\), column AU45_r: .* got ''"),
        (lambda frame: frame.assign(AU01_r=[float("nan"), 1, 2, 3, 4, 5]), r"row 1 \(line 2\), column AU01_r"),
        (lambda frame: frame.assign(AU01_r=[1, 1, 2, 3, 4, "inf"]), r"row 6 \(line 7\), column AU01_r"),
        (lambda frame: frame.assign(face_id=["0", "?", "0", "0", "0", "0"]), r"row 2 \(line 3\), column face_id"),
        (lambda frame: frame[:0], "has no rows"),
    ],
)
def test_faulty_tables(tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str) -> None:
    path = write(tmp_path / "faulty.csv", change(table()))
    with pytest.raises(MediaError, match=rf"faulty\.csv: {message}"):
        read_action_units(path)


def test_short_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table())
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n6, 0, 0.2, 0.98, 1, 0.1\n")
    with pytest.raises(MediaError, match=r"row 6 \(line 7\), column AU02_r: a number is needed, got ''"):
        read_action_units(path)


def test_filter_needs_its_column(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table().drop(columns=["success", "confidence"]))
    assert read_action_units(path).shape == (6, 17)
    with pytest.raises(MediaError, match="lacks the columns success"):
        read_action_units(path, successful_only=True)
    with pytest.raises(MediaError, match="lacks the columns confidence"):
        read_action_units(path, min_confidence=0.5)


def test_what_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(MediaError, match="no such file"):
        read_action_units(path)
    path.write_bytes(b"")
    with pytest.raises(MediaError, match="has no rows"):
        read_action_units(path)
    path.write_bytes(bytes(range(256)))
    with pytest.raises(MediaError, match=r"a\.csv: is no table"):
        read_action_units(path)
    with pytest.raises(MediaError, match="is no table"):
        read_action_units(tmp_path)
