"""The delay of frames, and metrics without it: names, collections and the command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from thm_torchmetrics import FrameDelay, PeakSignalNoiseRatio, PixelAbsoluteError, TalkingHeadMetrics
from thm_torchmetrics.catalog import find_choice, with_unaligned
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.write import write_video


def film(count: int = 60) -> Tensor:
    """Frames in which a bright square wanders."""
    frames = torch.full((count, 3, 48, 64), 40, dtype=torch.uint8)
    for index in range(count):
        row, column = (int(14 + 13 * f) for f in (np.sin(index / 5), np.cos(index / 7)))
        frames[index, :, row : row + 12, column : column + 16] = 200
    return frames


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips, the first one 4 frames late and 3 frames shorter."""
    folder = tmp_path_factory.mktemp("late")
    frames = film().permute(0, 2, 3, 1).numpy()
    for side, parts in (("pred_video", (frames[4:45], frames[:30])), ("gt_video", (frames[8:52], frames[:30]))):
        (folder / side).mkdir()
        for name, part in zip(("late", "same"), parts, strict=True):
            write_video(folder / side / f"{name}.mp4", iter(part), 25)
    return folder


def score(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(main, ["score", *map(str, arguments), "--format", "json"])
    assert result.exit_code in (0, 3), result.output
    return result.exit_code, json.loads(result.stdout)


def test_thumbnails_find_the_delay_of_frames_of_any_size() -> None:
    metric = FrameDelay()
    small = torch.nn.functional.interpolate(film().float(), (24, 32), mode="area").to(torch.uint8)
    metric.update(small[:-6], film()[6:])
    metric.update(film()[5:], film()[:-5])
    assert float(metric.compute()) == 5.5
    assert metric.detail() == {"delays": {"-5": 1, "6": 1}, "not_scored": {}}


def test_a_delay_beyond_the_largest_is_not_found() -> None:
    rows = torch.randn(60, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).cumsum(dim=0)
    assert float(FrameDelay(extractor=None, max_delay=12)(rows[:-12], rows[12:])) == 12
    assert float(FrameDelay(extractor=None)(rows[:-12], rows[12:])) <= 10
    with pytest.raises(InputError, match="max_delay must be at least 0"):
        FrameDelay(max_delay=-1)


def test_a_clip_without_pairs_is_counted() -> None:
    rows = torch.full((5, 2), torch.nan)
    rows[0] = 1
    metric = FrameDelay(extractor=None, max_delay=2)
    with pytest.warns(UserWarning, match="no pair: 1"):
        assert torch.isnan(metric(rows, rows.flip(0)))


def test_a_name_may_end_in_aligned() -> None:
    choice = find_choice("ssim-skimage@aligned")
    assert (choice.name, choice.row.key, choice.protocol, choice.aligned) == (
        "ssim:skimage@aligned", "ssim", "skimage", True,
    )  # fmt: skip
    assert not find_choice("psnr").aligned
    for wrong in ("psnr@late", "psnr@aligned@aligned", "psnr@"):
        with pytest.raises(InputError, match="only the word 'aligned' may follow"):
            find_choice(wrong)


def test_an_aligned_number_never_stands_alone() -> None:
    assert with_unaligned(["ssim", "psnr@aligned", "psnr"]) == ("ssim", "psnr", "psnr@aligned")
    metrics = TalkingHeadMetrics(["psnr@aligned", "ssim-skimage@aligned"], separator="-", align="truncate")
    metrics.update(film()[:-4], film()[4:])
    values = {name: float(value) for name, value in metrics.compute().items()}
    assert list(values) == ["psnr", "psnr@aligned", "ssim-skimage", "ssim-skimage@aligned"]
    assert values["psnr@aligned"] == 80  # of equal frames, by piq's constant
    assert values["ssim-skimage@aligned"] == 1 > values["ssim-skimage"]


def test_it_has_its_metric_beside_it_among_metrics_that_are_made() -> None:
    names = list(TalkingHeadMetrics([PixelAbsoluteError(), "psnr@aligned"], FrameDelay()))
    assert names == ["l1", "psnr", "psnr@aligned", "delay"]
    assert list(TalkingHeadMetrics(["psnr@aligned", "psnr"])) == ["psnr@aligned", "psnr"]
    with pytest.raises(InputError, match="'psnr@aligned' is given twice"):
        TalkingHeadMetrics(["psnr@aligned", "psnr@aligned"])


def test_options_of_a_metric_hold_for_it_without_the_delay() -> None:
    metrics = TalkingHeadMetrics(["psnr:mean-of-frames@aligned"], average={"psnr:mean-of-frames": "clip"})
    assert {metric.average for metric in metrics.members().values()} == {"clip"}


@pytest.mark.parametrize("key", ["fid", "csim-seq", "wer", "delay", "lse-d"])
def test_what_does_not_compare_frame_by_frame_is_refused(key: str) -> None:
    with pytest.raises(InputError, match=f"{key} does not compare frame with frame"):
        TalkingHeadMetrics([f"{key}@aligned"], extractor=None)


def test_clips_of_unlike_rates_are_refused() -> None:
    from thm_torchmetrics import Clip

    with pytest.raises(MismatchError, match="frames per second"):
        PeakSignalNoiseRatio(align="delay").update(Clip(film(), fps=25), Clip(film(), fps=30))


def test_the_command_shows_both_numbers_and_the_delay(data: Path) -> None:
    status, result = score(data, "--metrics", "delay,psnr@aligned,l1@aligned")
    assert status == 0
    assert list(result["metrics"]) == ["delay", "psnr", "psnr@aligned", "l1", "l1@aligned"]
    assert result["metrics"]["delay"]["value"] == 2
    assert result["metrics"]["delay"]["detail"]["delays"] == {"0": 1, "4": 1}
    late, same = result["clips"]
    assert late["metrics"]["psnr@aligned"]["value"] > late["metrics"]["psnr"]["value"] + 10
    assert late["metrics"]["psnr@aligned"]["detail"] == {"delay": 4}
    assert (late["metrics"]["psnr@aligned"]["frames"], late["metrics"]["psnr@aligned"]["left_out"]) == (37, 11)
    assert same["metrics"]["psnr@aligned"]["value"] == same["metrics"]["psnr"]["value"]
    assert result["provenance"]["deviations"]["psnr@aligned"] == ["align=delay"]


def test_the_command_finds_the_delay_of_given_features(tmp_path: Path) -> None:
    rows = np.random.default_rng(3).normal(size=(30, 3)).cumsum(axis=0)
    for side, part in (("preds", rows[:-3]), ("target", rows[3:])):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", part)
    folders = [f"--{side}-features=pose-error={tmp_path / side}" for side in ("preds", "target")]
    status, result = score("--metrics", "pose-error@aligned", *folders)
    assert status == 0
    assert result["metrics"]["pose-error@aligned"]["value"] == 0 < result["metrics"]["pose-error"]["value"]


def test_a_metric_that_cannot_be_aligned_is_named_before_the_run(data: Path) -> None:
    result = CliRunner().invoke(main, ["score", str(data), "--metrics", "fid@aligned"])
    assert result.exit_code == 2
    assert "fid@aligned: fid does not compare frame with frame" in result.output


def test_a_delay_of_real_frames_is_found_under_noise(clips: Path) -> None:
    frames = next(open_clip(clips / "gt_video" / "kim_wav2lip.mp4").chunks(60)).rows[:, :, ::4, ::4]
    noise = torch.randn(frames[:50].shape, generator=torch.Generator().manual_seed(2)) * 20
    late, real = (frames[:50] + noise).clamp(0, 255).to(torch.uint8), frames[6:56]
    metrics = TalkingHeadMetrics(["delay", "psnr@aligned"])
    metrics.update(late, real)
    values = {name: float(value) for name, value in metrics.compute().items()}
    assert values["delay"] == 6
    same = PeakSignalNoiseRatio()
    same.update(late[6:], real[:44])
    assert values["psnr@aligned"] == pytest.approx(float(same.compute()), rel=1e-12)
    assert values["psnr@aligned"] > values["psnr"]
