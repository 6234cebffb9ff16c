"""Head pose on frames, clips without a value, and what the command reads."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extractors.pictures import chunk_of, portrait
from torch import Tensor, nn

from thm_torchmetrics import (
    AverageKeypointDistance,
    HeadPoseDelta,
    HeadPoseDiversity,
    HeadPoseError,
    MotionVariance,
    TalkingHeadMetrics,
)
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError, MissingFaceError


class Brightness(nn.Module):
    """A pose that is the brightness of the frame, NaN in a black one."""

    def forward(self, frames: Tensor) -> Tensor:
        level = 255 * frames.mean(dim=(1, 2, 3))
        return torch.where(level > 0, level, torch.nan)[:, None] * torch.tensor([1.0, 2.0, 3.0])


def levels(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)


def test_a_custom_module_measures_frames() -> None:
    network = Brightness()
    metrics = TalkingHeadMetrics(
        [cls(extractor=network) for cls in (HeadPoseError, HeadPoseDiversity, HeadPoseDelta)]  # type: ignore[abstract]
    )
    metrics.update(levels(10, 14, 0, 14), levels(10, 10, 10, 20))
    values = {name: float(value) for name, value in metrics.compute().items()}
    spread = np.std([10, 14, 14])
    assert values == pytest.approx(
        {"pose-error": (0 + 4 + 6) * 2 / 3, "pose-diversity": spread * 2, "pose-delta": 8}, rel=1e-5
    )
    assert {metrics[name].coverage for name in values} == {0.75}


def test_dlib_s_pose_of_real_faces_is_scored() -> None:
    blank = np.zeros((256, 256, 3), np.uint8)
    face, mirrored = portrait(256), portrait(256)[:, ::-1].copy()
    metric = HeadPoseError(extractor="pnp", landmarks="dlib")
    value = metric(chunk_of(face, mirrored, blank).rows, chunk_of(face, face, face).rows).item()
    assert 0 < value < 20
    assert metric.coverage == pytest.approx(2 / 3)


def test_a_clip_without_neighbours_is_counted_with_the_reason() -> None:
    metric = HeadPoseDelta(extractor=None)
    poses = torch.zeros(5, 3)
    poses[[1, 3]] = torch.nan
    metric.update([poses, torch.zeros(4, 3), torch.full((2, 3), torch.nan)])
    assert metric.compute() == 0
    assert metric.coverage == pytest.approx(4 / 11)
    assert metric.detail() == {"not_scored": {"no face": 1, "no neighbours": 1}}
    metric.reset()
    metric.update(poses)
    with pytest.warns(UserWarning, match=r"none of 1 clips has a value \(no neighbours: 1\)"):
        assert metric.compute().isnan()


def test_a_missing_face_can_be_an_error() -> None:
    poses = torch.zeros(5, 3)
    poses[1] = torch.nan
    with pytest.raises(MissingFaceError, match="1 of 5 could not be scored"):
        HeadPoseDiversity(extractor=None, missing="error").update(poses)


def test_short_clips_and_targets_have_no_variance() -> None:
    metric = MotionVariance(extractor=None, protocol="dglo")
    long, short = torch.zeros(20, 68, 2), torch.zeros(11, 68, 2)
    metric.update([short, long, long], [long, short, long[:13]])
    assert metric.compute() == 0
    assert metric.coverage == pytest.approx(33 / 95)
    assert metric.detail() == {"not_scored": {"too short": 2}}


def test_the_difference_needs_a_target_and_the_variance_none() -> None:
    faces = torch.zeros(12, 68, 2)
    assert MotionVariance(extractor=None)(faces) == 0
    with pytest.raises(InputError, match="needs `target`"):
        MotionVariance(extractor=None, protocol="dexp").update(faces)


def test_hopenet_s_logits_are_given() -> None:
    assert HeadPoseDiversity(protocol="sadtalker").extractor is None
    with pytest.raises(InputError, match="reads Hopenet's logits"):
        HeadPoseDiversity(protocol="sadtalker", extractor="pnp", landmarks="dlib")
    with pytest.raises(InputError, match=r"\(T, 3, 66\)"):
        HeadPoseDiversity(protocol="sadtalker").update(torch.zeros(5, 3))


def test_landmarks_are_shared_with_other_metrics() -> None:
    """One pass of the network feeds the motion of the face and its error."""
    metrics = TalkingHeadMetrics([MotionVariance(extractor="dlib"), AverageKeypointDistance(extractor="dlib")])
    frames = chunk_of(*[portrait(256)] * 12).rows
    metrics.update(frames, frames)
    assert {name: float(value) for name, value in metrics.compute().items()} == {"motion-variance": 0, "akd": 0}


def test_the_command_reads_angles_and_logits(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    rows = {"angles": draw.normal(size=(30, 3)), "logits": draw.normal(size=(30, 3, 66))}
    for name, array in rows.items():
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", array)
    asked = "pose-diversity,pose-diversity:sadtalker,pose-error"
    given = [
        f"--preds-features=pose-diversity={tmp_path / 'angles'}",
        f"--preds-features=pose-diversity:sadtalker={tmp_path / 'logits'}",
        f"--preds-features=pose-error={tmp_path / 'angles'}",
        f"--target-features=pose-error={tmp_path / 'angles'}",
    ]
    done = CliRunner().invoke(main, ["score", *given, "--metrics", asked, "--format", "json"])
    assert done.exit_code == 0, done.output
    values = {name: metric["value"] for name, metric in json.loads(done.stdout)["metrics"].items()}
    assert values["pose-error"] == 0
    assert values["pose-diversity"] == pytest.approx(rows["angles"].std(axis=0).mean())
    assert values["pose-diversity:sadtalker"] == pytest.approx(rows["logits"].std(axis=0).mean())


def test_the_command_says_what_is_lacking(tmp_path: Path) -> None:
    (tmp_path / "pred_video").mkdir()
    (tmp_path / "pred_video" / "a.mp4").write_bytes(b"")
    asked = "pose-diversity:sadtalker,motion-variance:dglo"
    done = CliRunner().invoke(main, ["score", str(tmp_path), "--metrics", asked])
    assert "takes given features only: give --preds-features pose-diversity:sadtalker=DIR" in done.output
    assert "needs target" in done.output
