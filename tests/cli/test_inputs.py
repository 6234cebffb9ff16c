"""``thm score`` on folders, pictures, photos and pairs files: every file of an input is scored or named."""

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.video import VideoFile


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.4, size=128)


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["score", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def score(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = thm(*arguments, "--format", "json")
    return result.exit_code, json.loads(result.stdout)


def value(report: dict[str, Any], key: str = "psnr") -> float | None:
    number: float | None = report["metrics"][key]["value"]
    return number


def names(data: Path) -> list[str]:
    return sorted(path.stem for path in (data / "pred_video").iterdir())


def pictures_of(video: Path, folder: Path, form: str = "{:04}.png", first: int = 1) -> Path:
    folder.mkdir(parents=True)
    for i, (picture, _) in enumerate(VideoFile(video).frames()):
        Image.fromarray(picture).save(folder / form.format(i + first))
    return folder


def all_as_pictures(folder: Path, form: str = "{:04}.png") -> None:
    for video in sorted(folder.iterdir()):
        pictures_of(video, folder / video.stem, form)
        video.unlink()


# ---- what is passed over


@pytest.mark.parametrize("odd", ["gt_video/notes.txt", "pred_video/x.heic", "gt_au_csv/log.txt"])
def test_a_file_that_is_not_read_is_named_in_every_report(data: Path, odd: str) -> None:
    (data / odd).touch()
    metrics = ("--metrics", "psnr,aue")
    _, report = score(data, *metrics)
    name = Path(odd).name
    assert [note for note in report["notes"] if name in note and "passed over" in note] != []
    assert name in thm(data, *metrics).stderr
    assert value(report) is not None


def test_a_folder_that_cannot_be_read_is_an_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iterdir = Path.iterdir

    def refuse(self: Path) -> object:
        if self.name == "locked":  # the mode of a folder does not stop the superuser, who may run this test
            raise PermissionError(13, "Permission denied", str(self))
        return iterdir(self)

    for side in ("gt_video", "pred_video"):  # both: no clip would be unpaired
        (data / side / "locked").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    result = thm(data, "--metrics", "psnr")
    assert result.exit_code == 2
    assert "locked: cannot be searched (Permission denied)" in " ".join(result.stderr.split())


def test_linked_folders_and_unicode_forms_lose_no_clip(data: Path, sample: Path) -> None:
    for side, form in (("pred_video", "NFC"), ("gt_video", "NFD")):
        elsewhere = data / "elsewhere" / side
        elsewhere.mkdir(parents=True)
        (data / side / f"{names(sample)[0]}.mp4").rename(elsewhere / unicodedata.normalize(form, "José.mp4"))
        (data / side / "more").symlink_to(elsewhere)
    status, report = score(data, "--metrics", "psnr")
    assert status == 0
    assert [clip["clip"] for clip in report["clips"]] == ["more/José", names(sample)[1]]
    assert value(report) == value(score(sample, "--metrics", "psnr")[1])


# ---- pictures


@pytest.mark.parametrize("sides", [("pred_video",), ("gt_video",), ("pred_video", "gt_video")])
@pytest.mark.parametrize("form", ["{:04}.png", "frame_{}.bmp"])
def test_pictures_score_as_the_video_that_they_came_from(
    sample: Path, data: Path, sides: tuple[str, ...], form: str
) -> None:
    expected = score(sample, "--metrics", "psnr,ssim")[1]
    for side in sides:
        all_as_pictures(data / side, form)
    status, report = score(data, "--metrics", "psnr,ssim")
    assert status == 0
    assert report["clips"] == expected["clips"]
    assert value(report, "ssim") == value(expected, "ssim")


def test_a_single_clip_of_pictures_by_folder_and_by_pattern(sample: Path, tmp_path: Path) -> None:
    name = names(sample)[0]
    videos = [sample / side / f"{name}.mp4" for side in ("pred_video", "gt_video")]
    folder, target = pictures_of(videos[0], tmp_path / "frames"), videos[1]
    expected = value(score("--preds", videos[0], "--target", target, "--metrics", "psnr")[1])
    for preds in (folder, folder / "%04d.png"):
        status, report = score("--preds", preds, "--target", target, "--metrics", "psnr")
        assert (status, value(report)) == (0, expected)
        assert [clip["clip"] for clip in report["clips"]] == ["frames"]


def test_fps_is_the_rate_of_pictures(sample: Path, data: Path) -> None:
    all_as_pictures(data / "pred_video")
    status, report = score(data, "--metrics", "psnr", "--fps", 50)
    assert status in (3, 4)
    assert "50 frames per second and the target 25" in report["clips"][0]["error"]
    assert "--align time" in report["clips"][0]["error"]
    assert "--align truncate" in report["clips"][0]["error"]
    all_as_pictures(data / "gt_video")
    assert score(data, "--metrics", "psnr", "--fps", 50)[0] == 0


def test_a_faulty_folder_of_pictures_fails_alone(data: Path) -> None:
    bad, good = names(data)
    all_as_pictures(data / "pred_video")
    (data / "pred_video" / bad / "0003.png").unlink()
    status, report = score(data, "--metrics", "psnr")
    assert status == 3
    by_name = {clip["clip"]: clip for clip in report["clips"]}
    assert "missing between 0002.png and 0004.png" in by_name[bad]["error"]
    assert by_name[good]["status"] == "ok"


# ---- photos


@pytest.fixture
def photos(data: Path, tmp_path: Path) -> Path:
    """The first real frame of every clip, named as the clip."""
    for video in sorted((data / "gt_video").iterdir()):
        picture, _ = next(VideoFile(video).frames())
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / f"photos/{video.stem}.png")
    return tmp_path / "photos"


CSIM = ("--metrics", "csim", "--extractor", "csim=dlib", "--option")


def test_a_photo_of_every_clip(data: Path, photos: Path) -> None:
    """The first real frame as a photo, or taken from the video."""
    status, report = score("--preds", data / "pred_video", "--target", photos, *CSIM, "csim.reference=image")
    expected = score(
        "--preds", data / "pred_video", "--target", data / "gt_video", *CSIM, "csim.reference=target-first"
    )
    assert (status, expected[0]) == (0, 0)
    assert value(report, "csim") == pytest.approx(value(expected[1], "csim"), rel=1e-12)
    assert [clip["metrics"] for clip in report["clips"]] == [clip["metrics"] for clip in expected[1]["clips"]]


def test_one_photo_for_all_clips(data: Path, photos: Path) -> None:
    first, second = names(data)
    shutil.copy(photos / f"{first}.png", photos / f"{second}.png")
    photo = photos / f"{first}.png"
    paired = score("--preds", data / "pred_video", "--target", photos, *CSIM, "csim.reference=image")
    status, report = score("--preds", data / "pred_video", "--target", photo, *CSIM, "csim.reference=image")
    assert status == 0
    assert report["clips"] == paired[1]["clips"]


def test_a_photo_as_the_target_of_a_metric_by_frames_is_an_error(data: Path, photos: Path) -> None:
    status, report = score("--preds", data / "pred_video", "--target", photos, "--metrics", "psnr")
    assert status == 4
    assert "one frame" in report["clips"][0]["error"]
    assert "--option csim.reference=image" in report["clips"][0]["error"]


# ---- pairs files


def pairs_file(folder: Path, data: Path) -> Path:
    rows = [f"{name},data/pred_video/{name}.mp4,{data}/gt_video/{name}.mp4" for name in names(data)]
    path = folder / "pairs.csv"
    path.write_text("\n".join(["clip,preds,target", *rows]))
    return path


def test_pairs_by_a_file_are_those_of_the_folders(data: Path, tmp_path: Path) -> None:
    status, report = score("--pairs", pairs_file(tmp_path, data), "--metrics", "psnr,cpbd")
    assert status == 0
    assert report["clips"] == score(data, "--metrics", "psnr,cpbd")[1]["clips"]
    assert report["provenance"]["inputs"] == {"pairs": str(tmp_path / "pairs.csv")}


def test_metrics_whose_column_is_absent_are_skipped(data: Path, tmp_path: Path) -> None:
    status, report = score("--pairs", pairs_file(tmp_path, data), "--metrics", "psnr,aue")
    assert status == 3
    assert "needs preds_au" in report["skipped"]["aue"]


@pytest.mark.parametrize("other", [["DATA"], ["--preds", "x"], ["--target-au", "x"]])
def test_a_pairs_file_goes_with_no_folders(data: Path, tmp_path: Path, other: list[str]) -> None:
    result = thm(*(data if text == "DATA" else text for text in other), "--pairs", pairs_file(tmp_path, data))
    assert result.exit_code == 2
    assert f"so it does not go with {other[0]}" in " ".join(result.stderr.split())


def test_faults_of_a_pairs_file_are_found_before_the_work(data: Path, tmp_path: Path) -> None:
    path = pairs_file(tmp_path, data)
    path.write_text(path.read_text() + "\nx,gone.mp4,gone_too.mp4\ny,gone.mp4,\n")
    result = thm("--pairs", path, "--metrics", "psnr")
    assert result.exit_code == 2
    text = " ".join(result.stderr.split())
    assert all(part in text for part in ("line 4", "gone.mp4 does not exist", "gone_too.mp4", "line 5"))
    assert result.stdout == ""


def test_names_that_differ_by_a_suffix_lead_to_the_pairs_file(data: Path) -> None:
    for video in sorted((data / "pred_video").iterdir()):
        video.rename(video.with_name(f"{video.stem}_out.mp4"))
    result = thm(data, "--metrics", "psnr")
    assert result.exit_code == 4
    said = " ".join((result.stdout + result.stderr).split())
    assert 'names in pred_video end in "_out"' in said
    assert "--pairs FILE.csv" in said


# ---- values that are no values


def test_a_metric_named_without_a_value_is_no_success(data: Path) -> None:
    """A constant picture has no face; PSNR has a value."""
    for side in ("gt_video", "pred_video"):
        for name in names(data):
            (data / side / f"{name}.mp4").unlink(missing_ok=True)
            (data / side / name).mkdir(exist_ok=True)
            for i in range(3):
                Image.fromarray(np.full((64, 64, 3), 90 + i, np.uint8)).save(data / side / name / f"{i}.png")
    status, report = score(data, "--metrics", "psnr,lmd", "--extractor", "lmd=dlib")
    assert value(report) is not None
    assert value(report, "lmd") is None
    assert status == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-under", "psnr=nan"], "--fail-under psnr=nan: a number is needed"),
        (["--fail-under", "psnr=5", "--fail-under", "psnr=90"], "psnr has 5 already; give one value"),
        (["--fps", "0"], "--fps"),
        (["--align", "index"], "--align"),
    ],
)
def test_wrong_usage(sample: Path, arguments: list[str], message: str) -> None:
    result = thm(sample, "--metrics", "psnr", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
