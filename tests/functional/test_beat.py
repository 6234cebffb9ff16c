"""Beats of motion and their alignment against the published programs."""

import numpy as np
import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta
from scipy.signal import argrelextrema
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import beat_alignment, motion_beats


@pytest.mark.parametrize("case", [0, 1, 2])
def test_kdtalker_s_beats_and_score(case: int) -> None:
    expected = {name: golden("motion")[f"kd_{case}_{name}"] for name in ("motion_beats", "fps", "beat_times", "score")}
    points = torch.from_numpy(build.face_points(golden_meta("motion"), case))
    beats = motion_beats(points, "kdtalker")
    assert beats.tolist() == expected["motion_beats"].tolist()
    score = beat_alignment(beats, torch.from_numpy(expected["beat_times"]), float(expected["fps"]), len(points))
    assert float(score) == pytest.approx(float(expected["score"]), rel=1e-9)


@pytest.mark.parametrize("case", [0, 1, 2])
@pytest.mark.parametrize("fps", [25.0, 60.0])
def test_bailando_s_beats_and_score(case: int, fps: float) -> None:
    names = ("motion_beats", "length", "music_beats", "score")
    expected = {name: golden("motion")[f"bailando_{case}_{name}"] for name in names}
    points = torch.from_numpy(build.body_points(golden_meta("motion"), case))
    beats = motion_beats(points, "bailando")
    assert beats.tolist() == expected["motion_beats"].tolist()
    assert len(points) - 1 == expected["length"]
    music = torch.from_numpy(np.append(expected["music_beats"], expected["length"])) / fps  # the last lies beyond
    score = beat_alignment(beats, music, fps, len(points), "bailando")
    assert float(score) == pytest.approx(float(expected["score"]), rel=1e-9)


def wavering(frames: int = 240) -> Tensor:
    """Points of uneven speed with noise."""
    generator = torch.Generator().manual_seed(4)
    speed = 2 + torch.sin(torch.arange(frames) / 6) + 0.3 * torch.randn(frames, generator=generator)
    return speed.cumsum(dim=0).double()[:, None, None].expand(-1, 5, 3)


def test_beats_of_aist_are_the_slowest_of_21_frames() -> None:
    points = wavering()
    speeds = np.append(0, np.linalg.norm(np.diff(points.numpy(), axis=0), axis=2).sum(axis=1))
    expected = argrelextrema(speeds, np.less, order=10)[0]
    assert len(expected) > 3
    assert motion_beats(points, "aist").tolist() == expected.tolist()


def test_aist_asks_of_each_motion_beat_whether_there_is_a_sound() -> None:
    motion, sound = torch.tensor([10, 50]), torch.tensor([0.4, 1.0, 1.5])
    both = [beat_alignment(motion, sound, 25, 100, name).item() for name in ("aist", "bailando")]
    late = np.exp(-(12**2) / 18)  # 1.5 s is frame 38
    assert both == pytest.approx([(1 + late) / 2, (1 + np.exp(-(15**2) / 18) + late) / 3])


@pytest.mark.parametrize("protocol", ["kdtalker", "bailando", "aist"])
def test_frames_without_a_face_leave_the_beats_where_they_are(protocol: str) -> None:
    points = wavering().clone()
    beats = motion_beats(points, protocol)
    hidden = [frame for frame in range(40, 200, 7) if (beats - frame).abs().min() > 2]
    points[hidden] = torch.nan
    points[:3] = torch.inf
    found = motion_beats(points, protocol)
    assert len(hidden) > 10
    assert (found[:, None] - beats).abs().amin(dim=1).max() <= 2
    assert abs(len(found) - len(beats)) <= 1


def test_without_beats_there_is_no_score() -> None:
    beats, none = torch.tensor([3]), torch.zeros(0)
    assert beat_alignment(beats, none, 25, 100).isnan()
    assert beat_alignment(none, torch.tensor([1.0]), 25, 100).isnan()
    assert beat_alignment(beats, torch.tensor([9.0]), 25, 100, "bailando").isnan()  # the sound goes on without pictures
    for frames in (1, 2, 30):
        assert motion_beats(torch.zeros(frames, 68, 2)).tolist() == []
    assert motion_beats(torch.full((9, 68, 2), torch.nan)).tolist() == []


def test_shapes_and_protocols_are_named() -> None:
    with pytest.raises(InputError, match=r"`keypoints` must be key points of shape \(T, K, 2 or 3\)"):
        motion_beats(torch.zeros(9, 68))
    with pytest.raises(InputError, match="`protocol` must be one of 'kdtalker', 'bailando', 'aist'"):
        motion_beats(torch.zeros(9, 68, 2), "dance")
