"""Metrics on EAT's crops: EAT's own numbers, and its steps by other libraries."""

import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.metrics
import torch
from regions.eat_pipeline import crop_video, face_frames, mean_distance, paired
from torch import Tensor, nn

from thm_torchmetrics import LandmarkDistance, PeakSignalNoiseRatio, StructuralSimilarity, TalkingHeadMetrics
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MediaWarning, MismatchError, MissingFaceError
from thm_torchmetrics.media.video import VideoFile

ALL = ["lmd:eat-m", "lmd:eat-f", "psnr:eat", "ssim:eat"]

PUBLISHED = {
    "clips": {
        "radio22_pcavs": (1.473121, 1.946500, 27.16561, 0.801320),
        "radio8_wav2lip": (1.894052, 1.707311, 25.48009, 0.818230),
        "vox04570_x2face": (1.538674, 2.256640, 23.25166, 0.733878),
    },
    "clips_extra": {
        "roskam_pcavs": (2.319766, 4.897208, 21.12388, 0.530774),
        "mona_wav2lip": (1.077884, 1.118380, 27.29201, 0.832657),
        "radio51_iplap": (1.387261, 1.258795, 27.17923, 0.875554),
    },
}
"""What yuangan/evaluation_eat (e39b004) gives for `ALL`, of 12 frames of each side, every fifth of the file; the
prediction of vox04570_x2face has only 5."""


def all_metrics(**options: Any) -> TalkingHeadMetrics:
    return TalkingHeadMetrics(ALL, **options)


@pytest.mark.clips
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the prediction has 5 frames:thm_torchmetrics.errors.MediaWarning")
@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder in PUBLISHED for name in PUBLISHED[folder]])
def test_values_are_those_of_eat_s_own_code(request: pytest.FixtureRequest, folder: str, name: str) -> None:
    root: Path = request.getfixturevalue(folder)
    sides = []
    for side in ("pred_video", "gt_video"):
        frames = islice(VideoFile(root / side / f"{name}.mp4", every=5).frames(), 12)
        sides.append(torch.from_numpy(np.stack([frame for frame, _ in frames])).permute(0, 3, 1, 2))
    metrics = all_metrics(align="truncate")
    metrics.update(*sides)
    values = [float(value) for value in metrics.compute().values()]
    assert values == pytest.approx(PUBLISHED[folder][name], rel=3e-6)


def expected(preds: Tensor, target: Tensor) -> list[float]:
    """The four values by dlib, scikit-image and OpenCV."""
    pairs = paired(crop_video(preds), crop_video(target))
    ssim = skimage.metrics.structural_similarity
    return [
        mean_distance(pairs, 48, 68),
        mean_distance(pairs, 0, 68),
        float(np.mean([skimage.metrics.peak_signal_noise_ratio(t.numpy(), p.numpy()) for p, t in pairs])),
        float(np.mean([ssim(t.numpy(), p.numpy(), channel_axis=0) for p, t in pairs])),
    ]


def measured(metrics: TalkingHeadMetrics, preds: Any, target: Any) -> list[float]:
    metrics.update(preds, target)
    return [float(value) for value in metrics.compute().values()]


def test_values_are_those_of_eat_s_steps() -> None:
    preds, target = face_frames(5).flip(3), face_frames(5, shift=2)
    assert measured(all_metrics(), preds, target) == pytest.approx(expected(preds, target), rel=1e-6)


def test_equal_clips_are_equal() -> None:
    frames = face_frames(3)
    assert measured(all_metrics(), frames, frames) == [0, 0, math.inf, pytest.approx(1)]


def test_the_size_of_the_face_counts_little() -> None:
    target = face_frames(2, size=120)
    preds = nn.functional.interpolate(target.float(), scale_factor=1.5, mode="bilinear").to(torch.uint8)
    metrics = all_metrics()
    mouth, face, _, ssim = measured(metrics, preds, target)
    assert mouth < 1.5
    assert face < 3
    assert ssim > 0.8


def test_frames_without_a_face_are_left_out_and_counted_and_the_rest_is_spread() -> None:
    preds, target = face_frames(6).flip(3), face_frames(6)
    preds[1] = 90
    metrics = all_metrics()
    with pytest.warns(MediaWarning, match="1 of 6 frames of the prediction and 0 of 6 of the target have no face"):
        values = measured(metrics, preds, target)
    assert values == pytest.approx(expected(preds, target), rel=1e-6)
    for member in metrics.members().values():
        assert member.coverage == pytest.approx(5 / 6)


