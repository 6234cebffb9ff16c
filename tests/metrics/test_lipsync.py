"""LSE-D, LSE-C and the offset: what they say of faulty data, of wrong use, and that they share one state."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from lipsync.stand_ins import SmallSyncNet, recording, score_clip
from parity.seeded import golden
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncDistance, LipSyncOffset, TalkingHeadMetrics
from thm_torchmetrics.collection import make_metric
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.errors import InputError, MismatchError, MissingFaceError
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.metrics.lipsync_metric import LipSync


def lrs(sync_weights: dict[str, Path], **options: Any) -> LipSyncDistance:
    return LipSyncDistance(protocol="wav2lip-lrs", weights=sync_weights, **options)


def test_three_readings_share_one_state(sync_weights: dict[str, Path]) -> None:
    keys = [f"{key}:wav2lip-lrs" for key in ("lse-d", "lse-c", "av-offset")]
    metrics = TalkingHeadMetrics(keys, weights=sync_weights)
    frames, samples = recording("C")
    scores = metrics.add_clip(keys, Clip(frames, audio=samples))
    assert len({id(member.sums) for member in metrics.members().values()}) == 1
    assert {name: value.item() for name, value in metrics.compute().items()} == {
        name: score.value for name, score in scores.items()
    }


@pytest.mark.parametrize(
    ("frames", "audio", "reason"),
    [
        (40, None, "no audio"),
        (40, torch.zeros(5 * 640), "too short"),
        (40, torch.zeros(0), "too short"),
        (1, torch.zeros(16000), "too short"),
        (5, torch.zeros(16000), "too short"),
    ],
)
def test_faults_in_the_data_are_counted_and_explained(
    sync_weights: dict[str, Path], frames: int, audio: Tensor | None, reason: str
) -> None:
    metric = lrs(sync_weights)
    clip = Clip(torch.zeros(frames, 3, 224, 224, dtype=torch.uint8), audio=audio)
    score, detail = score_clip(metric, clip)
    assert score.value is None
    assert detail["not_scored"].startswith(reason)
    assert metric.detail() == {"offsets": {}, "not_scored": {reason: 1}}
    with pytest.warns(UserWarning, match=f"none of 1 clips could be scored .{reason}: 1"):
        metric.compute()
    assert metric.coverage == 0
    with pytest.raises(MissingFaceError, match=reason):
        measure_clip({"m": lrs(sync_weights, missing="error")}, clip)


def test_distances_that_are_not_finite_are_counted_and_no_others_are_lost() -> None:
    class Broken(SmallSyncNet):
        def forward_audio(self, windows: Tensor) -> Tensor:
            return super().forward_audio(windows) / 0 if self.broken else super().forward_audio(windows)

        broken = False

    module = Broken()
    metric = LipSyncDistance(protocol="wav2lip-lrs", extractor=module)
    clip = Clip(torch.zeros(20, 3, 32, 32, dtype=torch.uint8), audio=torch.zeros(20 * 640))
    metric.update(clip)
    value, before = metric.compute(), metric.detail()
    module.broken = True
    assert score_clip(metric, clip)[0].value is None
    assert metric.detail() == {**(before or {}), "not_scored": {"not finite": 1}}
    assert metric.compute() == value
    assert metric.coverage == 0.5


def test_silence_is_scored(sync_weights: dict[str, Path]) -> None:
    metric = lrs(sync_weights)
    metric.update(recording("C")[0], audio=torch.zeros(14 * 640))
    assert metric.compute().item() > 0


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"audio": torch.zeros(9000), "sample_rate": 0}, "sample_rate must be above 0.*got 0"),
        ({"audio": torch.full((9000,), torch.nan)}, "9000 samples that are NaN"),
        ({"audio": torch.full((9000,), 300.0)}, "-1..1, got 300..300"),
        ({"audio": torch.zeros(9000, dtype=torch.int32)}, "int32"),
        ({"audio": torch.zeros(2, 9000)}, "1 clips and audio 2"),
        ({"audio": torch.zeros(1, 2, 9000)}, r"\(1, 2, 9000\)"),
        ({"audio": torch.zeros(9000), "fps": 0.0}, "fps must be above 0"),
        ({}, "needs `audio`"),
    ],
)
def test_a_caller_s_mistake_is_named(sync_weights: dict[str, Path], inputs: dict[str, Any], message: str) -> None:
    metric = lrs(sync_weights)
    with pytest.raises(InputError, match=message):
        metric.update(torch.zeros(9, 3, 224, 224, dtype=torch.uint8), **inputs)
    assert not metric.sums.any()


def test_a_run_that_is_started_by_hand_takes_a_clip(sync_weights: dict[str, Path]) -> None:
    frames = torch.zeros(9, 3, 224, 224, dtype=torch.uint8)
    with pytest.raises(InputError, match=r"needs a Clip, because its frames are read twice; pass Clip\(frames\)"):
        lrs(sync_weights).start(frames, audio=torch.zeros(9000))  # type: ignore[arg-type]


def test_embeddings_of_another_number_or_width_are_named() -> None:
    metric = LipSyncDistance(extractor=None)
    with pytest.raises(MismatchError, match="9 frames and the target 8"):
        metric.update(torch.ones(9, 4), audio=torch.ones(8, 4))
    with pytest.raises(InputError, match=r"4.*5"):
        metric.update(torch.ones(9, 4), audio=torch.ones(9, 5))
    assert not metric.sums.any()
    cut = LipSyncDistance(extractor=None, align="truncate")
    cut.update(torch.eye(9, 12), audio=torch.eye(8, 12))
    exact = LipSyncDistance(extractor=None)
    exact.update(torch.eye(8, 12), audio=torch.eye(8, 12))
    assert cut.compute() == exact.compute()
    assert cut.tally(cut.named(cut.sums)).left_out == 1


def test_wrong_options_are_named() -> None:
    with pytest.raises(InputError, match="tracks must be"):
        LipSync(extractor=None, tracks="first")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="method forward_lip"):
        LipSyncOffset(extractor=torch.nn.Identity(), protocol="wav2lip-lrs")
    for option in ({"vshift": -1}, {"min_track": -1}, {"crop_scale": -0.1}, {"facedet_scale": 0}, {"facedet_scale": 2}):
        with pytest.raises(InputError, match="must be at least 0"):
            LipSyncDistance(extractor=None, **option)


@pytest.mark.parametrize("late", [-7, 0, 4])
def test_late_sound_moves_the_offset(late: int) -> None:
    """On the embeddings: rows shifted by k move the smallest distance by k, on any side."""
    lip = torch.from_numpy(golden("syncnet")["A_im_feat"].copy())
    metric = LipSyncOffset(extractor=None)
    metric.update(lip, audio=lip.roll(late, dims=0))
    assert metric.detail() == {"offsets": {str(-late): 1}, "not_scored": {}}
    assert metric.compute().item() == abs(late)


def test_the_example_of_the_published_code_gives_its_numbers() -> None:
    """syncnet_python's README: offset 3, minimum distance 5.353, confidence 10.021 on its example.avi, uncropped."""
    folder = os.environ.get("THM_SYNCNET_EXAMPLE")
    if not folder:
        pytest.skip("THM_SYNCNET_EXAMPLE names no folder with example.avi and syncnet_v2.model")
    path = Path(folder) / "example.avi"
    metric = LipSyncDistance(protocol="wav2lip-lrs", weights={"syncnet": Path(folder) / "syncnet_v2.model"})
    detail = score_clip(metric, Clip(VideoFile(path), audio=torch.from_numpy(read_audio(path))))[1]
    track = detail["tracks"][0]
    assert track["offset"] == 3
    assert track["lse-d"] == pytest.approx(5.353, abs=0.3)  # the published run re-encodes the frames as JPEG
    assert track["lse-c"] == pytest.approx(10.021, abs=0.5)


@pytest.mark.parametrize("key", ["lse-d", "lse-c-gap"])
def test_a_sound_that_is_not_given_is_named_in_a_collection_too(key: str) -> None:
    """There was a value of NaN, and a warning that did not say how to give the sound."""
    frames = torch.zeros(2, 8, 3, 32, 32, dtype=torch.uint8)
    metric = make_metric(f"{key}:wav2lip-lrs", {"extractor": SmallSyncNet()})
    metrics = TalkingHeadMetrics({"psnr": make_metric("psnr"), key: metric})
    for given in (frames, [Clip(clip) for clip in frames]):
        with pytest.raises(InputError, match=rf"{type(metric).__name__} needs `audio`.*open_clip\(path, audio=True\)"):
            metrics.update(given, given)
    assert not metrics["psnr"].update_called
    metrics.update(frames, frames, audio=torch.zeros(2, 640 * 8))
    assert metrics["psnr"].update_count == 1
