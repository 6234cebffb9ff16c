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
from thm_torchmetrics.cli import main
from thm_torchmetrics.demo.sample import make_sample
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video, write_wav

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


def test_the_audio_folder_comes_first_then_the_own_track(syncnet: Path, data: Path) -> None:
    write_wav(data / "gt_audio" / "portrait_01.wav", np.random.default_rng(0).normal(0, 0.1, 6400), 16000)
    (data / "gt_audio" / "portrait_02.wav").unlink()
    code, report = score(syncnet, data)
    assert code == 0
    for clip, folder, origin in zip(
        report["clips"], ("gt_audio", "pred_video"), ("audio file", "own sound track"), strict=True
    ):
        row = clip["metrics"][KEY]
        sound = next((data / folder).glob(f"{clip['clip']}.*"))
        assert row["value"] == pytest.approx(expected(syncnet, data / "pred_video" / f"{clip['clip']}.mp4", sound))
        assert row["detail"]["audio"] == origin
    assert report["provenance"]["media"]["sound"] == {"audio file": 1, "own sound track": 1}
    assert report["metrics"][KEY]["clips"] == 2


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
    rows = [line for line in lines if line.strip().startswith("lse-d")]
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
