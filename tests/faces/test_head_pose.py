"""The pose of a face against OpenCV."""

import cv2
import numpy as np
import pytest
import torch

from thm_torchmetrics.faces.head_pose import MODEL_POINTS, head_pose
from thm_torchmetrics.functional import rotation_matrix

HEIGHT, WIDTH = 480, 640
MODEL = np.array(list(MODEL_POINTS.values()))
CAMERA = np.array([[WIDTH, 0, WIDTH / 2], [0, WIDTH, HEIGHT / 2], [0, 0, 1]], np.float64)


def faces(noise: float, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Angles in degrees, and landmarks of faces that are turned so, with noise in pixels."""
    draw = np.random.default_rng(7)
    angles = draw.uniform(-1, 1, (count, 3)) * [30, 45, 30]
    points = np.zeros((count, 68, 2))
    for i, turn in enumerate(np.deg2rad(angles)):
        shift = draw.uniform([-400, -250, 1500], [400, 250, 4000])
        vector = cv2.Rodrigues(rotation_matrix(torch.from_numpy(turn)[None])[0].numpy())[0]
        projected = cv2.projectPoints(MODEL, vector, shift, CAMERA, None)[0][:, 0]
        points[i, list(MODEL_POINTS)] = projected + draw.normal(0, noise, projected.shape)
    return angles, points


def test_a_projected_face_has_its_angles() -> None:
    angles, points = faces(noise=0)
    assert np.abs(head_pose(torch.from_numpy(points), (HEIGHT, WIDTH)).numpy() - angles).max() < 1e-8


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_noisy_landmarks_have_opencv_s_pose(noise: float) -> None:
    """From a face in front of the camera; by itself OpenCV puts a third of them behind it, seen upside down."""
    _, points = faces(noise)
    ours = head_pose(torch.from_numpy(points), (HEIGHT, WIDTH)).numpy()
    for angles, landmarks in zip(ours, points, strict=True):
        start = np.zeros((3, 1)), np.array([[0.0], [0.0], [2500.0]])
        _, vector, _ = cv2.solvePnP(
            MODEL, landmarks[list(MODEL_POINTS)], CAMERA, None, *start, True, cv2.SOLVEPNP_ITERATIVE
        )
        expected = cv2.Rodrigues(vector)[0]
        turn = rotation_matrix(torch.from_numpy(np.deg2rad(angles))[None])[0].numpy()
        assert np.abs(turn - expected).max() < 1e-3


@pytest.mark.parametrize(
    ("axis", "point", "moved"),
    [(0, 8, (0, -1)), (1, 30, (-1, 0)), (2, 45, (0, 1))],
    ids=["pitch: the chin goes up in the picture and back", "yaw: the nose goes left", "roll: the right eye goes down"],
)
def test_angles_have_the_signs_that_they_say(axis: int, point: int, moved: tuple[int, int]) -> None:
    turned, straight = torch.zeros(1, 3), torch.zeros(1, 3)
    turned[0, axis] = 0.2
    places = []
    for angles in (straight, turned):
        vector = cv2.Rodrigues(rotation_matrix(angles.double())[0].numpy())[0]
        places.append(cv2.projectPoints(MODEL, vector, np.array([0, 0, 2500.0]), CAMERA, None)[0][:, 0])
    at = list(MODEL_POINTS).index(point)
    nose = list(MODEL_POINTS).index(30)
    difference = places[1][at] - places[0][at] if point != 30 else -(places[1].mean(axis=0) - places[1][nose])
    assert np.sign(difference @ np.array(moved)) == 1


def test_faces_without_extent_have_no_pose() -> None:
    points = torch.from_numpy(faces(noise=0, count=5)[1])
    points[1], points[2, 30], points[3] = torch.nan, torch.inf, 5.0
    pose = head_pose(points, (HEIGHT, WIDTH))
    assert pose.isnan().all(dim=1).tolist() == [False, True, True, True, False]
    assert head_pose(points[1:2], (HEIGHT, WIDTH)).isnan().all()
    assert head_pose(points[:0], (HEIGHT, WIDTH)).shape == (0, 3)
