"""THEval's formulas against its programs."""

import numpy as np
import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional import (
    eyebrow_dynamics,
    head_motion,
    lip_dynamics,
    lip_opening,
    silent_lip_motion,
    speech_of_segments,
    theval_score,
)


def mesh(name: str, hidden: str) -> Tensor:
    points = torch.from_numpy(build.face_mesh(golden_meta("theval"), name))
    points[golden("theval")[hidden].tolist()] = torch.nan
    return points


def test_lips_and_brows_are_theval_s() -> None:
    points = mesh("face", "hidden_frames")
    height, width = golden("theval")["frame_size"].tolist()
    assert float(lip_dynamics(points)) == pytest.approx(float(golden("theval")["lip_dynamics"]), rel=1e-9)
    brows = eyebrow_dynamics(points, aspect=width / height)
    assert float(brows) == pytest.approx(float(golden("theval")["eyebrow_dynamics"]), rel=1e-9)


def test_silent_lips_are_theval_s() -> None:
    silent = ~speech_of_segments(torch.from_numpy(golden("theval")["speech_segments"]), 75, 25)
    value = silent_lip_motion(lip_opening(mesh("quiet", "quiet_hidden"))[silent])
    assert float(value) == pytest.approx(float(golden("theval")["silent_lip_stability"]), rel=1e-9)


def test_head_motion_is_theval_s() -> None:
    angles, center = build.head_pose(golden_meta("theval"))
    rows = torch.from_numpy(np.hstack([angles, center]))
    assert float(head_motion(rows)) == pytest.approx(float(golden("theval")["head_motion"]), rel=1e-9)
    rows[:, 3:] = 5
    assert float(head_motion(rows)) == pytest.approx(float(golden("theval")["head_motion_no_shift"]), rel=1e-9)


def test_scores_are_theval_s() -> None:
    real = torch.from_numpy(golden("theval")["score_gt"])
    methods = torch.from_numpy(build.method_factors(golden_meta("theval"))) * real
    expected = golden("theval")["score_per_metric"][1:]
    for column, reference in enumerate(real.tolist()):
        assert theval_score(methods[:, column], reference).tolist() == pytest.approx(expected[:, column].tolist())


def test_a_shift_or_a_turn_of_the_face_is_no_motion_of_lips_and_brows() -> None:
    generator = torch.Generator().manual_seed(6)
    face = torch.randn(1, 68, 2, generator=generator, dtype=torch.float64)
    angle = torch.linspace(0, 1, 9, dtype=torch.float64)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).reshape(-1, 2, 2)
    moved = face @ turn + torch.randn(9, 1, 2, generator=generator, dtype=torch.float64)
    assert float(lip_dynamics(moved)) == pytest.approx(0, abs=1e-12)
    assert float(eyebrow_dynamics(moved)) == pytest.approx(0, abs=1e-12)


def test_too_few_frames_have_no_value() -> None:
    one = torch.rand(1, 68, 2)
    assert eyebrow_dynamics(one).isnan()
    assert silent_lip_motion(torch.tensor([0.5, torch.nan])).isnan()
    assert head_motion(torch.rand(1, 5)).isnan()
    assert lip_dynamics(torch.full((3, 68, 2), torch.nan)).isnan()
    assert lip_opening(torch.zeros(2, 68, 2)).isnan().all()
    with pytest.raises(InputError, match=r"\(T, 68 or 478, 2\), got \(3, 468, 2\)"):
        lip_opening(torch.zeros(3, 468, 2))
