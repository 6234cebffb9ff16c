"""Lip sync on the command line: where the sound comes from, the real videos, clips that cannot be scored."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from parity.seeded import seeded_state

from thm_torchmetrics import LipSyncDistance
from thm_torchmetrics.catalog import CATALOG, find_choice
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video, write_wav
from thm_torchmetrics.scoring.plan import select_metrics
from thm_torchmetrics.scoring.spelling import in_python

KEYS = "psnr,lse-d:wav2lip-lrs,av-offset:wav2lip-lrs"
KEY = "lse-d:wav2lip-lrs"


@pytest.fixture(scope="module")
def syncnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "seeded.model"
    torch.save(dict(seeded_state("syncnet")), file)
    return file


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample(tmp_path_factory.mktemp("sample"), clips=2, seconds=0.4, size=64)


def score(syncnet: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    asked = ["score", *arguments, "--metrics", KEYS, "--weights", f"syncnet={syncnet}", "--format", "json"]
    result = CliRunner().invoke(main, [str(argument) for argument in asked])
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout)


def expected(syncnet: Path, video: Path, sound: Path) -> float:
    frames = np.stack([frame for frame, _ in VideoFile(video).frames()])
    metric = LipSyncDistance(protocol="wav2lip-lrs", weights=syncnet)
    metric.update(torch.from_numpy(frames).permute(0, 3, 1, 2), audio=torch.from_numpy(read_audio(sound)))
    return metric.compute().item()


def test_the_audio_folder_comes_first(syncnet: Path, data: Path) -> None:
    for number in (1, 2):
        noise = np.random.default_rng(number).normal(0, 0.1, 6400)
        write_wav(data / "gt_audio" / f"portrait_0{number}.wav", noise, 16000)
    code, report = score(syncnet, data)
    assert code == 0
    for clip in report["clips"]:
        row = clip["metrics"][KEY]
        sound = data / "gt_audio" / f"{clip['clip']}.wav"
        assert row["value"] == pytest.approx(expected(syncnet, data / "pred_video" / f"{clip['clip']}.mp4", sound))
        assert row["detail"]["audio"] == "audio file"
    assert report["provenance"]["media"]["sound"] == {"audio file": 2}


def test_without_an_audio_folder_each_video_s_own_track_counts(syncnet: Path, data: Path) -> None:
    shutil.rmtree(data / "gt_audio")
    code, report = score(syncnet, data)
    assert code == 0
    for clip in report["clips"]:
        video = data / "pred_video" / f"{clip['clip']}.mp4"
        assert clip["metrics"][KEY]["value"] == pytest.approx(expected(syncnet, video, video))
    assert report["provenance"]["media"]["sound"] == {"own sound track": 2}


def test_a_clip_without_a_file_in_the_audio_folder_fails(syncnet: Path, data: Path) -> None:
    """It was scored with its own track, and the mean mixed both."""
    (data / "gt_audio" / "portrait_02.wav").unlink()
    check_second_has_no_sound(*score(syncnet, data), f"no sound for portrait_02 in {data / 'gt_audio'}")


def test_a_misspelt_file_in_the_audio_folder_fails_both_names(syncnet: Path, data: Path) -> None:
    (data / "gt_audio" / "portrait_02.wav").rename(data / "gt_audio" / "portrait_2.wav")
    code, report = score(syncnet, data)
    errors = {clip["clip"]: clip["error"] for clip in report["clips"]}
    assert code == 3
    assert "no file for preds" in errors["portrait_2"]
    assert "no sound for portrait_02" in errors["portrait_02"]
    assert report["metrics"][KEY]["clips"] == 1


def test_an_empty_cell_of_the_audio_column_fails(syncnet: Path, data: Path) -> None:
    lines = [
        "clip,preds,target,audio",
        "portrait_01,pred_video/portrait_01.mp4,gt_video/portrait_01.mp4,gt_audio/portrait_01.wav",
        "portrait_02,pred_video/portrait_02.mp4,gt_video/portrait_02.mp4,",
    ]
    pairs = data / "pairs.csv"
    pairs.write_text("\n".join(lines))
    check_second_has_no_sound(
        *score(syncnet, "--pairs", pairs), "no sound for portrait_02: its cell in the column audio"
    )
    pairs.write_text("\n".join(line.rpartition(",")[0] for line in lines))
    code, report = score(syncnet, "--pairs", pairs)
    assert code == 0
    assert report["provenance"]["media"]["sound"] == {"own sound track": 2}


def check_second_has_no_sound(code: int, report: dict[str, Any], reason: str) -> None:
    """Only the metrics that need sound fail, and only on this clip."""
    assert code == 3
    first, second = report["clips"]
    assert first["error"] is None
    assert reason in second["error"]
    assert second["error"].startswith("lse-d:wav2lip-lrs, av-offset:wav2lip-lrs: ")
    assert "psnr" in second["metrics"]
    assert report["metrics"][KEY]["clips"] == 1
    assert report["metrics"]["psnr"]["clips"] == 2
    assert report["provenance"]["media"]["sound"] == {"audio file": 1}


def test_the_real_videos_are_scored_too(syncnet: Path, data: Path) -> None:
    code, report = score(syncnet, data, "--with-target")
    real = [
        expected(syncnet, data / "gt_video" / f"{name}.mp4", data / "gt_video" / f"{name}.mp4")
        for name in ("portrait_01", "portrait_02")
    ]
    assert code == 0
    assert report["metrics"][KEY]["detail"]["target"]["value"] == pytest.approx(np.mean(real))
    assert report["clips"][0]["metrics"][KEY]["detail"]["target"]["value"] == pytest.approx(real[0])
    plain = [str(a) for a in ("score", data, "--metrics", KEYS, "--weights", f"syncnet={syncnet}", "--with-target")]
    lines = CliRunner().invoke(main, plain).stdout.splitlines()
    rows = [line for line in lines if line.strip().startswith("lse-d") and "100%" in line]
    assert ["of the real videos" in row for row in rows] == [True, False]
    assert f"{np.mean(real):.4f}" in rows[0]


def test_clips_without_sound_or_too_short_cost_the_others_nothing(syncnet: Path, data: Path) -> None:
    shutil.rmtree(data / "gt_audio")
    frames = [frame for frame, _ in VideoFile(data / "pred_video" / "portrait_01.mp4").frames()]
    for side in ("pred_video", "gt_video"):
        write_video(data / side / "mute.mp4", frames, 25)
        write_video(data / side / "one.mp4", frames[:1], 25, audio=np.zeros(8000), sample_rate=16000)
    code, report = score(syncnet, data)
    assert code == 3
    errors = {clip["clip"]: clip["error"] for clip in report["clips"]}
    assert "has no audio stream" in errors["mute"]
    assert "too short: 1 frames of video and 12 of audio" in errors["one"]
    assert errors["portrait_01"] is None
    assert report["metrics"]["psnr"]["clips"] == 4
    assert report["metrics"][KEY]["clips"] == 2
    assert report["metrics"][KEY]["coverage"] == 0.5
    assert report["metrics"][KEY]["detail"]["not_scored"] == {"no audio": 1, "too short": 1}


def test_a_damaged_audio_file_is_not_replaced_by_the_own_track(syncnet: Path, data: Path) -> None:
    (data / "gt_audio" / "portrait_01.wav").write_bytes(b"RIFF nonsense")
    code, report = score(syncnet, data)
    assert code == 3
    assert "portrait_01.wav" in report["clips"][0]["error"]
    assert report["clips"][0]["metrics"][KEY]["value"] is None
    assert report["clips"][1]["status"] == "ok"


def test_every_nth_frame_is_no_lip_sync(syncnet: Path, data: Path) -> None:
    code, report = score(syncnet, data, "--every", 2)
    assert code == 3
    assert "leave --every out" in report["skipped"][KEY]
    assert report["metrics"]["psnr"]["value"] is not None


def test_no_metric_of_sound_skips_frames() -> None:
    rows = [row for row in CATALOG.values() if "audio" in row.inputs and row.extractors]
    asked = [
        find_choice(f"{row.key}:{each.name}").name
        for row in rows
        for each in row.published
        if each.options.get("extractor", "") is not None  # else it takes given features only
    ]
    given = ("preds", "target")
    assert len(asked) > len(rows) > 1
    assert select_metrics(asked, given, in_python) == (asked, {})
    run, skipped = select_metrics(asked, given, in_python, every=2)
    assert not run
    assert list(skipped) == asked
    assert all("leave `every=` out" in reason for reason in skipped.values())


def score_as(asked: list[object]) -> dict[str, Any]:
    result = CliRunner().invoke(main, [str(argument) for argument in asked])
    assert result.exit_code == 3
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_limits_of_a_track_and_the_protocols_that_look_for_one(syncnet: Path, data: Path, tmp_path: Path) -> None:
    """The seeded detector finds no face; the report says what was looked for. Small frames cost the others nothing."""
    s3fd = tmp_path / "s3fd.pth"
    torch.save(dict(seeded_state("s3fd")), s3fd)
    asked = ["score", data, "--metrics", "psnr,lse-c,lse-c:syncnet-python", "--format", "json", "--tracks", "longest"]
    asked += ["--weights", f"syncnet={syncnet}", "--weights", f"s3fd={s3fd}", "--min-track", 7, "--min-face-size", 9]
    (small,) = score_as(asked)["clips"][:1]
    assert "lse-c, lse-c:syncnet-python: frames of 64x64 are too small" in small["error"]
    assert small["metrics"]["psnr"]["value"] is not None
    asked[1] = make_sample(tmp_path / "larger", clips=2, seconds=0.4, size=128)
    report = score_as(asked)
    for clip in report["clips"]:
        assert clip["error"].count("no face track of more than 7 detections and 9 px") == 2
        assert "--min-track" in clip["error"]
    options = report["provenance"]["options"]
    assert options["lse-c"]["tracks"] == options["lse-c:syncnet-python"]["tracks"] == "longest"
    assert options["lse-c:syncnet-python"]["average"] == "track"
    assert report["metrics"]["psnr"]["clips"] == 2
