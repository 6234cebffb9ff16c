"""``thm landmarks``: the sheet shows what was found."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from skimage.data import astronaut

from thm_torchmetrics.cli import main
from thm_torchmetrics.media.write import write_video


def landmarks(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["landmarks", *map(str, arguments), "--extractor", "dlib"])


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Four frames with a face, four without."""
    face = np.ascontiguousarray(astronaut()[:256, 96:352])
    path = tmp_path / "video.mp4"
    write_video(path, [face] * 4 + [np.zeros_like(face)] * 4, 25)
    return path


def greens(sheet: np.ndarray) -> int:
    return int(((sheet[..., 1] > 200) & (sheet[..., 0] < 60)).sum())


def test_points_are_drawn_where_there_is_a_face(video: Path, tmp_path: Path) -> None:
    result = landmarks(video, "-o", tmp_path / "sheet.png", "--frames", 8)
    assert result.exit_code == 0, result.output
    assert "8 frames, 4 without a face" in result.stderr
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (640, 1280, 3)
    assert greens(sheet[:320]) > 1000
    assert greens(sheet[320:]) == 0


def test_all_landmarks_go_to_a_file(video: Path, tmp_path: Path) -> None:
    assert landmarks(video, "-o", tmp_path / "points.npy").exit_code == 0
    points = np.load(tmp_path / "points.npy")
    assert points.shape == (8, 68, 2)
    assert np.isnan(points).all(axis=(1, 2)).tolist() == [False] * 4 + [True] * 4


def test_bad_input_is_named(video: Path, tmp_path: Path) -> None:
    result = landmarks(tmp_path / "absent.mp4", "-o", tmp_path / "sheet.png")
    assert result.exit_code == 1
    assert "absent.mp4" in result.stderr
    result = landmarks(video, "-o", tmp_path / "sheet.doc")
    assert result.exit_code == 2
    assert "sheet.doc" in result.stderr
