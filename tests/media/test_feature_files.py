"""Files of features: whole ones as NumPy reads them, damaged ones as our error."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media import feature_files
from thm_torchmetrics.media.feature_files import read_feature_file, read_features

ROWS = np.random.default_rng(0).normal(size=(20, 6))


def header(shape: str, dtype: str = "<f8", order: str = "False", version: bytes = b"\x01\x00") -> bytes:
    """The start of an ``.npy`` file, by the format's specification."""
    text = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    width = 2 if version == b"\x01\x00" else 4
    text += b" " * (-(len(text) + 9 + width) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">f8", "i1", "u2", "i8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_arrays_are_those_that_numpy_saved(tmp_path: Path, dtype: str, order: Any, save: Any) -> None:
    array = np.asarray(ROWS.reshape(5, 4, 6) * 50, order=order).astype(dtype, order=order)
    path = tmp_path / ("a.npy" if save is np.save else "a.npz")
    save(path, array)
    read = read_features(path, (4, 6))
    np.testing.assert_array_equal(read, array.astype(np.float64))
    assert read.dtype == (dtype if dtype in ("f4", "f8") else np.float64)
    assert read.flags.writeable
    assert read.flags.c_contiguous


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_versions_of_the_format(tmp_path: Path, version: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(header("(20, 6)", version=version) + ROWS.tobytes())
    np.testing.assert_array_equal(read_features(path), ROWS)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (header("(1000000000000, 6)"), r"its header claims \(1000000000000, 6\), 48,000,000,000,000 bytes in memory"),
        (header("(400000000, 6)", "<i1"), "19,200,000,000 bytes in memory"),
        (header("(21, 6)"), r"its header claims \(21, 6\) float64, 1,008 bytes, but 960 follow"),
        (header("(19, 6)"), r"its header claims \(19, 6\) float64, 912 bytes, but 960 follow"),
        (header("(-1, 6)"), r"T >= 1 are needed, got \(-1, 6\)"),
        (header("(20, 0)"), r"T >= 1 are needed, got \(20, 0\)"),
        (header("(20,)"), r"T >= 1 are needed, got \(20,\)"),
        (header("(nan, 6)"), r"is no \.npy or \.npz file"),
        (header("(1e400, 6)"), r"is no \.npy or \.npz file"),
        (header("(20.5, 6)"), r"is no \.npy or \.npz file"),
        (header("(20, 6)", "<c16"), "features must be real numbers, got complex128"),
        (header("(20, 6)", "|O"), "features must be real numbers, got object; save plain numbers"),
        (header("(20, 6)", "<U1"), "features must be real numbers, got <U1"),
        (header("(20, 6)", "|b1"), "features must be real numbers, got bool"),
        (header("(20, 6)", "<M8[s]"), "features must be real numbers"),
        (header("(20, 6)", version=b"\x09\x00"), r"is no \.npy or \.npz file"),
        (b"\x93NUMPY\x01\x00\xff\xff", r"is no \.npy or \.npz file"),
        (b"", r"is no \.npy or \.npz file"),
        (b"PK\x03\x04", r"is no \.npy or \.npz file"),
        (b"PK\x05\x06" + bytes(18), r"is no \.npy or \.npz file"),
    ],
)
def test_headers_that_cannot_be_features(tmp_path: Path, start: bytes, said: str) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(start + ROWS.tobytes())
    with pytest.raises(MediaError, match=rf"a\.npy: .*{said}") as error:
        read_features(path)
    assert "pickle" not in str(error.value)


def test_the_limit_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", ROWS)
    monkeypatch.setattr(feature_files, "MAX_BYTES", ROWS.nbytes - 1)
    with pytest.raises(MediaError, match="above 959"):
        read_features(tmp_path / "a.npy")
    monkeypatch.setattr(feature_files, "MAX_BYTES", ROWS.nbytes)
    read_features(tmp_path / "a.npy")


