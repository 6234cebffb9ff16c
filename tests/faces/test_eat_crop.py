"""EAT's aligned crops against scikit-image and OpenCV, on random points and frames."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from regions.eat_pipeline import NOSE_AND_EYES as PUBLISHED, crop, fitted
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.eat_crop import EAT_TEMPLATE, NOSE_AND_EYES, eat_crops, fit_template

GENERATOR = np.random.default_rng(17)


def placed(angle: float, scale: float, x: float, y: float, noise: float = 0.0) -> npt.NDArray[np.float64]:
    """The template, turned, scaled and moved, among 68 points."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.zeros((68, 2))
    points[27:45] = PUBLISHED @ turn.T + [x, y] + noise * GENERATOR.normal(size=(18, 2))
    return points


PLACES = [
    placed(angle, scale, x, y, noise)
    for angle, scale, x, y in [(0, 1, 0, 0), (0.4, 2.1, -20, 90), (-1.2, 0.6, 60, 120), (3.0, 1.3, 200, 180)]
    for noise in (0.0, 4.0)
]
FRAMES = GENERATOR.integers(0, 256, (len(PLACES), 150, 190, 3), dtype=np.uint8)
FLAT = np.broadcast_to(np.arange(1, 256, 32, dtype=np.uint8)[:, None, None, None], FRAMES.shape)


def crops_of(frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], Tensor]:
    batch = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2)
    crops, found = eat_crops(batch, torch.from_numpy(np.stack(PLACES)))
    return crops.permute(0, 2, 3, 1).to(torch.int64).numpy(), found


def test_the_template_is_the_published_one() -> None:
    np.testing.assert_array_equal(EAT_TEMPLATE, PUBLISHED)
    assert (NOSE_AND_EYES.start, NOSE_AND_EYES.stop) == (27, 45)


@pytest.mark.parametrize("points", PLACES)
def test_the_fit_is_scikit_image_s_in_single_precision(points: npt.NDArray[np.float64]) -> None:
    single = points[27:45].astype(np.float32)
    np.testing.assert_allclose(fit_template(single), fitted(single).params[:2], rtol=1e-6, atol=1e-6)


def test_the_fit_of_a_moved_template_is_its_movement() -> None:
    points = placed(0.3, 1.7, 40.0, -8.0)[27:45].astype(np.float32)
    turn = 1.7 * np.array([[np.cos(0.3), -np.sin(0.3), 40 / 1.7], [np.sin(0.3), np.cos(0.3), -8 / 1.7]])
    np.testing.assert_allclose(fit_template(points), turn, atol=1e-4)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    points = (PUBLISHED * [-1, 1]).astype(np.float32)
    matrix = fit_template(points)
    assert matrix is not None
    assert np.linalg.det(matrix[:, :2]) > 0
    np.testing.assert_allclose(matrix, fitted(points).params[:2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("frames", [FRAMES, FLAT], ids=["noise", "flat"])
def test_crops_are_scikit_image_s(frames: npt.NDArray[np.uint8]) -> None:
    """Every byte where NumPy's LAPACK is the one that scikit-image calls; noise and whole levels round alike."""
    crops, found = crops_of(frames)
    expected = np.stack([crop(frame, points) for frame, points in zip(frames, PLACES, strict=True)])
    assert found.all()
    np.testing.assert_array_equal(crops, expected)


def test_crops_are_opencv_s_but_for_rounding() -> None:
    crops, _ = crops_of(FRAMES)
    for frame, points, ours in zip(FRAMES, PLACES, crops, strict=True):
        matrix = fitted(points[27:45].astype(np.float32)).params[:2] @ [[1, 0, 1], [0, 1, 1], [0, 0, 1]]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        theirs = cv2.warpAffine(frame.astype(np.float32), matrix, (128, 128), flags=flags)
        inside = cv2.warpAffine(np.ones(frame.shape[:2], np.float32), matrix, (128, 128), flags=flags) == 1
        assert np.abs(ours + 0.5 - theirs)[inside].max() <= 0.6


@pytest.mark.parametrize("wrong", [np.nan, np.inf, "one point"])
def test_a_frame_without_a_face_is_black_and_the_others_are_as_before(wrong: float | str) -> None:
    batch = torch.from_numpy(FRAMES[:3].copy()).permute(0, 3, 1, 2)
    points = torch.from_numpy(np.stack(PLACES[:3]))
    before, _ = eat_crops(batch, points)
    if isinstance(wrong, str):
        points[1] = 70.0
    else:
        points[1, 30, 0] = wrong
    crops, found = eat_crops(batch, points)
    assert found.tolist() == [True, False, True]
    assert not crops[1].any()
    assert torch.equal(crops[[0, 2]], before[[0, 2]])


def test_wrong_frames_and_landmarks_are_named() -> None:
    frames, points = torch.zeros(2, 3, 60, 60, dtype=torch.uint8), torch.zeros(2, 68, 2)
    with pytest.raises(InputError, match="frames"):
        eat_crops(frames / 255, points)
    with pytest.raises(InputError, match="landmarks"):
        eat_crops(frames, points[:, :5])
    with pytest.raises(MismatchError, match="1 faces for 2 frames"):
        eat_crops(frames, points[:1])
