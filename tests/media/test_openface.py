"""Tables of OpenFace against pandas."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.functional import action_units as functional
from thm_torchmetrics.media.openface import ACTION_UNITS, read_action_unit_table, read_action_units

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
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_order() -> None:
    assert " ".join(ACTION_UNITS) == "01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45"
    assert functional.ACTION_UNITS == ACTION_UNITS


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
    expected = frame[COLUMNS].to_numpy(copy=True)
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
    with pytest.raises(MediaError, match=r"a\.csv: holds no face with face_id 1; the ids are 0, 3"):
        read_action_units(path, face_id=1)
    np.testing.assert_array_equal(read_action_units(path, face_id=0), first[COLUMNS].to_numpy())
    np.testing.assert_array_equal(read_action_units(path, face_id=3), second[COLUMNS].to_numpy())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns=["AU06_r", "AU45_r"]), "lacks the columns AU06_r, AU45_r"),
        (lambda frame: frame.rename(columns={"AU04_r": "AU4_r"}), "lacks the columns AU04_r"),
        (lambda frame: frame.assign(AU09_r=[0, 1, "x", 3, 4, 5]), r"row 3 \(line 4\), column AU09_r: .* got 'x'"),
        (lambda frame: frame.assign(face_id=["0", "?", "0", "0", "0", "0"]), r"row 2 \(line 3\), column face_id"),
        (lambda frame: frame.assign(face_id=["0", "", "0", "0", "0", "0"]), r"row 2 \(line 3\), column face_id"),
        (lambda frame: frame.assign(frame=[1, 2, 3, 4, "", 6]), r"row 5 \(line 6\), column frame: a whole number"),
        (lambda frame: frame.assign(frame=[1, 2, 2.5, 3, 4, 5]), r"row 3 \(line 4\), column frame: a whole number"),
        (lambda frame: frame.assign(timestamp=[0, 1, "?", 3, 4, 5]), r"row 3 \(line 4\), column timestamp"),
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
    with pytest.raises(MediaError, match=r"lacks the columns success; FaceLandmarkImg writes none.*the file has frame"):
        read_action_units(path, successful_only=True)
    with pytest.raises(MediaError, match="lacks the columns confidence; leave out min_confidence"):
        read_action_units(path, min_confidence=0.5)


@pytest.mark.parametrize("text", ["", "nan", "-nan(ind)", "inf", "#N/A"])
def test_a_row_without_values_is_a_row_of_nan(tmp_path: Path, text: str) -> None:
    frame = table()
    expected = frame[COLUMNS].to_numpy(copy=True)
    expected[3], expected[5, 16] = np.nan, np.nan
    shown = frame.astype(object)
    shown.loc[3, COLUMNS] = text
    shown.loc[5, "AU45_r"] = text
    np.testing.assert_array_equal(read_action_units(write(tmp_path / "a.csv", shown)), expected)
    bare = write(tmp_path / "b.csv", shown[COLUMNS], blank="")
    np.testing.assert_array_equal(read_action_units(bare), expected)


def test_a_failed_row_without_a_number_is_no_reason_to_keep_it(tmp_path: Path) -> None:
    """NaN is neither below a confidence nor equal to 0."""
    frame = table().astype(object)
    frame.loc[2, ["confidence", "success"]] = "nan"
    path = write(tmp_path / "a.csv", frame)
    for options in ({"successful_only": True}, {"min_confidence": 0.5}):
        rows = read_action_units(path, **options)
        assert np.isnan(rows).all(axis=1).tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_placed_by_their_frame(tmp_path: Path, seed: int) -> None:
    """Whatever rows are left out, in whatever order, and whether counted from 0 or from 1: pandas' reindex."""
    draw = np.random.default_rng(seed)
    base = seed % 2
    whole = table(30, seed).assign(frame=range(base, 30 + base))
    kept = whole[draw.random(30) < 0.7]
    if base == 0:
        kept = pd.concat([whole[:1], kept[kept.frame > 0]])  # else nothing tells that frames start at 0
    path = write(tmp_path / "a.csv", kept.sample(frac=1, random_state=seed))
    span = range(base, kept.frame.max() + 1)
    expected = kept.set_index("frame").reindex(span)
    read = read_action_unit_table(path)
    np.testing.assert_array_equal(read.rows, expected[COLUMNS].to_numpy())
    assert read.fps == 25
    np.testing.assert_allclose(read.times, np.arange(len(span)) / 25, atol=1e-9)
    for every in (2, 3, 7, 40):
        some = read_action_unit_table(path, every=every)
        np.testing.assert_array_equal(some.rows, expected[COLUMNS].to_numpy()[::every])
        assert some.times == read.times[::every]
        assert some.fps == 25