def test_the_shorter_clip_is_spread_over_the_longer_where_lengths_may_differ() -> None:
    preds, target = face_frames(3).flip(3), face_frames(7)
    for metric in (LandmarkDistance(protocol="eat-m"), PeakSignalNoiseRatio(protocol="eat")):
        with pytest.raises(MismatchError, match="3 frames and the target 7"):
            metric.update(preds, target)
        assert not metric.sums.any()
    metrics = all_metrics(align="truncate")
    with pytest.warns(MediaWarning, match="EAT spreads the shorter"):
        assert measured(metrics, preds, target) == pytest.approx(expected(preds, target), rel=1e-6)
    with pytest.warns(MediaWarning, match="EAT spreads the shorter"):
        assert measured(all_metrics(align="truncate"), target, preds) == pytest.approx(
            expected(target, preds), rel=1e-6
        )
    for member in metrics.members().values():
        assert member.tally(member.named(member.sums)) == (3, 3, 4)


def test_by_time_the_frames_on_display_are_cropped() -> None:
    preds, target = face_frames(6).flip(3), face_frames(3)
    values = measured(all_metrics(align="time"), Clip(preds, fps=50), Clip(target, fps=25))
    assert values == pytest.approx(expected(preds[::2], target), rel=1e-6)


@pytest.mark.parametrize("key", ALL)
@pytest.mark.parametrize("faceless", ["preds", "target", "both"])
def test_a_clip_without_a_face_has_no_value_and_a_reason(key: str, faceless: str) -> None:
    blank, face = torch.full((3, 3, 96, 96), 90, dtype=torch.uint8), face_frames(3)
    sides = {"preds": face, "target": face} | dict.fromkeys(
        ["preds", "target"] if faceless == "both" else [faceless], blank
    )
    metric = TalkingHeadMetrics([key]).members()[key]
    metric.update(**sides)
    with pytest.warns(UserWarning, match="is NaN: no face found in 3 frames"):
        assert math.isnan(metric.compute())
    assert metric.coverage == 0
    strict = TalkingHeadMetrics([key], missing="error").members()[key]
    with pytest.raises(MissingFaceError, match="3 of 3"):
        strict.update(**sides)


def test_sides_of_two_sizes_need_no_resize() -> None:
    preds, target = face_frames(2, size=110).flip(3), face_frames(2)
    assert measured(all_metrics(), preds, target) == pytest.approx(expected(preds, target), rel=1e-6)


def test_clips_weigh_the_same_in_distances_and_frames_in_the_others() -> None:
    clips = [(face_frames(4).flip(3), face_frames(4)), (face_frames(1, shift=3), face_frames(1))]
    metrics = all_metrics()
    for clip in clips:
        metrics.update(*clip)
    first, second = (expected(*clip) for clip in clips)
    by_clip, by_frame = ((np.array(first) * n + np.array(second)) / (n + 1) for n in (1, 4))
    values = [float(value) for value in metrics.compute().values()]
    assert values == pytest.approx([*by_clip[:2], *by_frame[2:]], rel=1e-6)


@pytest.mark.parametrize(("protocol", "points"), [("eat-m", slice(48, 68)), ("eat-f", slice(0, 68))])
def test_given_landmarks_are_compared_row_by_row(protocol: str, points: slice) -> None:
    generator = torch.Generator().manual_seed(0)
    preds, target = (100 * torch.rand(4, 68, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    a, b = (side[:, points] - side[:, points].mean(dim=1, keepdim=True) for side in (preds, target))
    metric = LandmarkDistance(protocol=protocol, extractor=None)
    assert metric(preds, target).item() == pytest.approx((a - b).norm(dim=2).mean().item())


def test_a_custom_network_finds_the_landmarks_of_the_crops() -> None:
    seen = []

    class Corner(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            seen.append(tuple(frames.shape))
            return frames.mean(dim=1)[:, :68, :2]

    metric = LandmarkDistance(protocol="eat-f", extractor=Corner())
    metric.update(face_frames(3), face_frames(3, shift=1))
    assert seen == [(3, 3, 128, 128)] * 2


def test_an_explicit_option_goes_before_the_protocol_s() -> None:
    plain = LandmarkDistance(protocol="eat-m")
    assert plain.extractor.grey == "bgr"
    assert plain.crops is not None
    assert (plain.crops.landmarks.upsample, plain.crops.landmarks.face) == (1, "first")
    assert plain.extractor.upsample == 0
    assert LandmarkDistance(protocol="eat-m", grey=None, upsample=2).extractor.upsample == 2
    assert LandmarkDistance(protocol="eat-m", norm="image").norm == "image"


@pytest.mark.parametrize(("kind", "protocol"), [(PeakSignalNoiseRatio, "eat"), (StructuralSimilarity, "eat")])
def test_float_frames_out_of_range_are_refused(kind: type[TalkingHeadMetric], protocol: str) -> None:
    frames = face_frames(2) / 255
    wrong = frames.clone()
    wrong[1, 2, 3, 4] = 1.5
    metric = kind(protocol=protocol)
    with pytest.raises(InputError, match=r"0\.\.1"):
        metric.update(frames, wrong)
    assert not metric.sums.any()
