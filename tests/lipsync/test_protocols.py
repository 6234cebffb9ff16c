"""The lip-sync protocols on frames as they are, with seeded weights, beside the original's stored output."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync.stand_ins import KnownFaces, recording, score_clip, with_detector
from lipsync.syncnet_reference import published_crops
from parity.seeded import golden
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncConfidence, LipSyncDistance, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.lipsync.protocols import LipSyncOptions, Tracked
from thm_torchmetrics.lipsync.tracking import TrackOptions


def expected(case: str) -> list[float]:
    return [float(golden("syncnet")[f"{case}_{name}"]) for name in ("mindist", "conf", "offset")]


def lrs(sync_weights: dict[str, Path]) -> LipSyncDistance:
    return LipSyncDistance(protocol="wav2lip-lrs", weights=sync_weights)


@pytest.mark.parametrize("case", [pytest.param("A", marks=pytest.mark.slow), "B", "C"])
def test_whole_frames_give_the_originals_scores(sync_weights: dict[str, Path], case: str) -> None:
    frames, samples = recording(case)
    metrics = TalkingHeadMetrics(
        ["lse-d:wav2lip-lrs", "lse-c:wav2lip-lrs", "av-offset:wav2lip-lrs"], weights=sync_weights
    )
    scores = metrics.add_clip(list(metrics.members()), Clip(frames, audio=samples))
    distance, confidence, offset = (score.value for score in scores.values())
    assert distance == pytest.approx(expected(case)[0], abs=1e-4)
    assert confidence == pytest.approx(expected(case)[1], abs=1e-4)
    assert offset == abs(expected(case)[2])
    detail = scores["av-offset:wav2lip-lrs"].detail
    assert detail is not None
    assert detail["tracks"][0]["offset"] == expected(case)[2]
    assert detail["tracks"][0]["windows"] == len(golden("syncnet")[f"{case}_dists"])


def test_chunks_of_any_length_and_float_sound_give_the_same(sync_weights: dict[str, Path]) -> None:
    frames, samples = recording("C")
    metric = lrs(sync_weights)
    clip = Clip(frames, audio=samples)
    for length in (3, 17):
        run = metric.start(clip)
        for chunk in clip.chunks(length):
            run.add(chunk)
        metric.add(run.finish())
    floats = lrs(sync_weights)
    floats.update(frames[None], audio=samples[None] / 32768)
    assert floats.compute().item() == pytest.approx(expected("C")[0], abs=1e-4)
    assert metric.compute().item() == pytest.approx(expected("C")[0], abs=1e-4)


def test_sound_of_another_rate_is_converted(sync_weights: dict[str, Path]) -> None:
    frames, samples = recording("C")
    doubled = torch.from_numpy(np.interp(np.arange(len(samples) * 3) / 3, np.arange(len(samples)), samples / 32768))
    metric = lrs(sync_weights)
    metric.update(frames, audio=doubled, sample_rate=48000)
    assert metric.compute().item() == pytest.approx(expected("C")[0], rel=0.02)


def moving_boxes(frames: int) -> list[list[list[float]]]:
    rng = np.random.default_rng(4)
    return [[[40.3 + i, 30.7, 150.2 + i + rng.normal(), 160.1 + 0.4 * i]] for i in range(frames)]


def test_tracked_scores_the_crop_of_the_published_recipe(sync_weights: dict[str, Path]) -> None:
    """Frames of 30 with a face, then none: one track, whose sound starts with its first frame."""
    torch.manual_seed(0)
    frames = (
        torch.nn.functional.interpolate(torch.rand(30, 3, 9, 12, dtype=torch.float32), (190, 240), mode="bilinear")
        .mul(255)
        .to(torch.uint8)
    )
    frames[:] = (frames[:1].int() + torch.arange(30)[:, None, None, None]).clamp(0, 255).to(torch.uint8)  # no cuts
    frames[:, :, 90:130, 70:120] = torch.randint(0, 60, (30, 3, 40, 50), dtype=torch.uint8)
    boxes = [[], [], *moving_boxes(20), *[[] for _ in range(8)]]
    samples = recording("A")[1]
    metric = with_detector(LipSyncDistance(weights=sync_weights, min_track=10), KnownFaces(boxes))
    detail = score_clip(metric, Clip(frames), audio=samples)[1]
    assert [(t["first"], t["frames"], t["windows"]) for t in detail["tracks"]] == [(2, 20, 15)]

    corners = np.array([rows[0] for rows in moving_boxes(20)])
    crops = np.stack(published_crops(list(frames[2:22].permute(0, 2, 3, 1).numpy()), corners))
    reference = lrs(sync_weights)
    reference.update(torch.from_numpy(crops).permute(0, 3, 1, 2), audio=samples[2 * 640 : 22 * 640])
    assert metric.compute().item() == pytest.approx(reference.compute().item(), abs=1e-9)


@pytest.mark.parametrize("tracks", ["mean", "longest"])
def test_two_faces_are_averaged_or_the_longest_track_is_taken(sync_weights: dict[str, Path], tracks: str) -> None:
    frames = torch.full((24, 3, 300, 320), 90, dtype=torch.uint8)
    long, short = [5.0, 5.0, 130.0, 130.0], [160.0, 140.0, 290.0, 280.0]
    faces = KnownFaces([[short, long] if i < 14 else [long] for i in range(24)])
    metric = with_detector(LipSyncDistance(weights=sync_weights, min_track=8, tracks=tracks), faces)  # type: ignore[arg-type]
    detail = score_clip(metric, Clip(frames), audio=recording("A")[1])[1]
    each = {track["frames"]: track["lse-d"] for track in detail["tracks"]}
    assert set(each) == ({14, 24} if tracks == "mean" else {24})
    assert each.get(14) != each[24]
    assert metric.compute().item() == pytest.approx(sum(each.values()) / len(each))


def test_a_cut_ends_the_track(sync_weights: dict[str, Path]) -> None:
    frames = torch.zeros(40, 3, 150, 150, dtype=torch.uint8)
    frames[22:] = 200
    faces = KnownFaces([[[5.0, 5.0, 140.0, 140.0]]] * 40)
    metric = with_detector(LipSyncDistance(weights=sync_weights, min_track=12), faces)
    detail = score_clip(metric, Clip(frames), audio=recording("A")[1])[1]
    assert [(t["first"], t["frames"]) for t in detail["tracks"]] == [(0, 22), (22, 18)]


def test_no_track_is_explained_and_the_next_clip_scored(sync_weights: dict[str, Path]) -> None:
    box = [[10.0, 10.0, 140.0, 140.0]]
    faces = KnownFaces([[]] * 10 + [box] * 6 + [box] * 16)
    metric = with_detector(LipSyncConfidence(weights=sync_weights, min_track=15), faces)
    clips = [Clip(torch.zeros(16, 3, 150, 150, dtype=torch.uint8), audio=torch.zeros(16 * 640)) for _ in range(2)]
    why = score_clip(metric, clips[0])[1]["not_scored"]
    assert "no face track of more than 15 detections and 100 px: faces in 6 of 16 frames" in why
    metric.update(clips[1])
    assert metric.compute().item() > -1
    assert metric.coverage == 0.5


def test_a_track_whose_sound_has_ended_is_too_short_and_left_out(sync_weights: dict[str, Path]) -> None:
    """Sound for 10 of 30 frames: a track from frame 12 on has none, and all its frames are left out."""
    faces = KnownFaces([[]] * 12 + [[[5.0, 5.0, 140.0, 140.0]]] * 18)
    metric = with_detector(LipSyncDistance(weights=sync_weights, min_track=5), faces)
    clip = Clip(torch.zeros(30, 3, 150, 150, dtype=torch.uint8), audio=torch.zeros(10 * 640))
    score, detail = score_clip(metric, clip)
    assert (score.value, score.left_out) == (None, 18)
    assert detail["not_scored"].startswith("too short: 18 frames of video and 10 of audio")


def test_faces_cannot_be_tracked_without_a_detector() -> None:
    tracking = TrackOptions()
    options = LipSyncOptions(_Nothing(), None, tracking, "mean", 15, 4, torch.device("cpu"), None)
    with pytest.raises(InputError, match="needs a detector"):
        Tracked(options, Clip(torch.zeros(1, 3, 8, 8)), torch.zeros(100), 16000)


class _Nothing:
    """A network that must not be run."""

    def lips(self, frames: Tensor) -> Tensor:
        raise AssertionError

    def sounds(self, windows: Tensor) -> Tensor:
        raise AssertionError
