"""OpenFace's shape fit: pose and 34 parameters of a 3-D face that put its 68 points closest to those of an image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

GLOBALS = 6
"""Scale, three angles and two shifts."""
_ITERATIONS = 20
"""Steps of the fit. Real faces stop after 8 to 12, the farthest turned and noisiest made-up ones after 15; a face that
has stopped does not change any more."""
_STEP = 0.75
"""Share of each Gauss-Newton step that is taken."""
_GAIN = 0.999
"""An error above this share of the one before is a step without progress; the third one ends the fit."""
_PATIENCE = 3


class PointModel(NamedTuple):
    """A point distribution model of the face, in millimetres.

    Attributes:
        mean: ``(3, 68)``, the rows x, y and z.
        components: ``(3, 68, K)``.
        variances: ``(K,)``, those of the parameters.
    """

    mean: Tensor
    components: Tensor
    variances: Tensor


class Fit(NamedTuple):
    """The fit of some faces.

    Attributes:
        pose: ``(N, 6)``: scale, Euler angles rx, ry, rz, shifts tx and ty.
        shape: ``(N, K)`` parameters.
    """

    pose: Tensor
    shape: Tensor


def fit_point_model(points: Tensor, model: PointModel) -> Fit:
    r"""Fit the point model to the landmarks of each face.

    .. math:: \min_{s, R, t, p} \sum_i |x_i - (s R_{1:2} (\bar X_i + \Phi_i p) + t)|^2 + \sum_k p_k^2 / \lambda_k

    by Gauss-Newton steps of 0.75. The fit of a face stops at the third step that lowers the error by less than a
    thousandth, and its result is that of the last step. The angles are those of R = Rx Ry Rz.

    Convention: points are (x, y) in pixels, y down.

    Args:
        points: ``(N, 68, 2)`` floating point, finite.
        model: the point model, of the same dtype and on the same device.

    Returns:
        Pose ``(N, 6)`` and shape ``(N, K)``; NaN where the points have no extent.

    Source: OpenFace 2.2, ``PDM::CalcParams``. The original leaves a point with x = 0 out; this does not.
    """
    target = points.transpose(1, 2)
    scale, turn, shift = _start(target, model.mean)
    shape = points.new_zeros(len(points), len(model.variances))
    penalty = torch.cat([points.new_zeros(GLOBALS), 1 / model.variances])
    face = model.mean.expand(len(points), 3, -1)
    error = _error(target, scale, turn, shift, face)
    waits = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    for _ in range(_ITERATIONS):
        running = waits < _PATIENCE
        if points.device.type == "cpu" and not running.any():  # elsewhere the look would wait for the device
            break
        step = _STEP * _gauss_newton(target, scale, turn, shift, face, shape, model.components, penalty)
        moved = running[:, None]
        scale = torch.where(running, scale + step[:, 0], scale)
        turn = torch.where(moved[..., None], turn @ closest_rotation(step[:, 1:4]), turn)
        shift = torch.where(moved, shift + step[:, 4:GLOBALS], shift)
        shape = torch.where(moved, shape + step[:, GLOBALS:], shape)
        now = _error(target, scale, turn, shift, face)  # quirk: the shape of before the step
        waits = waits + (running & (_GAIN * error < now))
        error = torch.where(running, now, error)
        face = model.mean + torch.einsum("cpk,nk->ncp", model.components, shape)
    return Fit(torch.cat([scale[:, None], euler_angles(turn), shift], dim=1), shape)


def rotation_matrix(angles: Tensor) -> Tensor:
    """Return the matrices Rx Ry Rz of Euler angles.

    Args:
        angles: ``(N, 3)``, in radians.

    Returns:
        ``(N, 3, 3)``.
    """
    (s1, s2, s3), (c1, c2, c3) = angles.sin().unbind(dim=1), angles.cos().unbind(dim=1)
    rows = (
        (c2 * c3, -c2 * s3, s2),
        (c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1),
        (s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2),
    )
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def euler_angles(turn: Tensor) -> Tensor:
    """Return the Euler angles of matrices Rx Ry Rz, by their quaternions.

    Args:
        turn: ``(N, 3, 3)`` rotations by less than half a turn.

    Returns:
        ``(N, 3)``, in radians.
    """
    q0 = (1 + turn.diagonal(dim1=1, dim2=2).sum(dim=1)).sqrt() / 2
    q1 = (turn[:, 2, 1] - turn[:, 1, 2]) / (4 * q0)
    q2 = (turn[:, 0, 2] - turn[:, 2, 0]) / (4 * q0)
    q3 = (turn[:, 1, 0] - turn[:, 0, 1]) / (4 * q0)
    squares = [q.square() for q in (q0, q1, q2, q3)]
    return torch.stack(
        [
            torch.atan2(2 * (q0 * q1 - q2 * q3), squares[0] - squares[1] - squares[2] + squares[3]),
            torch.asin(2 * (q0 * q2 + q1 * q3)),
            torch.atan2(2 * (q0 * q3 - q1 * q2), squares[0] + squares[1] - squares[2] - squares[3]),
        ],
        dim=1,
    )


def closest_rotation(steps: Tensor) -> Tensor:
    r"""Return the rotations closest to the linear ones, I + [w].

    The orthogonal factor of I + [w] is a rotation about w by atan \|w\|, so that no singular value decomposition is
    needed.

    Args:
        steps: ``(N, 3)``, the vectors w.

    Returns:
        ``(N, 3, 3)``.
    """
    cosine = (1 + steps.square().sum(dim=1)).rsqrt()[:, None, None]
    x, y, z = steps.unbind(dim=1)
    zero = torch.zeros_like(x)
    rows = ((zero, -z, y), (z, zero, -x), (-y, x, zero))
    cross = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    outer = steps[:, :, None] * steps[:, None]
    unit = torch.eye(3, dtype=steps.dtype, device=steps.device)
    return cosine * (unit + cross) + cosine.square() / (1 + cosine) * outer


def _start(target: Tensor, mean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return scale, rotation and shift of the first guess: the mean face, upright, in the points' bounding box."""
    low, high = target.amin(dim=2), target.amax(dim=2)
    extent = mean[:2].amax(dim=1) - mean[:2].amin(dim=1)
    scale = ((high - low) / extent).mean(dim=1)
    upright = torch.eye(3, dtype=target.dtype, device=target.device).expand(len(target), 3, 3)
    return scale, upright, (low + high) / 2


