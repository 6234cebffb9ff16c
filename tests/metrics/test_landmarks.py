"""LMD, AKD and MKR on frames: faces found by dlib, frames without one counted, and the options in closed form."""

from pathlib import Path

import numpy as np
import pytest
import torch
from extractors.pictures import chunk_of, portrait
from extractors.plain_dlib import plain_dlib, points_of
from torch import Tensor, nn

from thm_torchmetrics import AverageKeypointDistance, LandmarkDistance, MissingKeypointRate, TalkingHeadMetrics
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.video import VideoFile


def test_frames_without_a_face_are_counted() -> None:
    blank = np.zeros((256, 256, 3), np.uint8)
    face, mirrored = portrait(256), portrait(256)[:, ::-1].copy()
    target = chunk_of(face, face, blank, face).rows
    preds = chunk_of(face, blank, blank, mirrored).rows
    distance, missed = LandmarkDistance(extractor="dlib", protocol="vico"), MissingKeypointRate(extractor="dlib")
    expected = np.abs(points_of(plain_dlib(mirrored))[48:] - points_of(plain_dlib(face))[48:]).mean() / 2
    assert distance(preds, target).item() == pytest.approx(expected)
    assert distance.coverage == 0.5
    assert missed(preds, target).item() == pytest.approx(1 / 3)
    assert missed.coverage == 0.75


def square(side: float) -> Tensor:
    """68 points of which the outer eye corners are ``side`` apart, in a box of ``side`` by ``2 * side``."""
    points = torch.zeros(1, 68, 2, dtype=torch.float64)
    points[0, 45, 0] = side
    points[0, 0, 1] = 2 * side
    return points


@pytest.mark.parametrize(("norm", "divisor"), [("none", 1.0), ("inter-ocular", 8.0), ("face-box", (8 * 16) ** 0.5)])
def test_the_norm_is_measured_on_the_target(norm: str, divisor: float) -> None:
    target = square(8.0)
    preds = 3 * target
    preds[..., 0] += 3.0
    metric = LandmarkDistance(extractor=None, center=False, norm=norm)
    assert metric(preds, target).item() == pytest.approx(3.0 / divisor)  # the lips moved by 3


def test_the_norm_of_the_image_is_its_height() -> None:
    class Corner(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return frames[:, 0, 0, 0, None, None].expand(-1, 68, 2) * 255

    preds = torch.zeros(2, 3, 40, 60, dtype=torch.uint8)
    preds[:, 0, 0, 0] = 10
    metric = LandmarkDistance(extractor=Corner(), protocol="vico", norm="image")
    assert metric(preds, torch.zeros_like(preds)).item() == pytest.approx(10 / 40)
    with pytest.raises(InputError, match="needs frames"):
        LandmarkDistance(extractor=None, norm="image")


def test_frames_of_two_sizes_are_compared_by_their_landmarks() -> None:
    class Size(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            return torch.full((len(frames), 68, 2), float(frames.shape[-1]))

    metric = AverageKeypointDistance(extractor=Size())
    assert metric(torch.zeros(2, 3, 8, 9), torch.zeros(2, 3, 20, 30)).item() == 21


@pytest.mark.parametrize(
    ("option", "message"),
    [({"points": "ears"}, "points"), ({"norm": "head"}, "norm"), ({"reduction": "l3"}, "reduction")],
)
def test_wrong_options_are_named(option: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=f"{message} must be one of"):
        LandmarkDistance(extractor=None, **option)


def test_an_option_goes_to_the_members_that_have_it() -> None:
    metrics = TalkingHeadMetrics(["lmd", "akd", "mkr"], extractor="dlib", face="last", upsample=1, points="jaw")
    members = metrics.members()
    assert {name: member.extractor.face for name, member in members.items()} == dict.fromkeys(members, "last")
    assert members["lmd"].settings()["points"] == "jaw"
    assert "points" not in members["akd"].settings()


@pytest.mark.clips
@pytest.mark.slow
def test_coverage_is_that_of_the_frames_before_the_face_leaves(clips: Path) -> None:
    path = clips / "misc/face_noface.mov"
    video = Clip(VideoFile(path, every=12))
    missed = MissingKeypointRate(extractor="dlib")
    missed.update(video, video)
    with_face = sum(plain_dlib(picture) is not None for picture, _ in VideoFile(path, every=12).frames())
    assert missed.compute().item() == 0.0
    assert missed.tally(missed.named(missed.sums)).scored == with_face
    assert 5 <= with_face <= 7  # a face in frames 0 to 71 of 169
