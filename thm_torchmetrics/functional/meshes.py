"""Compare the vertices of faces: lips, upper face, opening of the mouth, and its timing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.checks import to_float64

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@torch.no_grad()
def vertex_distances(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the Euclidean distance of each vertex.

    Args:
        preds: ``(T, V, 3)`` vertices.
        target: the same shape.

    Returns:
        ``(T, V)`` float64, in the vertices' unit.

    Raises:
        InputError: if a side is not ``(T, V, 3)``.
        MismatchError: if the shapes differ.

    Example:
        >>> vertex_distances(torch.ones(1, 2, 3), torch.zeros(1, 2, 3))
        tensor([[1.7321, 1.7321]], dtype=torch.float64)
    """
    _check_vertices("preds", preds)
    _check_vertices("target", target)
    if preds.shape != target.shape:
        raise MismatchError(
            f"preds are {tuple(preds.shape)} and target {tuple(target.shape)}; both need the same frames and the same "
            "vertices in one order"
        )
    distances: Tensor = torch.linalg.vector_norm(to_float64(preds) - to_float64(target), dim=-1)
    return distances


@torch.no_grad()
def lip_vertex_error(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the squared distance of the lip vertex that is farthest off, of each frame.

    Args:
        preds: ``(T, V, 3)`` vertices of the lips.
        target: the same shape.

    Returns:
        ``(T,)`` float64, in the square of the vertices' unit.

    Raises:
        InputError: if a side is not ``(T, V, 3)``.
        MismatchError: if the shapes differ.

    Example:
        >>> lip_vertex_error(torch.tensor([[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]]), torch.zeros(1, 2, 3))
        tensor([25.], dtype=torch.float64)
    """
    return vertex_distances(preds, target).square().amax(dim=1)


@torch.no_grad()
def face_dynamics(motion: Tensor) -> Tensor:
    """Compute how much the vertices of a clip move: the deviation over time of their squared displacement.

    Args:
        motion: ``(T, V, 3)`` displacements from the neutral face. A vertex that is listed twice counts twice.

    Returns:
        0-d float64: the population standard deviation over the frames of the squared norm, mean over the vertices, in
        the square of the vertices' unit.

    Raises:
        InputError: if it is not ``(T, V, 3)``.

    Example:
        >>> face_dynamics(torch.tensor([[[0.0, 0.0, 0.0]], [[2.0, 0.0, 0.0]]]))
        tensor(2., dtype=torch.float64)
    """
    _check_vertices("motion", motion)
    return to_float64(motion).square().sum(dim=-1).std(dim=0, correction=0).mean()


@torch.no_grad()
def mouth_opening(lips: Tensor) -> Tensor:
    """Compute the distance of the upper from the lower lip.

    Args:
        lips: ``(T, 2, 3)``, a vertex of each lip.

    Returns:
        ``(T,)`` float64, in the vertices' unit.

    Raises:
        InputError: if it is not ``(T, 2, 3)``.

    Example:
        >>> mouth_opening(torch.tensor([[[0.0, 2.0, 0.0], [0.0, 0.5, 0.0]]]))
        tensor([1.5000], dtype=torch.float64)
    """
    _check_vertices("lips", lips)
    if lips.shape[1] != 2:
        raise InputError(f"lips must be (T, 2, 3), one vertex of each lip, got {tuple(lips.shape)}")
    opening: Tensor = torch.linalg.vector_norm(to_float64(lips[:, 0]) - to_float64(lips[:, 1]), dim=-1)
    return opening


@torch.no_grad()
def lip_intensity(lips: Tensor) -> Tensor:
    r"""Compute how much the lips of a clip move.

    .. math:: \sqrt{\frac{1}{T - 1} \sum_t \Bigl(\frac{1}{V} \sum_v \|x_{t+1,v} - x_{t,v}\|\Bigr)^2}

    Args:
        lips: ``(T, V, 3)`` vertices of the mouth. One that is listed twice counts twice.

    Returns:
        0-d float64, in the vertices' unit per frame; NaN of one frame, or if a vertex is NaN.

    Raises:
        InputError: if it is not ``(T, V, 3)``.

    Example:
        >>> lip_intensity(torch.tensor([[[0.0, 0.0, 0.0]], [[3.0, 4.0, 0.0]], [[3.0, 4.0, 5.0]]]))
        tensor(5., dtype=torch.float64)
    """
    _check_vertices("lips", lips)
    steps: Tensor = torch.linalg.vector_norm(to_float64(lips).diff(dim=0), dim=-1)
    return steps.mean(dim=1).square().mean().sqrt()


_SMOOTHING = 2.0
"""Standard deviation of the smoothing of the opening, in frames."""


@torch.no_grad()
def mouth_timing_differences(preds: Tensor, target: Tensor) -> Tensor:
    """Compute by how many frames each opening and closing of the mouth comes early or late.

    Both curves are smoothed (Gaussian, sigma 2) and aligned by dynamic time warping of their differences. A maximum of
    one that meets a maximum of the other on the path is a match, a minimum likewise, if it lies between the extrema
    around the target's.

    Args:
        preds: ``(T,)`` opening of the mouth.
        target: ``(S,)``, at the same rate.

    Returns:
        ``(n,)`` float64, frames, one for each match; empty if there is none.

    Raises:
        InputError: if a side is not ``(T,)`` of finite numbers with T >= 1.

    Example:
        >>> time = torch.arange(60.0)
        >>> late = torch.sin((time - 2) / 4)
        >>> mouth_timing_differences(late, torch.sin(time / 4)).unique().tolist()
        [2.0]
    """
    from scipy import ndimage, signal  # not above: scipy is slow to import

    for name, curve in (("preds", preds), ("target", target)):
        if curve.ndim != 1 or not len(curve) or not bool(curve.isfinite().all()):
            raise InputError(f"{name} must be finite numbers (T,) with T >= 1, got {tuple(curve.shape)}")
    made, real = (ndimage.gaussian_filter1d(to_float64(curve).cpu().numpy(), _SMOOTHING) for curve in (preds, target))
    peaks, valleys = ([set(signal.find_peaks(sign * curve)[0].tolist()) for curve in (real, made)] for sign in (1, -1))
    turns = sorted(peaks[0] | valleys[0])
    differences = []
    for i, j in warping_path(_steps(real), _steps(made)):
        if not ((i in peaks[0] and j in peaks[1]) or (i in valleys[0] and j in valleys[1])):
            continue
        at = turns.index(i)
        low = turns[at - 1] if at else 0
        high = turns[at + 1] if at + 1 < len(turns) else len(real) - 1
        if low <= j <= high:
            differences.append(float(abs(i - j)))
    return torch.tensor(differences, dtype=torch.float64)


def _steps(curve: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the differences of neighbours, the first being 0."""
    import numpy as np  # not above: the formulas import torch alone

    return np.diff(curve, prepend=curve[:1])


def warping_path(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the path of dynamic time warping that costs least, from the first to the last pair.

    The cost of a pair is its absolute difference. Of equal costs, the way back takes the diagonal, then the step of the
    first curve, then that of the second.
    """
    import numpy as np

    rows, columns = len(first), len(second)
    cost = np.full((rows + 1, columns + 1), np.inf)
    cost[0, 0] = 0.0
    apart = np.abs(first[:, None] - second[None, :])
    for i in range(1, rows + 1):
        above = np.minimum(cost[i - 1, 1:], cost[i - 1, :-1])
        row, left = apart[i - 1], np.inf
        for j in range(1, columns + 1):
            left = row[j - 1] + min(above[j - 1], left)
            cost[i, j] = left
    i, j = rows, columns
    path = [(i - 1, j - 1)]
    while i > 1 or j > 1:
        best = min(cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1])
        if best == cost[i - 1, j - 1]:
            i, j = i - 1, j - 1
        elif best == cost[i - 1, j]:
            i -= 1
        else:
            j -= 1
        path.append((i - 1, j - 1))
    return path[::-1]


def _check_vertices(name: str, value: Tensor) -> None:
    """Raise an error if a value is no vertices.

    Raises:
        InputError: if it is not ``(T, V, 3)`` with T, V >= 1.
    """
    if value.ndim != 3 or value.shape[-1] != 3 or not value.numel():
        raise InputError(f"{name} must be vertices (T, V, 3), got {tuple(value.shape)}")
