"""Distances of sequences: lengths, delays, missing faces, and the command."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extractors.lpips_reference import checkpoint, theirs
from torch import Tensor, nn

from thm_torchmetrics import (
    AverageEuclideanDistance,
    ExpressionSequenceDistance,
    HeadPoseSequenceDistance,
    IdentitySequenceDistance,
    LandmarkSequenceDistance,
    LearnedPerceptualSimilarity,
    PerceptualSequenceDistance,
)
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.face3d import COEFFICIENTS

CLASSES = (
    IdentitySequenceDistance, LandmarkSequenceDistance, HeadPoseSequenceDistance, ExpressionSequenceDistance,
)  # fmt: skip


def rows(count: int, *shape: int, seed: int = 5) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value(metric: Any, preds: Tensor, target: Tensor) -> float:
    return float(metric(preds, target))


def test_frame_by_frame_it_is_the_distance_of_fomm() -> None:
    preds, target = rows(20, 8), rows(20, 8, seed=6)
    metric = IdentitySequenceDistance(extractor=None, protocol="frame")
    assert value(metric, preds, target) == pytest.approx(value(AverageEuclideanDistance(extractor=None), preds, target))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.key)
def test_a_delay_costs_less_than_frame_by_frame(cls: Any) -> None:
    walk = rows(60, *(68, 2) if cls is LandmarkSequenceDistance else (3,)).cumsum(dim=0)
    late, real = walk[:-5], walk[5:]
    rigid, warped = (value(cls(extractor=None, protocol=each), late, real) for each in ("frame", "seq"))
    assert warped < rigid / 2


def test_without_smoothing_equal_clips_have_no_distance() -> None:
    walk = rows(30, 3)
    assert value(HeadPoseSequenceDistance(extractor=None, gamma=0), walk, walk) == 0
    assert -0.01763 < value(HeadPoseSequenceDistance(extractor=None), walk, walk) <= 0


def test_what_the_longer_clip_has_beyond_is_left_out_frame_by_frame_alone() -> None:
    preds, target = rows(7, 3), rows(10, 3)
    rigid, warped = (HeadPoseSequenceDistance(extractor=None, protocol=each) for each in ("frame", "seq"))
    scores = []
    for metric in (rigid, warped):
        run = metric.start()
        run.add(*(next(side.chunks()) for side in next(iter(metric.pairs(preds, target))) if side is not None))
        run.finish()
        scores.append(metric.score(run))
    assert [(score.frames, score.left_out) for score in scores] == [(14, 3), (17, 0)]
    assert [score.detail for score in scores] == [{"frames": [7, 7]}, {"frames": [7, 10]}]


def test_a_frame_without_a_face_is_taken_out_of_its_sequence() -> None:
    preds, target = rows(8, 3), rows(9, 3, seed=6)
    gap = torch.full((1, 3), torch.nan, dtype=torch.float64)
    metric = HeadPoseSequenceDistance(extractor=None)
    alone = value(HeadPoseSequenceDistance(extractor=None), preds, target)
    assert value(metric, torch.cat([preds[:3], gap, preds[3:]]), target) == alone
    metric.compute()
    assert metric.coverage == 17 / 18


def test_clips_without_a_common_face_have_no_value() -> None:
    preds, target = rows(4, 3), rows(4, 3, seed=6)
    preds[:2], target[2:] = torch.nan, torch.nan
    with pytest.warns(UserWarning, match="none of 1 clips has a value \\(no common frame: 1\\)"):
        assert np.isnan(value(HeadPoseSequenceDistance(extractor=None, protocol="frame"), preds, target))


def test_expressions_are_64_of_the_coefficients_of_a_network() -> None:
    class Coefficients(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            out = torch.zeros(len(frames), 257)
            out[:, COEFFICIENTS["exp"]] = frames.mean(dim=(1, 2, 3))[:, None]
            out[:, COEFFICIENTS["angle"]] = torch.arange(len(frames))[:, None].float()
            return out

    levels = torch.zeros(4, 3, 8, 8)
    metric = ExpressionSequenceDistance(extractor=Coefficients(), protocol="frame")
    assert value(metric, levels + 0.5, levels) == pytest.approx(64 * 0.25, rel=1e-6)


def test_frame_by_frame_the_features_of_lpips_have_its_distance(tmp_path: Path) -> None:
    weights = checkpoint(theirs("alex"), tmp_path / "alexnet.pth")
    generator = torch.Generator().manual_seed(8)
    preds, target = (torch.randint(0, 256, (5, 3, 64, 64), dtype=torch.uint8, generator=generator) for _ in range(2))
    expected = value(LearnedPerceptualSimilarity(weights=weights), preds, target)
    rigid = PerceptualSequenceDistance(weights=weights, protocol="frame")
    assert value(rigid, preds, target) == pytest.approx(expected, rel=1e-4)
    late = PerceptualSequenceDistance(weights=weights, gamma=0)
    assert value(late, preds[[0, 0, 1, 2, 3, 4]], preds) == 0


def test_rows_of_unlike_length_are_refused() -> None:
    with pytest.raises(MismatchError, match="a row of the prediction has 3 numbers and one of the target 7"):
        HeadPoseSequenceDistance(extractor=None)(rows(5, 3), rows(5, 7))


@pytest.mark.parametrize("gamma", [-1.0, float("nan"), float("inf")])
def test_gamma_is_finite_and_not_negative(gamma: float) -> None:
    with pytest.raises(InputError, match="gamma must be at least 0 and finite"):
        HeadPoseSequenceDistance(extractor=None, gamma=gamma)


def test_the_command_takes_features_of_unlike_lengths(tmp_path: Path) -> None:
    for side, count in (("preds", 9), ("target", 12)):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", rows(count, 7, seed=count).numpy())
    folders = [f"--{side}-features=pose-seq={tmp_path / side}" for side in ("preds", "target")]
    command = ["score", "--metrics", "pose-seq,pose-seq:frame", *folders, "--option", "pose-seq.gamma=0.05"]
    result = CliRunner().invoke(main, [*command, "-o", str(tmp_path / "out.json")])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "out.json").read_text())["metrics"]
    expected = value(HeadPoseSequenceDistance(extractor=None, gamma=0.05), rows(9, 7, seed=9), rows(12, 7, seed=12))
    assert found["pose-seq"]["value"] == pytest.approx(expected, rel=1e-9)
    assert found["pose-seq:frame"]["left_out"] == 3
