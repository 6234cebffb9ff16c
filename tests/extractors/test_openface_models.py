"""OpenFace's model files: read as they are published, refused if they are damaged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from parity.openface import linear_file, linear_models, models, point_model_file, write_files

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.extractors.openface_models import (
    read_linear_model,
    read_models,
    read_point_model,
    read_triangles,
)
from thm_torchmetrics.functional.openface_au import Models

NAMES = [part.file for part in weights.registry()["openface-au"].parts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "openface-au", NAMES)


def test_all_numbers_come_back(folder: Path) -> None:
    got, known = read_models(folder), models()
    for name in Models.__dataclass_fields__:
        first, second = getattr(got, name), getattr(known, name)
        torch.testing.assert_close(first, second.expand_as(first), rtol=0, atol=0, equal_nan=True)


def test_the_static_files_have_no_cutoff(tmp_path: Path) -> None:
    names = [part.file for part in weights.registry()["openface-au-static"].parts]
    assert read_models(write_files(tmp_path, names)).cutoffs.isnan().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_cut_anywhere_is_refused_by_name(folder: Path, name: str) -> None:
    body = (folder / name).read_bytes()
    draw = np.random.default_rng(len(body))
    # a text that is cut within its last number is a text of another number
    last = len(body.split()[-1]) + 2 if name.endswith(".txt") else 1
    for length in (0, 1, 3, *draw.integers(4, len(body) - last, 8), len(body) - last):
        (folder / name).write_bytes(body[:length])
        with pytest.raises(WeightsError, match=name):
            read_models(folder)


@pytest.mark.parametrize("name", NAMES[:3])
def test_bytes_after_the_end_are_refused(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b" 7 ")
    with pytest.raises(WeightsError, match=name):
        read_models(folder)


def changed(at: int, value: int | float, kind: str) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        number = np.array([value], kind).tobytes()
        return body[:at] + number + body[at + len(number) :]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed(0, 2, "<i4"), "its kind is 2"),
        (changed(4, 1.5, "<f8"), r"its cut-off is 1\.5"),
        (changed(4, np.nan, "<f8"), "its cut-off is nan"),
        (changed(12, -1, "<i4"), "a matrix of -1 rows"),
        (changed(12, 2**31 - 1, "<i4"), "cut short"),
        (changed(16, 4701, "<i4"), "damaged|matrices|cut short"),
        (changed(20, 5, "<i4"), "type 5"),
        (changed(24, np.inf, "<f8"), "NaN or infinity"),
        (changed(24 + 8 * 4702 + 12, np.nan, "<f8"), "NaN or infinity"),
        (lambda body: body[:-8] + np.array([np.nan], "<f8").tobytes(), "NaN or infinity"),
    ],
)
def test_numbers_that_cannot_be_are_refused(folder: Path, change: Callable[[bytes], bytes], said: str) -> None:
    path = next(folder.glob("AU_1_*.dat"))
    path.write_bytes(change(linear_file("01", dynamic=True)))
    with pytest.raises(WeightsError, match=said):
        read_models(folder)


def test_matrices_of_another_length_are_refused(folder: Path) -> None:
    path = next(folder.glob("AU_4_*.dat"))
    means, weights_, bias, _ = linear_models()["04"]
    parts = [np.array([0], "<i4")]
    for matrix in (means[None, :-1], weights_[:-1, None]):
        parts += [np.array([*matrix.shape, 6], "<i4"), matrix.astype("<f8")]
    path.write_bytes(b"".join(part.tobytes() for part in (*parts, np.array([bias], "<f8"))))
    assert read_linear_model(path).means.shape == (1, 4701)
    with pytest.raises(WeightsError, match=r"needs \(1, 4702\)"):
        read_models(folder)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("204\n1\n6\n", "203\n1\n6\n", "is no point model|damaged|cut short"),
        ("204\n1\n6\n", "204\n1\n5\n", "type 5"),
        ("204\n1\n6\n", "-204\n1\n6\n", "-204 rows"),
        ("204\n1\n6\n", "204\n1\n6\nmuch ", "could not convert"),
        ("204\n1\n6\n", "204\n1\n6\nnan ", "NaN or infinity"),
        ("204\n1\n6\n", "204\n1\n6\n0.5 ", "damaged|is no point model"),
    ],
)
def test_a_point_model_that_is_damaged_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "pdm.txt"
    path.write_text(point_model_file())
    assert [matrix.shape for matrix in read_point_model(path)] == [(204, 1), (204, 34), (1, 34)]
    assert old in point_model_file()
    path.write_text(point_model_file().replace(old, new, 1))
    with pytest.raises(WeightsError, match=said):
        read_point_model(path)


@pytest.mark.parametrize(
    "text", ["", "1 3 4", "1 3 4 0 1", "1 3 4 0 1 68", "1 3 4 0 1 -1", "1 2 4 0 1 2", "1 3 4 0 1 2.5"]
)
def test_triangles_that_are_damaged_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tris.txt"
    path.write_text("2 3 4\n0 1 2\n2 3 67\n")
    assert read_triangles(path).tolist() == [[0, 1, 2], [2, 3, 67]]
    path.write_text(text)
    with pytest.raises(WeightsError, match=r"tris\.txt"):
        read_triangles(path)


def test_a_folder_needs_one_file_per_unit(folder: Path) -> None:
    path = next(folder.glob("AU_12_*.dat"))
    (folder / "AU_12_other.dat").write_bytes(path.read_bytes())
    with pytest.raises(WeightsError, match=r"one file AU_12_\*\.dat, got AU_12_other\.dat, AU_12_static"):
        read_models(folder)
    (folder / "AU_12_other.dat").unlink()
    path.unlink()
    with pytest.raises(WeightsError, match=r"AU_12_\*\.dat, got none"):
        read_models(folder)
