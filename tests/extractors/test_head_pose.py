"""The extractors of head pose: what each takes, and that coefficients are computed once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from extractors.given_landmarks import GivenLandmarks
from extractors.pictures import chunk_of, portrait
from parity.seeded import seeded_state

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.face3d import Deep3D
from thm_torchmetrics.extractors.head_pose import Deep3DPose, PerspectivePose
from thm_torchmetrics.extractors.registry import required_checkpoints
from thm_torchmetrics.faces.head_pose import head_pose


def test_the_camera_is_that_of_the_frame() -> None:
    generator = torch.Generator().manual_seed(3)
    points = 100 + 20 * torch.randn(3, 68, 2, generator=generator, dtype=torch.float64)
    points[1] = torch.nan
    frames = torch.zeros(3, 3, 120, 300, dtype=torch.uint8)
    poses = Chunk(frames).features(PerspectivePose(GivenLandmarks(points)))
    assert torch.equal(poses.nan_to_num(), head_pose(points, (120, 300)).nan_to_num())


def test_dlib_s_landmarks_of_a_mirrored_face_turn_the_other_way() -> None:
    pose = make_extractor("pose", "pnp", landmarks="dlib")
    face = portrait(256)
    poses = pose.extract(chunk_of(face, face[:, ::-1].copy(), np.zeros_like(face)))
    assert poses[2].isnan().all()
    assert poses[1, 1:].tolist() == pytest.approx((-poses[0, 1:]).tolist(), abs=4)
    assert poses[:2].abs().max() < 40
    assert str(pose) == "pnp"
    assert pose.why_missing == "no face found"


def test_deep3d_s_angles_are_degrees_of_its_coefficients(tmp_path: Path) -> None:
    file = tmp_path / "deep3d.pth"
    torch.save({"net_recon": dict(seeded_state("deep3d_resnet50"))}, file)
    pose = make_extractor("pose", "deep3d", {"deep3d": file}, landmarks="dlib")
    assert isinstance(pose, Deep3DPose)
    face = chunk_of(portrait(256))
    try:
        angles = face.features(pose.coefficients)[:, 224:227]
        assert torch.allclose(face.features(pose), angles * 180 / torch.pi)
    finally:
        release()
    assert isinstance(pose.coefficients, Deep3D)
    assert pose.coefficients in face._cache  # the coefficients are there for AED, too
    assert str(pose.landmarks) == "dlib"


def test_checkpoints_are_those_of_landmarks_and_coefficients() -> None:
    assert required_checkpoints("pose", "pnp") == ("fan2d", "fan-s3fd")
    assert required_checkpoints("pose", "pnp", landmarks="dlib") == ("dlib-68",)
    assert required_checkpoints("pose", "deep3d", landmarks="dlib") == ("deep3d", "dlib-68")
