"""``thm extract``: files that metrics read, and the sheet of drawn landmarks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli.words import words
from click.testing import CliRunner, Result
from parity.seeded import seeded_state
from PIL import Image
from skimage.data import astronaut

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.extractors import release
from thm_torchmetrics.media.feature_files import read_feature_file
from thm_torchmetrics.media.video import VideoFile
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


# ---- several videos


def test_a_folder_is_extracted_with_the_network_loaded_once_and_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dlib = pytest.importorskip("dlib")
    data = make_sample(tmp_path / "data", clips=2, seconds=0.2, size=160)
    (data / "pred_video" / "sub").mkdir()
    (data / "gt_video" / "sub").mkdir()
    for side in ("pred_video", "gt_video"):
        (data / side / "portrait_02.mp4").rename(data / side / "sub" / "two.mp4")
    loaded: list[str] = []
    monkeypatch.setattr(dlib, "shape_predictor", _noted(dlib.shape_predictor, loaded))
    release()
    for name, key in (("landmarks", "lmd"), ("embeddings", "csim")):
        given = []
        for side, folder in (("preds", "pred_video"), ("target", "gt_video")):
            out = tmp_path / name / side
            out.parent.mkdir(exist_ok=True)
            thm("extract", name, data / folder, "-o", out, "--extractor", "dlib")
            assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["portrait_01.npz", "sub/two.npz"]
            given += [f"--{side}-features", f"{key}={out}"]
        direct = value(data, "--metrics", key, "--extractor", f"{key}=dlib")
        assert direct[key] is not None
        assert value("--metrics", key, *given)[key] == pytest.approx(direct[key], rel=1e-12)
    assert len(loaded) == 1


def _noted(load: Any, seen: list[str]) -> Any:
    def noted(file: str) -> Any:
        seen.append(file)
        return load(file)

    return noted


def test_what_made_the_landmarks_decides_whether_they_are_compared(video: Path, tmp_path: Path) -> None:
    """AED of one clip was 0.0011, and 0.2027 with landmarks of another network, without a word."""
    pytest.importorskip("dlib")
    for name, options in {
        "plain": [],
        "first": ["--face", "first"],
        "two": ["--upsample", 1],
        "half": ["--every", 2],
    }.items():
        assert landmarks(video, "-o", tmp_path / f"{name}.npz", *options).exit_code == 0

    def errors(target: str) -> str | None:
        given = [f"--preds-features=lmd={tmp_path / 'plain.npz'}", f"--target-features=lmd={tmp_path / target}.npz"]
        result = CliRunner().invoke(main, ["score", "--metrics", "lmd", *given, "--format", "json"])
        clip: dict[str, Any] = json.loads(result.stdout)["clips"][0]
        return clip["error"]

    assert errors("plain") is None
    assert "face: largest and first" in str(errors("first"))
    assert "upsample: 0 and 1" in str(errors("two"))
    assert "every: 1 and 2" in str(errors("half"))


def test_the_file_says_what_made_it(video: Path, tmp_path: Path) -> None:
    file = tmp_path / "points.npz"
    assert landmarks(video, "-o", file, "--face", "center", "--upsample", 1).exit_code == 0
    read = read_feature_file(file, (68, 2))
    assert read.fps == 25
    assert read.times == pytest.approx(np.arange(8) / 25)
    assert (read.made_by["extractor"], read.made_by["face"], read.made_by["upsample"]) == ("dlib", "center", 1)
    embeddings = tmp_path / "embeddings.npz"
    thm("extract", "embeddings", video, "-o", embeddings, "--extractor", "dlib", "--upsample", 1, "--face", "last")
    made_by = read_feature_file(embeddings).made_by
    assert (made_by["face_landmarks"], made_by["face"], made_by["upsample"]) == ("dlib", "last", 1)


def test_one_broken_video_is_named_at_the_end_and_the_others_are_written(video: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    out = tmp_path / "out"
    result = landmarks(tmp_path / "broken.mp4", video, "-o", out)
    assert result.exit_code == 3
    assert [path.name for path in out.iterdir()] == ["video.npz"]
    *_, head, last = result.stderr.strip().splitlines()
    assert head == "1 of 2 videos failed, and the others are written:"
    assert "broken.mp4" in last
    assert len(np.load(out / "video.npz")["landmarks"]) == 8


def test_pictures_have_the_rate_that_is_given(video: Path, tmp_path: Path) -> None:
    frames = [frame for frame, _ in VideoFile(video).frames()]
    for clip in ("one", "two"):
        (tmp_path / "clips" / clip).mkdir(parents=True)
        for i, frame in enumerate(frames):
            Image.fromarray(frame).save(tmp_path / "clips" / clip / f"{i:03}.png")
    single = tmp_path / "single.npz"
    assert landmarks(tmp_path / "clips" / "one", "-o", single, "--fps", 50).exit_code == 0
    assert landmarks(tmp_path / "clips", "-o", tmp_path / "all", "--fps", 50).exit_code == 0
    assert landmarks(tmp_path / "clips" / "one" / "%03d.png", "-o", tmp_path / "all", "--fps", 50).exit_code == 0
    direct = tmp_path / "direct.npy"
    assert landmarks(video, "-o", direct).exit_code == 0
    for file in (single, tmp_path / "all" / "one.npz", tmp_path / "all" / "two.npz"):
        read = read_feature_file(file)
        assert (read.fps, read.times[-1]) == (50, pytest.approx(7 / 50))
        np.testing.assert_array_equal(read.rows, np.load(direct))


@pytest.mark.parametrize(
    ("sources", "output", "said"),
    [
        (["video.mp4", "other.mp4"], "out.npz", "there are 2 videos, so --output must be a folder"),
        (["video.mp4", "a/video.mp4"], "out", "are both the clip 'video'"),
        (["video.mp4", "other.mp4"], "absent/out", "there is no folder"),
        (["video.mp4"], "absent/out.npz", "there is no folder"),
        (["video.mp4", "other.mp4"], "other.mp4", "is a file"),
        (["empty"], "out", "holds no file that ends in"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: list[str], output: str, said: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("video.mp4", "other.mp4", "a/video.mp4"):
        (tmp_path / name).touch()
    monkeypatch.setattr("thm_torchmetrics.extractors.make_extractor", lambda *a, **k: pytest.fail("it began to work"))
    result = landmarks(*(tmp_path / source for source in sources), "-o", tmp_path / output)
    assert result.exit_code == 2
    assert said in words(result.stderr)


def test_options_without_effect_are_refused(video: Path, tmp_path: Path) -> None:
    asked = ["extract", "landmarks", video, "-o", tmp_path / "a.npz", "--extractor", "dlib", "--landmarks", "dlib"]
    result = CliRunner().invoke(main, [str(part) for part in asked])
    assert result.exit_code == 2
    assert "--landmarks dlib" in result.stderr
    asked = ["extract", "landmarks", video, "-o", tmp_path / "a.npz", "--extractor", "fan", "--upsample", 1]
    unread = tmp_path / "unread.pth"
    torch.save({"a": torch.zeros(1)}, unread)
    asked += [f"--weights=fan2d={unread}", f"--weights=fan-s3fd={unread}"]
    result = CliRunner().invoke(main, [str(part) for part in asked])
    assert result.exit_code == 2
    said = words(result.stderr)
    assert "--upsample 1: only dlib's landmarks take it; leave it out" in said


def test_a_bad_network_is_one_line_and_nothing_is_written(video: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pth"
    torch.save({"a": torch.zeros(1)}, bad)
    asked = ["extract", "coefficients", video, video, "-o", tmp_path / "out", "--landmarks", "dlib"]
    result = CliRunner().invoke(main, [*map(str, asked), "--weights", f"deep3d={bad}"])
    assert result.exit_code == 1
    assert "does not fit the network" in result.stderr
    assert not (tmp_path / "out").exists()
