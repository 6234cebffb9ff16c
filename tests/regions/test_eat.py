"""The video of EAT's crops against OpenCV's file of scikit-image's crops."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from regions.eat_pipeline import crop_video, face_frames
from torch import Tensor

from thm_torchmetrics import TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.regions import eat
from thm_torchmetrics.regions.eat import EatCrops, EatVideo, pair_videos, spread


@pytest.fixture(scope="module")
def crops() -> EatCrops:
    return EatCrops.make()


def video_of(crops: EatCrops, *chunks: Tensor) -> EatVideo:
    video = EatVideo(crops)
    for frames in chunks:
        video.add(Chunk(frames))
    return video


def all_of(video: EatVideo) -> Tensor:
    return video.chunk(list(range(len(video)))).rows


def test_frames_are_spread_as_numpy_spreads_them() -> None:
    for length in range(1, 130):
        for count in range(1, length + 1):
            expected = np.linspace(0, length, count, endpoint=False).astype(np.int32).tolist()
            assert spread(length, count) == expected
    assert spread(5, 0) == []


def test_crops_are_those_of_the_file_that_opencv_writes(crops: EatCrops) -> None:
    frames = face_frames(12)
    expected = crop_video(frames)
    assert torch.equal(all_of(video_of(crops, frames)), expected)
    assert torch.equal(all_of(video_of(crops, frames[:5], frames[5:6], frames[6:])), expected)
    assert torch.equal(all_of(video_of(crops, frames.to(torch.float64) / 255)), expected)


@pytest.mark.parametrize("blank", [0, 1, 3])
def test_a_frame_without_a_face_is_not_in_the_video(crops: EatCrops, blank: int) -> None:
    frames = face_frames(4)
    frames[blank] = 90
    video = video_of(crops, frames)
    assert (len(video), video.seen) == (3, 4)
    assert torch.equal(all_of(video), crop_video(frames))


def test_a_clip_without_a_face_has_no_pairs(crops: EatCrops) -> None:
    videos = video_of(crops, torch.full((3, 3, 96, 96), 90, dtype=torch.uint8)), video_of(crops, face_frames(2))
    assert list(pair_videos(*videos)) == []


def test_pairs_come_in_chunks_that_fit_into_memory(crops: EatCrops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eat, "CHUNK_FRAMES", 2)
    long, short = video_of(crops, face_frames(7)), video_of(crops, face_frames(5, shift=2))
    pairs = list(pair_videos(long, short))
    assert [len(preds) for preds, _ in pairs] == [2, 2, 1]
    assert torch.equal(torch.cat([preds.rows for preds, _ in pairs]), all_of(long)[[0, 1, 2, 4, 5]])
    assert torch.equal(torch.cat([target.rows for _, target in pairs]), all_of(short))


def test_all_metrics_share_the_crops_of_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    cut: Callable[..., Any] = eat.eat_crops
    monkeypatch.setattr(eat, "eat_crops", lambda *args: calls.append(len(args[0])) or cut(*args))
    metrics = TalkingHeadMetrics(["lmd:eat-m", "lmd:eat-f", "psnr:eat", "ssim:eat", "psnr"])
    metrics.update(face_frames(3), face_frames(3, shift=1))
    assert calls == [3, 3]
