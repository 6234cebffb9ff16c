"""Head pose: its error, its diversity and its change, and the variance of head motion and of expression.

Convention: a pose is three Euler angles in degrees, one row per frame; NaN in frames without a face.
"""

from __future__ import annotations

from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, check_rows, check_shape, finite_or_nan, to_float64

POSE_BINS = 66
"""Bins per angle of Hopenet's logits."""

VARIANCE_WINDOW = 12
"""Frames of a window of `motion_variance`."""

_NOSE_TIP = 30
_UPPER_FACE = (0, 1, 2, 14, 15, 16, *range(17, 48))  # 37 points: ends of the jaw line, brows, nose, eyes


def head_pose_error(preds: Tensor, target: Tensor) -> Tensor:
    r"""Compute how far the head pose of each frame is off, in degrees.

    .. math:: d_t = \frac{1}{3} \sum_k |\hat\theta_{t,k} - \theta_{t,k}|

    The difference of two angles is taken the short way round, at most 180.

    Args:
        preds: ``(T, 3)`` angles of the generated frames, in degrees.
        target: ``(T, 3)`` angles of the real frames.

    Returns:
        ``(T,)`` float64, 0..180; NaN where a side has no pose.

    Raises:
        InputError: a side has another shape.
        MismatchError: the numbers of frames differ.

    Source: J. Guo et al., LivePortrait, 2024.

    Example:
        >>> import torch
        >>> head_pose_error(torch.tensor([[3.0, -1.0, 179.0]]), torch.tensor([[0.0, 1.0, -180.0]]))
        tensor([2.], dtype=torch.float64)
    """
    check_rows(preds, target, ("T", 3), "angles of head pose in degrees")
    return _turn(_finite(preds) - _finite(target)).abs().mean(dim=1)


def head_pose_diversity(poses: Tensor) -> Tensor:
    """Compute how much the head pose of a clip varies.

    It is the population standard deviation over time of each angle, or of each of the 66 bins of Hopenet's logits for
    each angle, and the mean of these. Frames without a pose do not count.

    Args:
        poses: ``(T, 3)`` angles in degrees, or ``(T, 3, 66)`` logits of yaw, pitch and roll.

    Returns:
        0-d float64, at least 0, in degrees or in the unit of the logits; NaN if no frame has a pose.

    Raises:
        InputError: the shape is another.

    Source: ``chaolongy/KDTalker@f78bf4c evaluation/deep-head-pose/code/cal_std.py`` for logits.

    Example:
        >>> import torch
        >>> head_pose_diversity(torch.tensor([[1.0, 0.0, 0.0], [7.0, 0.0, 0.0]]))
        tensor(1., dtype=torch.float64)
    """
    logits = poses.ndim == 3
    shape = ("T", 3, POSE_BINS) if logits else ("T", 3)
    check_shape("poses", poses, shape, "logits of head pose" if logits else "angles of head pose in degrees")
    return _variance(_seen(poses), dim=0).sqrt().mean()


def head_pose_delta(poses: Tensor) -> Tensor:
    r"""Compute how far the head pose changes from each frame to the next, in degrees.

    .. math:: d_t = \frac{1}{3} \sum_k |\theta_{t+1,k} - \theta_{t,k}|

    The difference of two angles is taken the short way round, at most 180.

    Args:
        poses: ``(T, 3)`` angles in degrees.

    Returns:
        ``(T - 1,)`` float64, 0..180; NaN where one of the two frames has no pose.

    Raises:
        InputError: the shape is another.

    Source: S. Xu et al., VASA-1, 2024.

    Example:
        >>> import torch
        >>> head_pose_delta(torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [3.0, -6.0, 0.0]]))
        tensor([1., 2.], dtype=torch.float64)
    """
    check_shape("poses", poses, ("T", 3), "angles of head pose in degrees")
    return _turn(_finite(poses).diff(dim=0)).abs().mean(dim=1)


def motion_variance(landmarks: Tensor, part: str = "glo") -> Tensor:
    """Compute the variance of head motion, or of expression, in each window of 12 frames.

    ``glo``: the population variance over the window of the tip of the nose (point 30), mean of x and y. ``exp``: the
    same of 37 points of the upper face relative to the tip of the nose, mean over points. The paper does not list the
    37; here they are the ends of the jaw line (0 to 2, 14 to 16), brows, nose and eyes (17 to 47). Windows follow each
    other without overlap; frames after the last whole window do not count.

    Args:
        landmarks: ``(T, 68, 2)``.
        part: ``"glo"`` or ``"exp"``.

    Returns:
        ``(T // 12,)`` float64, at least 0, in the square of the landmarks' unit; NaN for a window that holds a frame
        without a face.

    Raises:
        InputError: the shape is another, or there is no such part.

    Source: J. Jiang et al., Loopy, 2024, in words; no code is public.

    Example:
        >>> import torch
        >>> nodding = torch.zeros(24, 68, 2)
        >>> nodding[::2, :, 1] = 4
        >>> motion_variance(nodding), motion_variance(nodding, "exp")
        (tensor([2., 2.], dtype=torch.float64), tensor([0., 0.], dtype=torch.float64))
    """
    check_shape("landmarks", landmarks, ("T", 68, 2), "face landmarks")
    check_option("part", part, ("glo", "exp"))
    points = _finite(landmarks)
    nose = points[:, _NOSE_TIP : _NOSE_TIP + 1]
    moved = nose if part == "glo" else points[:, list(_UPPER_FACE)] - nose
    whole = len(moved) // VARIANCE_WINDOW
    windows = moved[: whole * VARIANCE_WINDOW].reshape(whole, VARIANCE_WINDOW, moved.shape[1], 2)
    return _variance(windows, dim=1).mean(dim=(1, 2))


def _finite(rows: Tensor) -> Tensor:
    return to_float64(finite_or_nan(rows))


def _seen(rows: Tensor) -> Tensor:
    """Return the rows without NaN."""
    rows = _finite(rows)
    return rows[~rows.flatten(1).isnan().any(dim=1)]


def _variance(rows: Tensor, dim: int) -> Tensor:
    """Return the population variance along an axis; NaN, without a warning of PyTorch's, where it is empty."""
    return (rows - rows.mean(dim=dim, keepdim=True)).square().mean(dim=dim)


def _turn(difference: Tensor) -> Tensor:
    """Return a difference of angles in -180..180 degrees."""
    return difference - 360 * (difference / 360).round()
