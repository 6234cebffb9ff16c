"""``thm extract``: files that metrics read, and the sheet of drawn landmarks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from parity.seeded import seeded_state
from PIL import Image
from skimage.data import astronaut

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.write import write_video


def landmarks(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["extract", "landmarks", *map(str, arguments), "--extractor", "dlib"])


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def value(*arguments: object) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads(thm("score", *arguments, "--format", "json").stdout)["metrics"]
    return {key: metric["value"] for key, metric in metrics.items()}


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


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=1, seconds=0.3, size=160)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    files = {name: folder / f"{name}.pth" for name in ("emonet8", "deep3d")}
    for name, file in files.items():
        torch.save(dict(seeded_state({"deep3d": "deep3d_resnet50"}.get(name, name))), file)
    return files


@pytest.mark.parametrize(
    ("name", "key", "options"),
    [("landmarks", "lmd", ["--extractor", "dlib"]), ("embeddings", "csim", ["--extractor", "dlib"])],
)
def test_a_metric_of_extracted_features_is_that_of_the_videos(
    sample: Path, tmp_path: Path, name: str, key: str, options: list[str]
) -> None:
    given = []
    for side, folder in (("preds", "pred_video"), ("target", "gt_video")):
        video = next((sample / folder).iterdir())
        (tmp_path / side).mkdir()
        thm("extract", name, video, "-o", tmp_path / side / f"{video.stem}.npz", *options)
        given += [f"--{side}-features", f"{key}={tmp_path / side}"]
    direct = value(sample, "--metrics", key, "--extractor", f"{key}=dlib")
    assert direct[key] is not None
    assert value("--metrics", key, *given)[key] == pytest.approx(direct[key], rel=1e-12)


def test_networks_of_the_face_and_their_provenance(sample: Path, seeded: dict[str, Path], tmp_path: Path) -> None:
    video = next((sample / "gt_video").iterdir())
    shapes = {"valence-arousal": (2,), "coefficients": (257,)}
    for name, checkpoint in (("valence-arousal", "emonet8"), ("coefficients", "deep3d")):
        file = tmp_path / f"{name}.npz"
        weights = ("--weights", f"{checkpoint}={seeded[checkpoint]}", "--landmarks", "dlib")
        thm("extract", name, video, "-o", file, *weights)
        with np.load(file) as arrays:
            held = dict(arrays)
        rows = held[name.replace("-", "_")]
        assert rows.shape[1:] == shapes[name]
        assert np.isfinite(rows).all(axis=1).sum() == len(rows) - held["missing"]
        assert list(held["checkpoints"]) == [checkpoint, "dlib-68"]
        assert (str(held["face_landmarks"]), held["every"], len(held["times"])) == ("dlib", 1, len(rows))
    assert np.array_equal(held["exp"], rows[:, 80:144], equal_nan=True)
    affect = tmp_path / "valence-arousal.npz"
    assert value(
        "--metrics", "v-rmse", "--preds-features", f"v-rmse={affect}", "--target-features", f"v-rmse={affect}"
    ) == {"v-rmse": 0}