def test_a_face_keeps_its_frames_beside_others(tmp_path: Path) -> None:
    """FaceLandmarkVidMulti writes no row for a face that it has lost; the rows of the others tell the frames."""
    lost, other = table(10, seed=1).drop(index=[0, 4, 5, 9]), table(10, seed=2).assign(face_id=1)
    path = write(tmp_path / "a.csv", pd.concat([other, lost]))
    read = read_action_unit_table(path, face_id=0)
    expected = table(10, seed=1)[COLUMNS].to_numpy(copy=True)
    expected[[0, 4, 5, 9]] = np.nan
    np.testing.assert_array_equal(read.rows, expected)
    np.testing.assert_allclose(read.times, np.arange(10) / 25)
    from_zero = write(tmp_path / "b.csv", pd.concat([other, lost]).assign(frame=lambda rows: rows.frame - 1))
    np.testing.assert_array_equal(read_action_units(from_zero, face_id=0), expected)


def test_a_frame_twice_is_an_error_that_names_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table().assign(frame=[1, 2, 3, 4, 2, 6]))
    with pytest.raises(MediaError, match=r"a\.csv: lines 3 and 6 are both frame 2 of one face"):
        read_action_units(path)


@pytest.mark.parametrize("number", [10**9, 10**15, 10**30, -1])
def test_a_frame_number_out_of_bounds_is_an_error(tmp_path: Path, number: int) -> None:
    path = write(tmp_path / "a.csv", table().assign(frame=[1, 2, 3, 4, 5, number]))
    with pytest.raises(MediaError, match=r"row 6 \(line 7\), column frame: a (frame|whole) number .*got"):
        read_action_units(path)


def test_the_bound_can_be_raised_and_does_not_limit_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table().assign(frame=[1, 2, 3, 4, 5, 60]))
    with pytest.raises(MediaError, match=r"column frame: .* 0\.\.50 is needed, got 60; .* max_frames="):
        read_action_units(path, max_frames=50)
    assert len(read_action_units(path, max_frames=60)) == 60
    assert len(read_action_units(write(tmp_path / "b.csv", table()), max_frames=1)) == 6


def test_times_are_those_of_the_table_or_none(tmp_path: Path) -> None:
    frame = table(50)
    for times, rate in [(np.arange(50) / 30, 30), (np.zeros(50), None), (-np.arange(50) / 30, None)]:
        shown = frame.assign(timestamp=[f"{time:.3f}" for time in times])
        read = read_action_unit_table(write(tmp_path / "a.csv", shown))
        assert read.fps == rate
        assert (read.times is None) is (rate is None)
        if rate:
            np.testing.assert_allclose(read.times, times, atol=0.0005)
    read = read_action_unit_table(write(tmp_path / "a.csv", frame.drop(columns="timestamp")))
    assert (read.times, read.fps) == (None, None)


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_every_is_a_whole_number(tmp_path: Path, every: object) -> None:
    with pytest.raises(InputError, match="every must be a whole number of at least 1"):
        read_action_units(tmp_path / "a.csv", every=every)


def test_only_the_units_asked_for_are_needed(tmp_path: Path) -> None:
    frame = table()
    expected = frame[COLUMNS].to_numpy(copy=True)
    path = write(tmp_path / "a.csv", frame.drop(columns=["AU06_r", "AU45_r"]))
    expected[:, [4, 16]] = np.nan
    for units in ((), ["01"], [unit for unit in ACTION_UNITS if unit not in ("06", "45")]):
        read = read_action_unit_table(path, units=units)
        np.testing.assert_array_equal(read.rows, expected)
        assert read.absent == ("06", "45")
        read.require(units)
        with pytest.raises(MediaError, match=r"a\.csv: lacks the columns AU45_r; OpenFace writes all 17"):
            read.require(["01", "45"])
    with pytest.raises(MediaError, match=r"a\.csv: lacks the columns AU45_r; .*the file has frame, face_id,"):
        read_action_units(path, units=["01", "45"])
    with pytest.raises(MediaError, match=r"lacks the columns AU99_r"):
        read_action_units(path, units=["99"])
    with pytest.raises(MediaError, match=r"lacks the columns AU01_r, AU02_r, .*option -aus; the file has frame"):
        read_action_units(write(path, frame.drop(columns=COLUMNS)), units=())


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (-0.01, "OpenFace was stopped before its last pass"),
        (-2.21, "OpenFace was stopped before its last pass"),
        (-1, "if -1 marks frames without a face, leave their fields empty; if not, run OpenFace again"),
        (-999, "if -999 marks"),
        (5.01, "a spreadsheet has dropped or moved the decimal point"),
        (191, "a spreadsheet"),
        ("1e999", "a spreadsheet"),
    ],
)
@pytest.mark.parametrize("name", COLUMNS)
def test_an_intensity_outside_its_range_is_named(tmp_path: Path, name: str, value: object, cause: str) -> None:
    frame = table().astype(object)
    frame.loc[4, name] = value
    path = write(tmp_path / "a.csv", frame)
    got = f"{float(str(value)):g}"
    message = rf"a\.csv: row 5 \(line 6\), column {name}: an intensity is needed, 0\.\.5, got {got}; {cause}"
    with pytest.raises(MediaError, match=message):
        read_action_units(path)
    frame.loc[4, ["success", "confidence"]] = 0
    assert np.isnan(read_action_units(write(path, frame), successful_only=True)[4]).all()
    assert np.isnan(read_action_units(path, min_confidence=0.5)[4]).all()


