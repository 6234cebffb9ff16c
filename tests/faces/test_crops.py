"""Aligned crops against InsightFace and OpenCV, on real faces."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from faces.face_images import Face, astronaut, batch, footage
from imaging.pixels import as_image, assert_same_pixels, planes
from parity.seeded import golden_input
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.faces.crops import (
    ARCFACE_TEMPLATE,
    align_faces,
    arcface_crops,
    emotion_crop_matrix,
    emotion_crops,
    five_points,
)
from thm_torchmetrics.imaging.warp import warp_affine

GENERATOR = np.random.default_rng(11)
FRAMES = GENERATOR.integers(0, 256, (9, 140, 170, 3), dtype=np.uint8)
CLIPS = ["gt_video/radio8_wav2lip.mp4", "gt_video/kim_wav2lip.mp4", "misc/hevc_portrait.mp4"]


def test_five_points_are_corner_means_nose_and_mouth() -> None:
    landmarks = GENERATOR.normal(size=(3, 68, 2))
    expected = np.stack(
        [
            landmarks[:, [36, 39]].mean(axis=1),
            landmarks[:, [42, 45]].mean(axis=1),
            landmarks[:, 30],
            landmarks[:, 48],
            landmarks[:, 54],
        ],
        axis=1,
    )
    np.testing.assert_allclose(five_points(torch.from_numpy(landmarks)), expected)


def test_an_aligned_face_stays_as_it_is() -> None:
    frames = planes(golden_input("iresnet18", "images"))
    crops, found = align_faces(frames, torch.tensor(ARCFACE_TEMPLATE).expand(len(frames), -1, -1))
    assert found.all()
    assert torch.equal(crops, frames)


def insightface_crops(faces: list[Face], size: int) -> tuple[Tensor, Tensor, npt.NDArray[np.uint8]]:
    face_align = pytest.importorskip("insightface.utils.face_align")
    frames, landmarks = batch(faces)
    points = five_points(landmarks)
    expected = [face_align.norm_crop(frame, p.numpy(), size) for (frame, _), p in zip(faces, points, strict=True)]
    return frames, points, np.stack(expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # InsightFace calls scikit-image by an old name
@pytest.mark.parametrize("size", [112, 128, 224, 256])
def test_alignment_equals_insightface_on_a_portrait(size: int) -> None:
    frames, points, expected = insightface_crops([astronaut()], size)
    crops, found = align_faces(frames, points, size)
    assert found.tolist() == [True]
    assert_same_pixels(crops, expected)


@pytest.mark.clips
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", CLIPS)
def test_alignment_equals_insightface_on_footage(clips: Path, name: str) -> None:
    frames, points, expected = insightface_crops(footage(clips)[name], 112)
    crops, found = align_faces(frames, points)
    assert found.all()
    assert_same_pixels(crops, expected)
    np.testing.assert_allclose(as_image(crops[0])[40:70, 30:80].mean(), expected[0, 40:70, 30:80].mean(), atol=0.01)


def test_a_frame_without_a_face_is_masked_and_black() -> None:
    points = torch.tensor(ARCFACE_TEMPLATE).repeat(9, 1, 1)
    points[2, 4, 0] = torch.nan
    points[5] = 33.0
    crops, found = align_faces(planes(FRAMES), points)
    assert found.tolist() == [i not in (2, 5) for i in range(9)]
    assert crops[~found].max() == 0
    assert torch.equal(crops[found], align_faces(planes(FRAMES)[found], points[found])[0])


@pytest.mark.clips
def test_footage_without_a_face_is_masked(clips: Path) -> None:
    faces = footage(clips)["misc/no_face.mp4"]
    frames, landmarks = batch([*faces, (faces[0][0], footage(clips)["gt_video/radio8_wav2lip.mp4"][0][1])])
    crops, found = align_faces(frames, five_points(landmarks))
    assert found.tolist() == [False, False, True]
    assert crops[:2].max() == 0
    assert crops[2].max() > 0


def opencv_crop(frame: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.float64] | None) -> npt.NDArray[Any]:
    """The crop by its definition, with OpenCV."""
    assert landmarks is not None
    (left, top), (right, bottom) = landmarks.min(axis=0), landmarks.max(axis=0)
    side = (right - left + bottom - top) / 1.1
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    source = np.array([[x, y], [x + side, y], [x, y + side]], dtype=np.float32)
    target = np.array([[0, 0], [256, 0], [0, 256]], dtype=np.float32)
    return cv2.warpAffine(frame, cv2.getAffineTransform(source, target), (256, 256))


def assert_crops_equal_opencv(faces: list[Face]) -> None:
    frames, landmarks = batch(faces)
    crops = warp_affine(frames, emotion_crop_matrix(landmarks), 256)
    for crop, (frame, points) in zip(crops, faces, strict=True):
        difference = np.abs(as_image(crop) - opencv_crop(frame, points))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3  # the corners above are single precision, which moves some by a rounding


def test_emotion_crop_equals_opencv_on_a_portrait() -> None:
    assert_crops_equal_opencv([astronaut()])


@pytest.mark.clips
@pytest.mark.parametrize("name", CLIPS)
def test_emotion_crop_equals_opencv_on_footage(clips: Path, name: str) -> None:
    assert_crops_equal_opencv(footage(clips)[name])


def test_emotion_crop_of_no_face_is_not_finite_and_black() -> None:
    landmarks = torch.from_numpy(GENERATOR.uniform(10, 50, (3, 68, 2)))
    landmarks[0, 5, 1] = torch.nan
    landmarks[1] = 30.0
    matrices = emotion_crop_matrix(landmarks)
    assert matrices.isfinite().flatten(1).all(dim=1).tolist() == [False, False, True]
    crops = warp_affine(torch.full((3, 3, 60, 60), 255, dtype=torch.uint8), matrices, 256)
    assert crops.amax(dim=(1, 2, 3)).tolist() == [0, 0, 255]


def test_both_crops_are_made_of_the_68_landmarks() -> None:
    frames, landmarks = batch([astronaut(), (astronaut()[0], None)])
    crops, found = arcface_crops(frames, landmarks)
    expected, aligned = align_faces(frames, five_points(landmarks))
    assert found.tolist() == aligned.tolist() == [True, False]
    assert torch.equal(crops, expected)
    crops, found = emotion_crops(frames, landmarks)
    assert found.tolist() == [True, False]
    assert torch.equal(crops, warp_affine(frames, emotion_crop_matrix(landmarks), 256))


def test_bad_input_is_named() -> None:
    frames = planes(FRAMES)
    points = torch.tensor(ARCFACE_TEMPLATE).repeat(9, 1, 1)
    with pytest.raises(InputError, match=r"`landmarks`.*\(N, 68, 2\).*\(1, 5, 2\)"):
        five_points(torch.zeros(1, 5, 2))
    with pytest.raises(InputError, match=r"`landmarks`.*\(N, 68, 2\).*\(1, 5, 2\)"):
        emotion_crop_matrix(torch.zeros(1, 5, 2))
    with pytest.raises(InputError, match=r"`points`.*\(N, 5, 2\).*\(9, 4, 2\)"):
        align_faces(frames, points[:, :4])
    with pytest.raises(InputError, match="multiple of 112 or of 128, got 100"):
        align_faces(frames, points, 100)