def _error(target: Tensor, scale: Tensor, turn: Tensor, shift: Tensor, face: Tensor) -> Tensor:
    """Return the distance of the projected face from the points, ``(N,)``."""
    return (_projected(scale, turn, shift, face) - target).square().sum(dim=(1, 2)).sqrt()


def _projected(scale: Tensor, turn: Tensor, shift: Tensor, face: Tensor) -> Tensor:
    return scale[:, None, None] * (turn[:, :2] @ face) + shift[:, :, None]


def _gauss_newton(
    target: Tensor,
    scale: Tensor,
    turn: Tensor,
    shift: Tensor,
    face: Tensor,
    shape: Tensor,
    components: Tensor,
    penalty: Tensor,
) -> Tensor:
    """Return the whole step ``(N, 6 + K)``: scale, rotation, shift, shape."""
    count, points = len(target), face.shape[2]
    residual = (target - _projected(scale, turn, shift, face)).flatten(1)
    s, flat = scale[:, None, None], turn[:, :2]
    x, y, z = (face[:, None, axis] for axis in range(3))
    across, along, deep = (flat[:, :, axis, None] for axis in range(3))
    unit = torch.eye(2, dtype=target.dtype, device=target.device)[:, :, None]
    columns = [
        flat @ face,
        s * (y * deep - z * along),
        -s * (x * deep - z * across),
        s * (x * along - y * across),
        *(unit[axis].expand(count, 2, points) for axis in range(2)),
    ]
    rigid = torch.stack(columns, dim=3).flatten(1, 2)
    bent = torch.einsum("nac,cpk->napk", s * flat, components).flatten(1, 2)
    jacobian = torch.cat([rigid, bent], dim=2)
    transposed = jacobian.transpose(1, 2)
    gradient = (transposed @ residual[..., None])[..., 0]
    gradient[:, GLOBALS:] -= penalty[GLOBALS:] * shape
    # `cholesky` would wait for the device to raise an error; here a face without extent becomes NaN
    factor, failed = torch.linalg.cholesky_ex(transposed @ jacobian + penalty.diag())
    step: Tensor = torch.cholesky_solve(gradient[..., None], factor)[..., 0]
    return torch.where(failed[:, None] == 0, step, torch.nan)
