"""The command line on files that the demo makes, good and broken."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas
import piq
import pytest
import torch
from click.testing import CliRunner, Result

from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video

OFFLINE = "psnr,ssim,cpbd,aue-u,aue-l,aue"


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.8, size=128)


def thm(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def score(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = thm("score", *arguments, "--format", "json")
    return result.exit_code, json.loads(result.stdout)


def names(data: Path) -> list[str]:
    return sorted(path.stem for path in (data / "pred_video").iterdir())


def read(path: Path) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    frames = []
    while (got := video.read())[0]:
        frames.append(cv2.cvtColor(got[1], cv2.COLOR_BGR2RGB))
    return frames


def test_a_whole_dataset(sample: Path) -> None:
    status, result = score(sample, "--metrics", OFFLINE)
    assert status == 0
    assert result["schema"] == 1
    assert list(result["metrics"]) == OFFLINE.split(",")
    assert result["skipped"] == {}
    assert [clip["clip"] for clip in result["clips"]] == names(sample)
    assert {clip["status"] for clip in result["clips"]} == {"ok"}
    values = []
    for name in names(sample):
        pairs = zip(read(sample / f"pred_video/{name}.mp4"), read(sample / f"gt_video/{name}.mp4"), strict=True)
        values.append([piq.psnr(*(torch.tensor(side).permute(2, 0, 1)[None] / 255 for side in pair)) for pair in pairs])
    psnr = result["metrics"]["psnr"]
    assert psnr["value"] == pytest.approx(np.mean(values), abs=1e-4)
    assert psnr["frames"] == np.size(values)
    assert (psnr["clips"], psnr["coverage"], psnr["left_out"]) == (2, 1.0, 0)
    for clip, own in zip(result["clips"], values, strict=True):
        assert clip["metrics"]["psnr"]["value"] == pytest.approx(np.mean(own), abs=1e-4)
        assert clip["metrics"]["psnr"]["frames"] == len(own)
    assert result["metrics"]["aue"]["detail"].keys() >= {"AU01", "AU45"}


def test_aue_is_that_of_pandas(sample: Path) -> None:
    _, result = score(sample, "--metrics", "aue-l")
    lower = [f"AU{number}_r" for number in ("10", "12", "14", "15", "17", "20", "23", "25", "26")]
    tables = [
        pandas.concat([pandas.read_csv(sample / side / f"{name}.csv", skipinitialspace=True) for name in names(sample)])
        for side in ("pred_au_csv", "gt_au_csv")
    ]
    squares = (tables[0][lower].to_numpy() - tables[1][lower].to_numpy()) ** 2
    assert result["metrics"]["aue-l"]["value"] == pytest.approx(squares.mean(axis=0).sum(), rel=1e-9)


def test_the_table_names_direction_protocol_and_coverage(sample: Path) -> None:
    result = thm("score", sample, "--metrics", "psnr,ssim:skimage")
    assert result.exit_code == 0
    for text in ("psnr", "↑", "dB", "piq", "ssim:skimage", "skimage", "100%"):
        assert text in result.stdout
    assert "Skipped" not in result.stdout
    assert result.stderr == ""


def test_every_report(sample: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"result{suffix}" for suffix in (".json", ".csv", ".md", ".tex")]
    assert thm("score", sample, "--metrics", "psnr,cpbd", *(a for p in paths for a in ("-o", p))).exit_code == 0
    value = json.loads(paths[0].read_text())["metrics"]["psnr"]["value"]
    table = pandas.read_csv(paths[1])
    assert table.loc[table["status"] == "total", "psnr"].item() == value
    assert len(table) == 3
    for path, digits in zip(paths[2:], (4, 2), strict=True):
        assert f"{value:.{digits}f}" in path.read_text()
    assert r"\uparrow" in paths[3].read_text()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_every_nth_frame(sample: Path) -> None:
    _, whole = score(sample, "--metrics", "psnr")
    _, third = score(sample, "--metrics", "psnr", "--every", 3)
    frames = whole["clips"][0]["metrics"]["psnr"]["frames"]
    assert third["clips"][0]["metrics"]["psnr"]["frames"] == -(-frames // 3)


def test_each_video_is_decoded_once(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    frames = VideoFile.frames
    monkeypatch.setattr(VideoFile, "frames", lambda self: (opened.append(self.path), frames(self))[1])
    assert score(sample, "--metrics", "psnr,ssim,ssim:skimage,cpbd")[0] == 0
    assert sorted(opened) == sorted(path for side in ("pred_video", "gt_video") for path in (sample / side).iterdir())


def test_a_metric_without_its_input_is_skipped_with_the_remedy(data: Path) -> None:
    shutil.rmtree(data / "pred_au_csv")
    status, result = score(data, "--suite", "talkinggaussian")
    assert status == 0
    assert "--preds-au" in result["skipped"]["aue-u"]
    assert result["metrics"]["psnr:mean-of-frames"]["value"] > 0
    status, result = score(data, "--metrics", "psnr,aue-u")
    assert status == 3
    assert "aue-u" in result["skipped"]


def _drop_target(data: Path, name: str) -> None:
    (data / f"gt_video/{name}.mp4").unlink()


def _truncate(data: Path, name: str) -> None:
    path = data / f"pred_video/{name}.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def _text(data: Path, name: str) -> None:
    (data / f"pred_video/{name}.mp4").write_text("this is no video\n" * 100)


def _empty(data: Path, name: str) -> None:
    (data / f"pred_video/{name}.mp4").write_bytes(b"")


def _other_size(data: Path, name: str) -> None:
    frames = [np.full((96, 112, 3), i, np.uint8) for i in range(20)]
    write_video(data / f"pred_video/{name}.mp4", frames, 25)


def _folder(data: Path, name: str) -> None:
    path = data / f"pred_video/{name}.mp4"
    path.unlink()
    path.symlink_to(data / "nowhere.mp4")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_drop_target, "no file for target"),
        (_truncate, ""),
        (_text, ""),
        (_empty, ""),
        (_other_size, "112x96"),
        (_folder, ""),
    ],
)
def test_a_faulty_clip_fails_alone(data: Path, damage: Callable[[Path, str], None], message: str) -> None:
    _, before = score(data, "--metrics", "psnr")
    bad, good = names(data)
    damage(data, bad)
    status, result = score(data, "--metrics", "psnr")
    assert status == 3
    failed, fine = sorted(result["clips"], key=lambda clip: clip["clip"] == good)
    assert failed["status"] == "failed"
    assert failed["error"].startswith("psnr: ")
    assert message in failed["error"]
    assert failed["metrics"] == {}
    kept = next(clip for clip in before["clips"] if clip["clip"] == good)
    assert fine == kept
    assert result["metrics"]["psnr"]["value"] == pytest.approx(kept["metrics"]["psnr"]["value"], rel=1e-12)
    table = thm("score", data, "--metrics", "psnr")
    assert "Failed" in table.stdout


def test_a_size_mismatch_spares_the_metrics_of_one_side(data: Path) -> None:
    bad = names(data)[0]
    _other_size(data, bad)
    _, result = score(data, "--metrics", "psnr,cpbd")
    clip = next(clip for clip in result["clips"] if clip["clip"] == bad)
    assert list(clip["metrics"]) == ["cpbd"]
    status, resized = score(data, "--metrics", "psnr", "--resize", "bilinear")
    assert status == 0
    assert resized["provenance"]["options"]["psnr"]["resize"] == "bilinear"


def test_lengths_that_differ(data: Path) -> None:
    name = names(data)[0]
    frames = [frame for frame, _ in VideoFile(data / f"gt_video/{name}.mp4").frames()]
    write_video(data / f"pred_video/{name}.mp4", frames[:-5], 25)
    status, result = score(data, "--metrics", "psnr")
    assert status == 0
    assert result["metrics"]["psnr"]["left_out"] == 5
    assert result["metrics"]["psnr"]["coverage"] == 1.0
    status, strict = score(data, "--metrics", "psnr", "--align", "error")
    assert status == 3
    assert f"{len(frames) - 5} frames and the target {len(frames)}" in strict["clips"][0]["error"]


def test_a_faulty_table_fails_alone(data: Path) -> None:
    bad, good = names(data)
    path = data / f"pred_au_csv/{bad}.csv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[7], " high", 1)
    path.write_text("\n".join(lines))
    status, result = score(data, "--metrics", "psnr,aue")
    assert status == 3
    by_name = {clip["clip"]: clip for clip in result["clips"]}
    assert bad in by_name[bad]["error"]
    assert list(by_name[bad]["metrics"]) == ["psnr"]
    assert by_name[good]["status"] == "ok"


def test_nothing_scored(data: Path) -> None:
    for name in names(data):
        _text(data, name)
    status, result = score(data, "--metrics", "psnr")
    assert status == 4
    assert result["metrics"]["psnr"]["value"] is None
    assert result["metrics"]["psnr"]["coverage"] is None


def test_gates(sample: Path) -> None:
    assert thm("score", sample, "--metrics", "psnr", "--fail-under", "psnr=5").exit_code == 0
    assert thm("score", sample, "--metrics", "psnr", "--fail-under", "psnr=90").exit_code == 1
    assert thm("score", sample, "--metrics", "aue", "--fail-under", "aue=0.0001").exit_code == 1
    assert thm("score", sample, "--metrics", "aue", "--fail-under", "aue=400").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "psnrr"], "did you mean 'psnr'"),
        (["--metrics", "psnr:nonsense"], "no protocol"),
        (["--suite", "thmm"], "did you mean 'thm'"),
        (["--metrics", "psnr", "--suite", "thm"], "exclude"),
        (["--metrics", "psnr", "--fail-under", "psnr"], "KEY=VALUE"),
        (["--metrics", "psnr", "--fail-under", "ssim=1"], "none of"),
        (["--metrics", "psnr", "-o", "x.xlsx"], ".xlsx"),
        (["--metrics", "psnr", "-o", "nowhere/x.json"], "no folder"),
        (["--metrics", "psnr", "--device", "abacus"], "--device"),
        (["--metrics", "psnr", "--every", "0"], "--every"),
    ],
)
def test_wrong_usage(sample: Path, arguments: list[str], message: str) -> None:
    result = thm("score", sample, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "gt_video"), (tmp_path / "absent", "absent")):
        result = thm("score", path)
        assert result.exit_code == 2
        assert message in result.stderr
    (tmp_path / "gt_video").mkdir()
    (tmp_path / "pred_video").mkdir()
    result = thm("score", tmp_path)
    assert result.exit_code == 2
    assert "pred_video: holds no file" in result.stderr


def test_an_output_that_cannot_be_written_loses_nothing(sample: Path, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "result.json"
    path.write_text("before")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = thm("score", sample, "--metrics", "psnr", "-o", path)
    assert result.exit_code == 2
    assert "No space left" in result.stderr
    assert "psnr" in result.stdout
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_single_files(sample: Path) -> None:
    name = names(sample)[0]
    status, result = score(
        "--preds", sample / f"pred_video/{name}.mp4", "--target", sample / f"gt_video/{name}.mp4", "--metrics", "psnr"
    )
    assert status == 0
    assert result["metrics"]["psnr"]["clips"] == 1


def test_list_shows_every_metric_and_suite() -> None:
    result = thm("list")
    for text in ("psnr", "aue-u", "python-cpbd", "talkinggaussian", "↓", "fan, dlib*", "emonet8*"):
        assert text in result.stdout
    assert json.loads(thm("list", "--format", "json").stdout)["metrics"]["psnr"]["class"] == "PeakSignalNoiseRatio"


def test_doctor_says_what_is_installed() -> None:
    result = thm("doctor")
    assert result.exit_code == 0
    assert metadata.version("torch") in result.stdout


def test_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setattr("thm_torchmetrics.demo.sample.make_sample", partial(make_sample, clips=1, seconds=0.4))
    result = thm("demo")
    assert result.exit_code == 0
    assert (tmp_path / "thm_demo/gt_video").is_dir()
    assert "Skipped" not in result.stdout
    for key in ("psnr", "cpbd", "aue-l", "lmd", "akd", "mkr"):
        assert key in result.stdout
