"""Values of single frames: those that the mean is taken of, and their times."""

import math
from typing import Any

import pytest
import torch
from lipsync.stand_ins import SmallSyncNet, recording
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncDistance, TalkingHeadMetrics
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.functional.lipsync import sync_scores

FRAMES = 70
"""More than a chunk."""


def scores(keys: list[str], preds: Any, target: Any, per_frame: bool = True, **options: Any) -> dict[str, ClipScore]:
    metrics = TalkingHeadMetrics(keys, **options).members()
    runs = measure_clip(metrics, preds, target, per_frame=per_frame)
    return {name: metrics[name].score(run) for name, run in runs.items()}


def video(seed: int, count: int = FRAMES) -> Clip:
    frames = torch.randint(0, 256, (count, 3, 16, 16), generator=torch.Generator().manual_seed(seed))
    return Clip(frames.to(torch.uint8))


def rows(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mean(values: Any) -> float:
    return math.fsum(values) / len(values)


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    found = scores(["psnr", "cpbd"], video(0), video(1), per_frame=False)
    assert [score.per_frame for score in found.values()] == [None, None]


def test_their_mean_is_the_value_of_the_clip_and_each_has_a_time() -> None:
    for key, score in scores(["psnr", "psnr:mean-of-frames", "ssim", "cpbd"], video(0), video(1)).items():
        kept = score.per_frame
        assert kept is not None, key
        assert mean(kept["value"]) == pytest.approx(score.value, rel=1e-12)
        assert kept["time"] == pytest.approx([index / 25 for index in range(FRAMES)])


def test_a_pooled_error_is_told_as_the_psnr_of_each_frame() -> None:
    (score,) = scores(["psnr:global-mse"], video(0), video(1)).values()
    kept = score.per_frame
    assert kept is not None
    errors = [10 ** (-value / 10) for value in kept["value"]]
    assert -10 * math.log10(mean(errors)) == pytest.approx(score.value, rel=1e-12)


def test_frames_that_have_no_partner_are_left_out() -> None:
    (score,) = scores(["psnr"], video(0), video(1, 66), align="truncate").values()
    assert score.per_frame is not None
    assert [len(values) for values in score.per_frame.values()] == [66, 66]


def test_a_frame_without_a_value_is_nan() -> None:
    preds, target = rows(5, 68, 2, seed=0), rows(5, 68, 2, seed=1)
    preds[3] = torch.nan
    (score,) = scores(["lmd"], FeatureClip(preds), FeatureClip(target), extractor=None).values()
    assert score.per_frame is not None
    assert [value == value for value in score.per_frame["value"]] == [True, True, True, False, True]
    assert "time" not in score.per_frame  # rows of features have none


def test_action_unit_metrics_of_one_state_tell_their_own_units() -> None:
    preds, target = (FeatureClip(rows(6, 17, seed=seed)) for seed in (0, 1))
    metrics = TalkingHeadMetrics(["aue", "aue-u", "aue-l", "aue:mean"])
    found = metrics.add_clip(list(metrics.members()), preds, target, per_frame=True)
    values: dict[str, Tensor] = {}
    for key, score in found.items():
        assert score.per_frame is not None
        values[key] = torch.tensor(score.per_frame["value"], dtype=torch.float64)
        assert values[key].mean().item() == pytest.approx(score.value, rel=1e-12)
    torch.testing.assert_close(values["aue"], values["aue-u"] + values["aue-l"])
    torch.testing.assert_close(values["aue"], 17 * values["aue:mean"])


@pytest.mark.parametrize(("key", "column"), [("v-rmse", 0), ("a-ccc", 1)])
def test_statistics_of_two_series_tell_both(key: str, column: int) -> None:
    preds, target = rows(6, 2, seed=0), rows(6, 2, seed=1)
    (score,) = scores([key], FeatureClip(preds), FeatureClip(target), extractor=None).values()
    assert score.per_frame == {
        "preds": preds[:, column].tolist(), "target": target[:, column].tolist()
    }  # fmt: skip


@pytest.mark.parametrize("per_frame", [True, False])
def test_lip_sync_tells_the_distance_of_each_shift(per_frame: bool) -> None:
    metric = LipSyncDistance(protocol="wav2lip-lrs", extractor=SmallSyncNet())
    frames, samples = recording("C")
    (run,) = measure_clip({"lse-d": metric}, Clip(frames), per_frame=per_frame, audio=samples).values()
    score = metric.score(run)
    assert score.detail is not None
    (track,) = score.detail["tracks"]
    assert ("curve" in track) == per_frame
    if per_frame:
        distance, confidence, offset = sync_scores(torch.tensor(track["curve"], dtype=torch.float64))
        assert len(track["curve"]) == 31
        assert (track["lse-d"], track["lse-c"], track["offset"]) == (distance, confidence, offset)
