"""Head pose and motion against KDTalker's numbers and closed forms."""

import math

import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import head_pose_delta, head_pose_diversity, head_pose_error, motion_variance


def test_diversity_of_logits_is_kdtalker_s() -> None:
    clips = [torch.from_numpy(logits) for logits in build.pose_logits(golden_meta("motion"))]
    values = [float(head_pose_diversity(clip)) for clip in clips]
    assert values == pytest.approx(golden("motion")["pose_diversity_per_clip"].mean(axis=1), rel=1e-9)
    assert sum(values) / 3 == pytest.approx(float(golden("motion")["pose_diversity"]), rel=1e-9)


@pytest.mark.parametrize("turns", [0, 360, -720])
def test_a_difference_is_taken_the_short_way_round(turns: int) -> None:
    target = torch.tensor([[170.0, -10.0, 0.0]]) + turns
    assert head_pose_error(torch.tensor([[-170.0, 20.0, 10.0]]), target).item() == pytest.approx((20 + 30 + 10) / 3)


def test_a_steady_turn_has_its_speed_as_delta() -> None:
    poses = torch.linspace(-200, 160, 37)[:, None] * torch.tensor([1.0, 0.0, -2.0])
    poses = (poses + 180) % 360 - 180
    assert head_pose_delta(poses).tolist() == pytest.approx([(10 + 20) / 3] * 36, abs=1e-4)


def test_neighbours_of_a_frame_without_a_face_do_not_count() -> None:
    poses = torch.arange(15.0).reshape(5, 3)
    poses[2, 1] = torch.inf
    assert head_pose_delta(poses).isnan().tolist() == [False, True, True, False]


def test_a_shift_of_the_head_is_no_expression() -> None:
    generator = torch.Generator().manual_seed(2)
    walk = torch.randn(36, 1, 2, generator=generator, dtype=torch.float64)
    face = torch.randn(1, 68, 2, generator=generator, dtype=torch.float64)
    assert motion_variance(face + walk, "exp").tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    expected = walk[:, 0].unflatten(0, (3, 12)).var(dim=1, correction=0).mean(dim=1)
    assert motion_variance(face + walk).tolist() == pytest.approx(expected.tolist())


def test_a_mouth_that_talks_moves_neither() -> None:
    talking = torch.zeros(12, 68, 2)
    talking[::2, 48:] = 9
    talking[::2, 3:14] = 5  # the chin
    assert motion_variance(talking, "glo").item() == motion_variance(talking, "exp").item() == 0


def test_one_blinking_eye_counts_as_six_of_37_points() -> None:
    blinking = torch.zeros(12, 68, 2)
    blinking[::2, 36:42, 1] = 2
    assert motion_variance(blinking, "exp").item() == pytest.approx(6 / 37 / 2)


def test_frames_after_the_last_whole_window_do_not_count() -> None:
    assert motion_variance(torch.zeros(35, 68, 2)).shape == (2,)
    assert motion_variance(torch.zeros(11, 68, 2)).shape == (0,)


def test_shapes_are_named() -> None:
    assert math.isnan(head_pose_diversity(torch.full((3, 3), torch.nan)))
    with pytest.raises(InputError, match=r"`poses` must be logits of head pose of shape \(T, 3, 66\)"):
        head_pose_diversity(torch.zeros(5, 3, 60))
    with pytest.raises(InputError, match=r"\(T, 3\), got \(5, 2\)"):
        head_pose_delta(torch.zeros(5, 2))
    with pytest.raises(InputError, match="`part` must be one of 'glo', 'exp'"):
        motion_variance(torch.zeros(12, 68, 2), "all")