def test_a_packed_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("features.npy", "w") as member:
        member.write(header("(100000000, 60)"))
        for _ in range(64):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(MediaError, match=r"a\.npz: its header claims \(100000000, 60\), 48,000,000,000 bytes"):
        read_features(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(MediaError, match=r"pipe\.npy: is no file"):
        read_features(tmp_path / "pipe.npy")
    with pytest.raises(MediaError, match="is no file"):
        read_features(tmp_path)
    with pytest.raises(MediaError, match=r"absent\.npy: there is no such file"):
        read_features(tmp_path / "absent.npy")


@pytest.mark.parametrize("kind", ["npy", "npz", "packed"])
def test_damaged_files_give_an_array_or_our_error(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, ROWS)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(buffer, features=ROWS, other=ROWS[:2])
    data, rng, path = buffer.getvalue(), np.random.default_rng(3), tmp_path / f"a.{kind}"
    other = 0
    for _ in range(1000):
        copy = bytearray(data)
        for _ in range(rng.integers(1, 5)):
            copy[rng.integers(min(len(data), rng.choice([140, 400, len(data)])))] = rng.integers(256)
        path.write_bytes(copy[: rng.integers(len(copy))] if rng.random() < 0.2 else copy)
        try:
            array = read_features(path)
        except MediaError as error:
            assert str(path) in str(error)  # noqa: PT017
            assert "pickle" not in str(error)  # noqa: PT017
        else:
            assert array.dtype in (np.float32, np.float64)
            other += kind != "npy" and not (array.shape == ROWS.shape and (array == ROWS).all())
    assert not other  # an archive has a checksum


# ---- times and provenance

MADE_BY: dict[str, Any] = {
    "extractor": "deep3d", "face_landmarks": "fan", "face": "largest", "upsample": 0, "options": ["flip=False"],
    "checkpoints": ["deep3d", "fan2d"], "sha256": ["a" * 64, "b" * 64], "every": 2, "version": "0.1.0",
}  # fmt: skip


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_times_rate_and_provenance_are_read_back(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "a.npz", coefficients=ROWS, exp=ROWS[:, :2], times=np.arange(20) / 12.5, fps=12.5, **MADE_BY)
    read = read_feature_file(tmp_path / "a.npz", (6,))
    np.testing.assert_array_equal(read.rows, ROWS)
    assert read.times == tuple(i / 12.5 for i in range(20))
    assert read.fps == 12.5
    assert read.made_by == {name: tuple(held) if isinstance(held, list) else held for name, held in MADE_BY.items()}


def test_files_that_do_not_say_it(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS)
    np.savez(tmp_path / "b.npz", ROWS)
    np.savez(tmp_path / "c.npz", features=ROWS, version="mine", other=np.array([None]))
    for name in ("a.npy", "b.npz", "c.npz"):
        read = read_feature_file(tmp_path / name)
        assert (read.times, read.fps, read.made_by) == ((), None, {})


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"times": np.arange(19.0)}, "one finite time for each of 20 rows"),
        ({"times": np.full(20, np.nan)}, "one finite time for each of 20 rows"),
        ({"times": np.zeros((20, 2))}, "its times is float64"),
        ({"times": np.full(20, "a")}, "its times holds text"),
        ({"fps": 0}, "its fps is 0"),
        ({"fps": np.inf}, "its fps is inf"),
        ({"fps": "25"}, "its fps holds text"),
        ({"extractor": np.array([None])}, "its extractor is object"),
        ({"sha256": np.full((2, 2), "a")}, "its sha256 is <U1"),
    ],
)
def test_times_and_provenance_of_another_form_are_named(tmp_path: Path, held: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", features=ROWS, **held)
    with pytest.raises(MediaError, match=rf"a\.npz: .*{said}") as error:
        read_features(tmp_path / "a.npz")
    assert "pickle" not in str(error.value)


def test_a_bomb_among_the_facts_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", features=ROWS)
    with zipfile.ZipFile(tmp_path / "a.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("extractor.npy", header("(2000000000,)", "<U4"))
    with pytest.raises(MediaError, match="32,000,000,000 bytes in memory"):
        read_features(tmp_path / "a.npz")
