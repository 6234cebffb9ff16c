"""The two S3FD detectors through their whole path: checkpoint file, loader, pool, frames, boxes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from extractors.pictures import batch
from face_alignment.detection.sfd.sfd_detector import SFDDetector
from parity import fill
from parity.seeded import golden, golden_input

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import release
from thm_torchmetrics.extractors.face_detection import FaceAlignmentS3FD, SyncNetS3FD
from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD

_GAINS = [
    [r"conv1_1\.weight", 0.015625],
    [r"conv3_3_norm\.weight", 10.0],
    [r"conv4_3_norm\.weight", 8.0],
    [r"conv5_3_norm\.weight", 5.0],
]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def fan_s3fd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shapes = {key: (tuple(value.shape), str(value.dtype)) for key, value in FanS3FD().state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "s3fd.pth"
    torch.save(fill.fill_state_dict(shapes, 20250, _GAINS), path)
    return path


def by_score(rows: Any) -> Any:
    rows = np.asarray(rows, np.float64)
    return rows[np.lexsort((rows[:, 0], -rows[:, 4].round(6)))]


def test_syncnet_s_detector_finds_the_original_s_boxes(sync_weights: dict[str, Path]) -> None:
    detector = SyncNetS3FD.make("s3fd", sync_weights, scale=1.0, threshold=float(golden("s3fd")["small_conf_th"]))
    frames = batch(golden_input("s3fd", "small_image")).expand(3, -1, -1, -1)
    for boxes in detector.faces(frames):
        np.testing.assert_allclose(boxes[:, :4], golden("s3fd")["small_boxes"][:, :4], rtol=0, atol=2e-2)
        np.testing.assert_allclose(boxes[:, 4], golden("s3fd")["small_boxes"][:, 4], rtol=0, atol=1e-4)


def test_the_scale_decides_what_the_network_is_shown(sync_weights: dict[str, Path]) -> None:
    """At scale 0.25 of the golden frame of 250x330: the stored boxes of that scale, in full-frame pixels."""
    arrays = golden("s3fd")
    detector = SyncNetS3FD.make("s3fd", sync_weights, scale=0.25, threshold=float(arrays["scaled_conf_th"]))
    (boxes,) = detector.faces(batch(golden_input("s3fd", "scaled_image")))
    stored = arrays["scaled_det_0"]  # score, then corners as fractions, before the suppression over scales
    pixels = stored[:, 1:] * np.array([330, 250, 330, 250])
    assert 1 <= len(boxes) <= len(stored)
    for box in boxes.numpy():
        same = np.abs(pixels - box[:4]).max(axis=1) < 0.05
        assert same.any()
        assert box[4] == pytest.approx(stored[same, 0].max(), abs=1e-4)


def test_frames_too_small_for_the_scale_are_named(sync_weights: dict[str, Path]) -> None:
    detector = SyncNetS3FD.make("s3fd", sync_weights)
    with pytest.raises(InputError, match=r"frames of 120x100 are too small to look for faces at scale 0\.25: 28"):
        detector.faces(torch.zeros(1, 3, 100, 120, dtype=torch.uint8))
    assert len(detector.faces(torch.zeros(2, 3, 112, 112, dtype=torch.uint8))) == 2


def test_face_alignment_s_detector_finds_the_package_s_boxes(fan_s3fd: Path) -> None:
    theirs = SFDDetector("cpu", path_to_detector=str(fan_s3fd))
    picture = golden_input("s3fd", "small_image")[0]
    expected = by_score(theirs.detect_from_image(picture))
    assert len(expected) > 2
    detector = FaceAlignmentS3FD.make("fan-s3fd", {"fan-s3fd": fan_s3fd})
    for boxes in detector.faces(Chunk(batch(np.stack([picture, picture])))):
        np.testing.assert_allclose(by_score(boxes), expected, rtol=0, atol=2e-3)


def test_a_chunk_keeps_the_faces_of_each_detector(fan_s3fd: Path) -> None:
    detector = FaceAlignmentS3FD.make("fan-s3fd", {"fan-s3fd": fan_s3fd})
    chunk = Chunk(batch(golden_input("s3fd", "small_image")))
    passes: list[int] = []
    detector.network(torch.device("cpu")).register_forward_hook(lambda *call: passes.append(1))
    again = FaceAlignmentS3FD.make("fan-s3fd", {"fan-s3fd": fan_s3fd})
    assert detector.faces(chunk) is again.faces(chunk)
    assert passes == [1]


def test_frames_too_small_for_face_alignment_s_detector_are_named(fan_s3fd: Path) -> None:
    detector = FaceAlignmentS3FD.make("fan-s3fd", fan_s3fd)
    for height, width in ((32, 32), (32, 60), (60, 32)):
        assert len(detector.faces(Chunk(torch.zeros(2, 3, height, width, dtype=torch.uint8)))) == 2
    for height, width in ((31, 60), (60, 31), (1, 1)):
        with pytest.raises(InputError, match=f"at least 32x32 pixels, got {width}x{height}"):
            detector.faces(Chunk(torch.zeros(2, 3, height, width, dtype=torch.uint8)))
