"""THEval's metrics: score, protocols, frames, and clips that are too short."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extractors.pictures import chunk_of, portrait

from thm_torchmetrics import EyebrowMotion, HeadMotion, LipDynamics, SilentLip
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.functional import head_motion, lip_dynamics


def test_the_score_stands_beside_the_value() -> None:
    metric = HeadMotion()
    rows = torch.zeros(2, 5)
    rows[1, 3] = 4
    value = metric(rows).item()
    assert value == pytest.approx(2**0.5)
    assert metric.detail() == {"not_scored": {}, "score": pytest.approx(1 - abs(value - 18.46757) / 18.46757)}
    assert HeadMotion(reference=2.0).reference == 2
    with pytest.raises(InputError, match="must not be 0"):
        HeadMotion(reference=0)


@pytest.mark.parametrize("cls", [LipDynamics, SilentLip, EyebrowMotion, HeadMotion])
def test_the_benchmark_s_own_protocol_reads_given_features(cls: type[LipDynamics]) -> None:
    assert cls().extractor is None
    with pytest.raises(InputError, match="take the protocol 'theval-68'"):
        cls(extractor=torch.nn.Identity())


@pytest.mark.parametrize("cls", [LipDynamics, EyebrowMotion, HeadMotion])
def test_one_frame_is_too_short(cls: type[LipDynamics]) -> None:
    metric = cls()
    metric.update(torch.rand(1, *(metric.feature_shape or ())))
    with pytest.warns(UserWarning, match=r"none of 1 clips has a value \(too short: 1\)"):
        assert metric.compute().isnan()
    assert metric.detail() == {"not_scored": {"too short": 1}, "score": None}


def test_silence_of_less_than_two_frames_has_no_value() -> None:
    metric = SilentLip(protocol="theval-68", extractor=None)
    metric.update(torch.rand(5, 68, 2), audio=torch.tensor([1, 1, 0, 1, 1]))
    with pytest.warns(UserWarning, match="no pause: 1"):
        assert metric.compute().isnan()


def test_frames_are_measured_as_if_they_had_256_pixels() -> None:
    face = portrait(256)
    frames = chunk_of(face, np.roll(face, 6, axis=1), np.roll(face, (3, 9), axis=(0, 1)))
    points = make_extractor("landmarks", "dlib").extract(frames)
    value = LipDynamics(protocol="theval-68", extractor="dlib")(frames.rows)
    assert float(value) == pytest.approx(float(lip_dynamics(points)))
    wide = torch.cat([frames.rows, torch.zeros_like(frames.rows)], dim=3)
    points = make_extractor("landmarks", "dlib").extract(chunk_of(*wide.permute(0, 2, 3, 1).numpy()))
    value = LipDynamics(protocol="theval-68", extractor="dlib")(wide)
    assert float(value) == pytest.approx(float(lip_dynamics(points * torch.tensor([0.5, 1.0]))))


def test_the_head_is_measured_by_its_pose_and_the_box_of_its_landmarks() -> None:
    face = portrait(256)
    frames = chunk_of(face, np.roll(face, 6, axis=1))
    points = make_extractor("landmarks", "dlib").extract(frames)
    poses = make_extractor("pose", "pnp", landmarks="dlib").extract(frames)
    center = (points.amax(dim=1) + points.amin(dim=1)) / 2
    value = HeadMotion(protocol="theval-68", extractor="pnp", landmarks="dlib")(frames.rows)
    assert float(value) == pytest.approx(float(head_motion(torch.cat([poses, center], dim=1))))


def test_the_command_names_what_it_cannot_read_and_scores_files(tmp_path: Path) -> None:
    (tmp_path / "pred_video").mkdir()
    (tmp_path / "pred_video" / "a.mp4").write_bytes(b"")
    np.save(tmp_path / "a.npy", np.random.default_rng(3).random((9, 478, 2)))
    given = ["--preds-features", f"lip-dynamics={tmp_path / 'a.npy'}"]
    asked = ["--metrics", "lip-dynamics,eyebrow,silent-lip", "--format", "json"]
    done = CliRunner().invoke(main, ["score", str(tmp_path), *given, *asked])
    result = json.loads(done.stdout)
    assert result["metrics"]["lip-dynamics"]["value"] > 0
    assert result["metrics"]["lip-dynamics"]["detail"]["score"] < 1
    assert "takes given features only" in result["skipped"]["eyebrow"]
    assert "measure it in Python" in result["skipped"]["silent-lip"]
