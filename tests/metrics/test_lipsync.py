"""Lip sync from frames and sound, with seeded weights, against the original's stored output."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from extractors.published import published_crops
from parity.seeded import golden, golden_input
from torch import Tensor

from thm_torchmetrics import Clip, LipSyncConfidence, LipSyncDistance, LipSyncOffset, TalkingHeadMetrics
from thm_torchmetrics.core.one_pass import stream
from thm_torchmetrics.errors import InputError, MissingFaceError
from thm_torchmetrics.lipsync.windows import DistanceCurve, mfcc_windows
from thm_torchmetrics.media.audio import read_audio
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.metrics.lipsync import LipSync


def recording(case: str) -> tuple[Tensor, Tensor]:
    """Frames, RGB, and int16 samples of a golden case."""
    clip = golden_input("syncnet", f"{case}_clip")[..., ::-1].copy()
    return torch.from_numpy(clip).permute(0, 3, 1, 2), torch.from_numpy(golden_input("syncnet", f"{case}_wave").copy())


def expected(case: str) -> list[float]:
    return [float(golden("syncnet")[f"{case}_{name}"]) for name in ("mindist", "conf", "offset")]


@pytest.mark.parametrize("case", [pytest.param("A", marks=pytest.mark.slow), "B", "C"])
def test_stored_scores_of_the_original(sync_weights: dict[str, Path], case: str) -> None:
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
    assert len({id(metric.sums) for metric in metrics.members().values()}) == 1


def lrs(sync_weights: dict[str, Path], **options: object) -> LipSyncDistance:
    return LipSyncDistance(protocol="wav2lip-lrs", weights=sync_weights, **options)  # type: ignore[arg-type]


def test_chunks_of_any_length_and_float_sound_give_the_same(sync_weights: dict[str, Path]) -> None:
    frames, samples = recording("C")
    metric = lrs(sync_weights)
    clip = Clip(frames, audio=samples)
    for length in (3, 17):
        metric.begin(clip)
        for chunk in clip.chunks(length):
            metric.feed(chunk)
        metric.end()
    floats = lrs(sync_weights)
    floats.update(frames[None], audio=samples[None] / 32768)
    assert floats.compute().item() == pytest.approx(expected("C")[0], abs=1e-4)
    assert metric.compute().item() == pytest.approx(expected("C")[0], abs=1e-4)


def test_sound_of_another_rate(sync_weights: dict[str, Path]) -> None:
    frames, samples = recording("C")
    doubled = torch.from_numpy(np.interp(np.arange(len(samples) * 3) / 3, np.arange(len(samples)), samples / 32768))
    metric = lrs(sync_weights)
    metric.update(frames, audio=doubled, sample_rate=48000)
    assert metric.compute().item() == pytest.approx(expected("C")[0], rel=0.02)


class Boxes:
    """A detector that knows the faces: one list of boxes per frame, in the order in which frames come."""

    def __init__(self, boxes: list[list[list[float]]]) -> None:
        self.boxes = boxes
        self.seen: list[Tensor] = []

    def faces(self, frames: Tensor) -> list[Tensor]:
        start = len(self.seen)
        self.seen += list(frames)
        return [
            torch.tensor(rows, dtype=torch.float64).reshape(-1, 4) for rows in self.boxes[start : start + len(frames)]
        ]


def moving_boxes(frames: int) -> list[list[list[float]]]:
    rng = np.random.default_rng(4)
    return [[[40.3 + i, 30.7, 150.2 + i + rng.normal(), 160.1 + 0.4 * i]] for i in range(frames)]


def test_tracked_is_the_crop_of_the_published_recipe_scored(sync_weights: dict[str, Path]) -> None:
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
    metric = LipSyncDistance(weights=sync_weights, min_track=10)
    metric.detector = Boxes(boxes)
    sums = stream({"m": metric}, Clip(frames), audio=samples)["m"]
    detail = metric.score(sums).detail
    assert detail is not None
    assert [(t["first"], t["frames"], t["windows"]) for t in detail["tracks"]] == [(2, 20, 15)]

    corners = np.array([rows[0] for rows in moving_boxes(20)])
    crops = np.stack(published_crops(list(frames[2:22].permute(0, 2, 3, 1).numpy()), corners))
    reference = lrs(sync_weights)
    reference.update(torch.from_numpy(crops).permute(0, 3, 1, 2), audio=samples[2 * 640 : 22 * 640])
    assert metric.compute().item() == pytest.approx(reference.compute().item(), abs=1e-9)


def test_thirty_frames_per_second_are_sampled_at_twenty_five(sync_weights: dict[str, Path]) -> None:
    frames = torch.arange(61, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
    for fps in (30.0, 30000 / 1001, 50.0, 25.0, 12.5):
        metric = LipSyncDistance(weights=sync_weights)
        metric.detector = Boxes([])
        metric.update(frames, audio=torch.zeros(90000), fps=fps)
        shown = [int(frame[0, 0, 0]) for frame in metric.detector.seen]
        ticks = np.arange(0, 61 / fps - 0.002, 0.04)
        assert shown == [int(np.floor((tick + 0.002) * fps)) for tick in ticks]


def test_two_faces_and_the_choice_of_one(sync_weights: dict[str, Path]) -> None:
    frames = torch.full((24, 3, 300, 320), 90, dtype=torch.uint8)
    long, short = [[5.0, 5.0, 130.0, 130.0]], [[160.0, 140.0, 290.0, 280.0]]
    boxes = [short + long if i < 14 else long for i in range(24)]
    values = {}
    for tracks in ("mean", "longest"):
        metric = LipSyncDistance(weights=sync_weights, min_track=8, tracks=tracks)  # type: ignore[arg-type]
        metric.detector = Boxes(boxes)
        sums = stream({"m": metric}, Clip(frames), audio=recording("A")[1])["m"]
        detail = metric.score(sums).detail
        assert detail is not None
        values[tracks] = metric.compute().item()
        each = {t["frames"]: t["lse-d"] for t in detail["tracks"]}
        if tracks == "mean":
            assert set(each) == {14, 24}
            assert values[tracks] == pytest.approx(sum(each.values()) / 2)
        else:
            assert each == {24: pytest.approx(values[tracks])}
    assert values["mean"] != values["longest"]


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
    sums = stream({"m": metric}, clip)["m"]
    score = metric.score(sums)
    assert score.value is None
    assert score.detail is not None
    assert score.detail["not_scored"].startswith(reason)
    assert metric.detail()["not_scored"] == {reason: 1}  # type: ignore[index]
    with pytest.warns(UserWarning, match=f"none of 1 clips could be scored .{reason}: 1"):
        metric.compute()
    assert metric.coverage == 0
    with pytest.raises(MissingFaceError, match=reason):
        stream({"m": lrs(sync_weights, missing="error")}, clip)


def test_no_track_is_explained_and_the_next_clip_scored(sync_weights: dict[str, Path]) -> None:
    metric = LipSyncConfidence(weights=sync_weights, min_track=15)
    metric.detector = Boxes([[]] * 10 + [[[10.0, 10.0, 140.0, 140.0]]] * 20 + [[]] * 2)
    clips = [Clip(torch.zeros(16, 3, 150, 150, dtype=torch.uint8), audio=torch.zeros(16 * 640)) for _ in range(2)]
    why = metric.score(stream({"m": metric}, clips[0])["m"]).detail
    assert why is not None
    assert "no face track of more than 15 detections and 100 px: faces in 6 of 16 frames" in why["not_scored"]
    metric.detector.boxes = metric.detector.boxes[:16] + [[[10.0, 10.0, 140.0, 140.0]]] * 16
    metric.update(clips[1])
    assert metric.compute().item() > -1
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
def test_a_caller_s_mistake_is_named(sync_weights: dict[str, Path], inputs: dict[str, Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lrs(sync_weights).update(torch.zeros(9, 3, 224, 224, dtype=torch.uint8), **inputs)  # type: ignore[arg-type]


def test_wrong_options_are_named(sync_weights: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="tracks must be"):
        LipSync(extractor=None, tracks="best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="method forward_lip"):
        LipSyncOffset(extractor=torch.nn.Identity(), protocol="wav2lip-lrs")


def test_late_sound_moves_the_curve(sync_weights: dict[str, Path]) -> None:
    """On the embeddings: rows shifted by k move the smallest distance by k, on any side."""
    lip = torch.from_numpy(golden("syncnet")["A_im_feat"].copy())
    for late in (-7, 0, 4):
        metric = LipSyncOffset(extractor=None)
        metric.update(lip, audio=lip.roll(late, dims=0))
        detail = metric.detail()
        assert detail is not None
        assert detail["offsets"] == {str(-late): 1}


def test_a_cut_ends_the_track(sync_weights: dict[str, Path]) -> None:
    frames = torch.zeros(40, 3, 150, 150, dtype=torch.uint8)
    frames[22:] = 200
    metric = LipSyncDistance(weights=sync_weights, min_track=12)
    metric.detector = Boxes([[[5.0, 5.0, 140.0, 140.0]]] * 40)
    detail = metric.score(stream({"m": metric}, Clip(frames), audio=recording("A")[1])["m"]).detail
    assert detail is not None
    assert [(t["first"], t["frames"]) for t in detail["tracks"]] == [(0, 22), (22, 18)]


def test_pieces_give_the_curve_of_the_whole_and_are_not_kept() -> None:
    generator = torch.Generator().manual_seed(8)
    lip, audio = (torch.randn(3200, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    curve = DistanceCurve(15)
    for start in range(0, 3200, 64):
        curve.add(lip[start : start + 64], audio[start : start + 64])
        assert len(curve._kept[0]) <= 64 + 2 * 15 + 1
    count = 3199  # the original leaves the last window out
    padded = torch.nn.functional.pad(audio[:count], (0, 0, 15, 15))
    means = [torch.nn.functional.pairwise_distance(lip[:count], padded[k : k + count]).mean() for k in range(31)]
    torch.testing.assert_close(curve.finish(count), torch.stack(means), rtol=1e-10, atol=0)


def test_audio_windows_by_pieces_are_those_of_the_stored_mfcc() -> None:
    samples = torch.from_numpy(golden_input("syncnet", "A_wave").copy()).float()
    stored = torch.from_numpy(golden("syncnet")["A_mfcc"]).float().unfold(0, 20, 4)
    for start, count in ((0, 55), (0, 1), (1, 7), (30, 25)):
        windows = mfcc_windows(samples, start, count)
        assert windows.shape == (count, 1, 13, 20)
        torch.testing.assert_close(windows[:, 0], stored[start : start + count], rtol=0, atol=2e-4)


def test_example_of_the_published_code() -> None:
    """syncnet_python's README: offset 3, minimum distance 5.353, confidence 10.021 on its example.avi, uncropped."""
    folder = os.environ.get("THM_SYNCNET_EXAMPLE")
    if not folder:
        pytest.skip("THM_SYNCNET_EXAMPLE names no folder with example.avi and syncnet_v2.model")
    path = Path(folder) / "example.avi"
    metric = LipSyncDistance(protocol="wav2lip-lrs", weights={"syncnet": Path(folder) / "syncnet_v2.model"})
    sums = stream({"m": metric}, Clip(VideoFile(path), audio=torch.from_numpy(read_audio(path))))["m"]
    detail = metric.score(sums).detail
    assert detail is not None
    track = detail["tracks"][0]
    assert track["offset"] == 3
    assert track["lse-d"] == pytest.approx(5.353, abs=0.3)  # the published run re-encodes the frames as JPEG
    assert track["lse-c"] == pytest.approx(10.021, abs=0.5)