@pytest.mark.parametrize("value", [-0.0, -1e-6, 0, 5, 5 + 1e-6])
def test_the_ends_of_the_range_are_in_it(tmp_path: Path, value: float) -> None:
    assert read_action_units(write(tmp_path / "a.csv", table().assign(AU12_r=value)))[:, 8] == pytest.approx(value)


def openface(path: Path, intensities: np.ndarray, presence: str) -> Path:
    """Write a table as OpenFace does: ``_r`` with two decimals, ``_c`` in the given format."""
    names = [f"AU{unit}_c" for unit in ACTION_UNITS]
    lines = ["frame, face_id, timestamp, confidence, success, " + ", ".join([*COLUMNS, *names])]
    for index, row in enumerate(intensities):
        fields = [f"{index + 1}, 0, {index / 25:.3f}, 0.98, 1"]
        fields += [f"{value:.2f}" for value in row] + [format(float(value > 1), presence) for value in row]
        lines.append(", ".join(fields))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("length", [1, 2, 5, 50])
def test_a_table_of_an_interrupted_run_is_refused_whatever_its_length(tmp_path: Path, length: int) -> None:
    """The first pass is not clipped; by chance its values may all be positive."""
    for seed, (low, high) in enumerate([(-2, 3), (0.01, 3)]):
        raw = np.random.default_rng(seed).uniform(low, high, (length, 17))
        path = openface(tmp_path / "a.csv", raw, ".1f")
        with pytest.raises(MediaError, match="OpenFace was stopped before"):
            read_action_units(path)
        failed = np.vstack([np.zeros((3, 17)), raw, np.full((1, 17), np.nan)])
        with pytest.raises(MediaError, match="OpenFace was stopped before"):
            read_action_units(openface(path, failed, ".1f"))


@pytest.mark.parametrize("length", [1, 2, 5, 50])
def test_finished_tables_are_read_whoever_has_written_them(tmp_path: Path, length: int) -> None:
    raw = np.random.default_rng(length).uniform(-2, 3, (length, 17))
    clipped = raw.clip(0, 5).round(2)
    path = openface(tmp_path / "a.csv", clipped, ".2f")
    for table in (path, openface(tmp_path / "multi.csv", clipped, ".1f")):  # FaceLandmarkVidMulti has one pass
        np.testing.assert_array_equal(read_action_units(table), clipped)
    positive = openface(tmp_path / "b.csv", raw.clip(0.01, 5), ".2f")
    np.testing.assert_array_equal(read_action_units(positive), raw.clip(0.01, 5).round(2))
    for name in (path, positive):  # pandas writes 1.00 as 1.0, and 0.30 as 0.3
        frame = pd.read_csv(name, skipinitialspace=True)
        frame.to_csv(tmp_path / "c.csv")
        np.testing.assert_array_equal(read_action_units(tmp_path / "c.csv"), frame[COLUMNS].to_numpy())


def test_faces_of_a_picture_are_no_frames(tmp_path: Path) -> None:
    """FaceLandmarkImg numbers them in a column of another name, and writes no `frame`."""
    frame = table(2).rename(columns={"face_id": "face"}).assign(face=[0, 1]).drop(columns=["frame", "success"])
    path = write(tmp_path / "a.csv", frame)
    with pytest.raises(MediaError, match="holds several faces, face 0, 1; choose one"):
        read_action_units(path)
    for face in (0, 1):
        np.testing.assert_array_equal(read_action_units(path, face_id=face), frame.loc[[face], COLUMNS].to_numpy())
    with pytest.raises(MediaError, match=r"lacks the columns success; FaceLandmarkImg writes none.*--au-successful"):
        read_action_units(path, face_id=0, successful_only=True)


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
