"""The worst clips and frames of a run, and pictures of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from reports.results import metric

import thm_torchmetrics
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.write import write_video
from thm_torchmetrics.scoring import worst_frames as module
from thm_torchmetrics.scoring.result import ClipResult, ClipScore, Result
from thm_torchmetrics.scoring.worst_frames import worst_clips, worst_frames

FRAMES = 12


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of grey frames; of clip i the predicted frame 2 i is brighter, by 20 (i + 1) levels."""
    folder = tmp_path_factory.mktemp("sample")
    for side in ("gt_video", "pred_video"):
        (folder / side).mkdir()
    for index in range(3):
        real = np.full((FRAMES, 64, 96, 3), 100, np.uint8)
        ours = real.copy()
        ours[2 * index] += 20 * (index + 1)
        for side, frames in (("gt_video", real), ("pred_video", ours)):
            write_video(folder / side / f"clip{index}.mp4", iter(frames), 25)
    return folder


def scored(values: dict[str, tuple[float | None, ...]]) -> Result:
    """A result of clips by number, with a value by each metric."""
    count = len(next(iter(values.values())))
    clips = [
        ClipResult(str(i), metrics={key: ClipScore(each[i], 1, 0) for key, each in values.items()})
        for i in range(count)
    ]
    return Result({}, {key: metric(key) for key in values}, clips, {})


def test_clips_are_ordered_by_the_mean_of_their_places() -> None:
    assert [clip.clip for clip in worst_clips(scored({"psnr": (30, 10, 20)}))] == ["1", "2", "0"]
    assert [clip.clip for clip in worst_clips(scored({"lmd": (3, 1, 2)}))] == ["0", "2", "1"]
    both = scored({"psnr": (30, 10, 20), "lmd": (5, 9, 1)})
    assert [clip.clip for clip in worst_clips(both)] == ["1", "0", "2"]


def test_a_clip_without_any_value_is_in_no_place() -> None:
    assert [clip.clip for clip in worst_clips(scored({"psnr": (30, None, float("nan"))}))] == ["0"]


def test_the_worst_frame_is_that_of_each_metric_by_its_direction() -> None:
    series = {"psnr": [5.0, 4.0, None, 6.0], "lmd": [1.0, 3.0, 9.0, float("nan")], "ssim": [0.5, 0.1, 0.2, 0.3]}
    series["mkr"] = [0.0, 0.0, 0.0, 0.0]
    time = [0.0, 0.04, 0.08, 0.12]
    scores = {key: ClipScore(1.0, 4, 0, per_frame={"time": time, "value": each}) for key, each in series.items()}
    found = worst_frames(ClipResult("a", metrics=scores), scored(dict.fromkeys(series, (1.0,))))
    assert [(each.number, each.time, each.values) for each in found] == [
        (1, 0.04, {"psnr": 4.0, "ssim": 0.1}), (2, 0.08, {"lmd": 9.0}),
    ]  # fmt: skip


@pytest.mark.parametrize("align", [None, "time"])
@pytest.mark.parametrize("every", [1, 2])
def test_pictures_show_the_frames_that_were_measured(sample: Path, align: str | None, every: int) -> None:
    result = thm_torchmetrics.score(sample, metrics=["psnr"], align=align, every=every, pictures=True)
    for index, clip in enumerate(result.clips):
        kept = clip.metrics["psnr"].per_frame
        assert kept is not None
        (still,) = clip.stills
        assert still.values == {"psnr": min(each for each in kept["value"] if each is not None)}
        assert still.time == pytest.approx(still.number * every / 25)
        for side, picture in (("pred_video", still.preds), ("gt_video", still.target)):
            (shown,) = [
                chunk.rows[still.number * every] for chunk in open_clip(sample / side / f"clip{index}.mp4").chunks()
            ]
            assert picture is not None
            assert np.array_equal(picture.pixels, shown.permute(1, 2, 0).numpy())


def test_pictures_and_clips_are_few(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIPS", 2)
    monkeypatch.setattr(module, "WIDTH", 48)
    result = thm_torchmetrics.score(sample, metrics=["psnr"], pictures=True)
    assert [len(clip.stills) for clip in result.clips] == [0, 1, 1]  # the first differs least
    assert result.clips[2].stills[0].preds.pixels.shape == (32, 48, 3)


def test_pictures_that_cannot_be_taken_cost_no_number(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise InputError("the disk is gone")

    monkeypatch.setattr(module, "_picture", fail)
    result = thm_torchmetrics.score(sample, metrics=["psnr"], pictures=True)
    assert result.metrics["psnr"].value is not None
    assert result.clips[0].notes == ["no pictures of its worst frames: the disk is gone"]
    assert result.failed == []


def test_the_command_writes_the_page_and_keeps_frames_out_of_json(sample: Path, tmp_path: Path) -> None:
    page, plain, full = tmp_path / "page.html", tmp_path / "plain.json", tmp_path / "full.json"
    shared = ["score", str(sample), "--metrics", "psnr,ssim", "--quiet"]
    for more in (["--report", str(page), "-o", str(plain)], ["--per-frame", "-o", str(full)]):
        done = CliRunner().invoke(main, [*shared, *more])
        assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8").count("data:image/webp;base64,") >= 6
    whole, thin = json.loads(full.read_text()), json.loads(plain.read_text())
    for kept, bare in zip(whole["clips"], thin["clips"], strict=True):
        assert "per_frame" not in bare["metrics"]["psnr"]
        series = kept["metrics"]["psnr"].pop("per_frame")
        assert list(series) == ["time", "value"]
        assert sum(series["value"]) / FRAMES == pytest.approx(bare["metrics"]["psnr"]["value"])
        kept["metrics"]["ssim"].pop("per_frame")
        assert kept == bare
    assert thm_torchmetrics.Result.load(full).to_json()["clips"][0]["metrics"]["psnr"]["per_frame"]


def test_the_name_of_a_page_ends_in_html(sample: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["score", str(sample), "--report", str(tmp_path / "page.md")])
    assert done.exit_code == 2
    assert "the name must end in .html" in done.output
