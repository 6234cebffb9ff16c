"""Head pose from 68 landmarks, by the perspective of a rigid face.

Convention: landmarks are (x, y) in pixels. The camera looks along z, x points right and y down, as OpenCV has it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_shape, finite_or_nan, to_float64
from thm_torchmetrics.functional.openface_shape import closest_rotation, euler_angles

MODEL_POINTS: dict[int, tuple[float, float, float]] = {
    30: (0.0, 0.0, 0.0),
    8: (0.0, 330.0, 65.0),
    36: (-225.0, -170.0, 135.0),
    45: (225.0, -170.0, 135.0),
    48: (-150.0, 150.0, 125.0),
    54: (150.0, 150.0, 125.0),
}
"""The six points of the rigid face by landmark: tip of the nose, chin, outer corners of eyes and mouth.

They are the generic model of S. Mallick, "Head Pose Estimation using OpenCV and Dlib", 2016, with y pointing down and z
away from the camera, so that a face that looks into it is not turned. The unit does not matter.
"""

_STEPS = 100
_SMALLEST_GAIN, _LARGEST_DAMPING = 1e-12, 1e6  # a face is done that gains less, or gains nothing so damped


def head_pose(landmarks: Tensor, size: tuple[int, int]) -> Tensor:
    """Estimate the head pose of each frame in degrees, as OpenCV's ``solvePnP`` does with its iterative method.

    Rotation and place of the six `MODEL_POINTS` minimise the squared distance in the picture between the projected
    points and the landmarks (Levenberg and Marquardt's method, from the pose of a distant camera). The focal length is
    the width of the frame, the optical center the middle of the frame, without lens distortion. The mouth and the chin
    are among the points, so speech moves the pitch.

    Args:
        landmarks: ``(N, 68, 2)``; NaN in frames without a face.
        size: ``(height, width)`` of the frames in pixels.

    Returns:
        ``(N, 3)`` float64, pitch, yaw and roll in degrees, the angles of the rotation Rx Ry Rz; 0 for a face that looks
        into the camera. Pitch is positive where it looks down, yaw where the nose points to the left of the picture,
        roll where the head leans clockwise in the picture. NaN without a face, and where no pose fits.

    Raises:
        InputError: the shape is another.

    Source: OpenCV, ``solvePnP`` with ``SOLVEPNP_ITERATIVE``.
    """
    check_shape("landmarks", landmarks, ("N", 68, 2), "face landmarks")
    height, width = size
    model = torch.tensor(list(MODEL_POINTS.values()), dtype=torch.float64)
    points = to_float64(finite_or_nan(landmarks))[:, list(MODEL_POINTS)].cpu()
    points = (points - torch.tensor([width / 2, height / 2], dtype=torch.float64)) / width
    found = (points.amax(dim=1) > points.amin(dim=1)).all(dim=1)  # false without a face
    angles = points.new_full((len(points), 3), torch.nan)
    if found.any():
        turn, fits = _solve(points[found], model)
        angles[found] = torch.where(fits[:, None], torch.rad2deg(euler_angles(turn)), torch.nan)
    return angles.to(landmarks.device)


def _solve(points: Tensor, model: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rotations ``(N, 3, 3)`` that project the model onto points at focal length 1, and whether they fit."""
    turn, shift = _distant_camera(points, model)
    residual, jacobian = _projection(points, model, turn, shift)
    damping = points.new_full((len(points), 1, 1), 1e-3)
    for _ in range(_STEPS):
        normal = jacobian.mT @ jacobian
        damped = normal + damping * normal.diagonal(dim1=1, dim2=2).diag_embed()
        step = torch.linalg.lstsq(damped, -jacobian.mT @ residual[..., None]).solution[..., 0]
        new_turn, new_shift = closest_rotation(step[:, :3]) @ turn, shift + step[:, 3:]
        new_residual, new_jacobian = _projection(points, model, new_turn, new_shift)
        gain = 1 - new_residual.square().sum(dim=1) / residual.square().sum(dim=1)
        better = gain > 0
        turn[better], shift[better] = new_turn[better], new_shift[better]
        residual[better], jacobian[better] = new_residual[better], new_jacobian[better]
        damping = torch.where(better[:, None, None], damping / 10, damping * 10)
        if not ((gain > _SMALLEST_GAIN) | (damping[:, 0, 0] < _LARGEST_DAMPING) & ~better).any():
            break
    return turn, ((model @ turn.mT + shift[:, None])[..., 2] > 0).all(dim=1)


def _distant_camera(points: Tensor, model: Tensor) -> tuple[Tensor, Tensor]:
    """Return rotation and shift as if the face were flat compared with its distance."""
    spread = model - model.mean(dim=0)
    centers = points.mean(dim=1)
    axes = (torch.linalg.pinv(spread) @ (points - centers[:, None])).mT
    lengths = torch.linalg.vector_norm(axes, dim=2, keepdim=True)
    x, y = (axes / lengths).unbind(dim=1)
    u, _, v = torch.linalg.svd(torch.stack([x, y, torch.linalg.cross(x, y)], dim=1))
    turn = u @ v
    distance = 1 / lengths.mean(dim=1)
    shift = torch.cat([centers * distance, distance], dim=1) - turn @ model.mean(dim=0)
    return turn, shift


def _projection(points: Tensor, model: Tensor, turn: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences ``(N, 12)`` of projected points, and their derivatives by a turn and a shift."""
    turned = model @ turn.mT
    x, y, z = (turned + shift[:, None]).unbind(dim=2)
    residual = torch.stack([x / z, y / z], dim=2) - points
    zero, one = torch.zeros_like(z), torch.ones_like(z)
    by_place = torch.stack([torch.stack([one, zero, -x / z], dim=2), torch.stack([zero, one, -y / z], dim=2)], dim=2)
    by_place = by_place / z[..., None, None]
    by_turn = torch.linalg.cross(turned[:, :, None].expand_as(by_place), by_place)
    return residual.flatten(1), torch.cat([by_turn, by_place], dim=3).flatten(1, 2)
