"""Mean absolute and squared difference of predicted and real pixels."""

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_pair, slabs, widest_float
from thm_torchmetrics.imaging.levels import common_peak, on_common_scale


@torch.no_grad()
def mean_absolute_error_per_frame(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the mean absolute difference of each frame, on the scale 0..1.

    ``L1_i = mean(|preds_i - target_i|)`` over channels and pixels.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        preds: ``(N, 3, H, W)`` frames.
        target: the same shape; the dtype may differ.

    Returns:
        ``(N,)`` float64 (float32 on MPS), in 0..1.

    Raises:
        InputError: a side is not RGB frames, or a float value lies outside 0..1.
        MismatchError: the shapes differ.

    Example:
        >>> white, grey = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8), torch.full((1, 3, 4, 4), 0.5)
        >>> mean_absolute_error_per_frame(white, grey)
        tensor([0.5000], dtype=torch.float64)
    """
    return _row_norms(preds, target, 1).sum(1) / _values(preds, common_peak(preds, target))


@torch.no_grad()
def mean_squared_error_per_frame(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the mean squared difference of each frame, on the scale 0..1.

    ``MSE_i = mean((preds_i - target_i)^2)`` over channels and pixels.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        preds: ``(N, 3, H, W)`` frames.
        target: the same shape; the dtype may differ.

    Returns:
        ``(N,)`` float64 (float32 on MPS), in 0..1.

    Raises:
        InputError: a side is not RGB frames, or a float value lies outside 0..1.
        MismatchError: the shapes differ.

    Example:
        >>> white, grey = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8), torch.full((1, 3, 4, 4), 0.5)
        >>> mean_squared_error_per_frame(white, grey)
        tensor([0.2500], dtype=torch.float64)
    """
    return _row_norms(preds, target, 2).square_().sum(1) / _values(preds, common_peak(preds, target) ** 2)


def _values(frames: Tensor, peak: float) -> float:
    """Return the number of values of a frame, on the scale 0..1."""
    return frames.shape[1:].numel() * peak


def _row_norms(preds: Tensor, target: Tensor, order: int) -> Tensor:
    """Compute the norm of the difference of every row of pixels ``(N, rows)``, on the sides' common scale."""
    check_pair(preds, target)
    count, _, height, width = preds.shape
    lines = 3 * height
    if preds.stride(1) == target.stride(1) == 1:  # channels last, as a decoder gives them: nothing is copied
        preds, target, lines, width = preds.permute(0, 2, 3, 1), target.permute(0, 2, 3, 1), height, 3 * width
    preds, target = preds.reshape(count * lines, width), target.reshape(count * lines, width)
    norms = torch.empty(len(preds), dtype=torch.float32, device=preds.device)
    scratch = torch.empty(0, dtype=torch.float32, device=preds.device)
    for rows in slabs(len(preds), width // 3, preds.device):
        difference = _difference(preds[rows], target[rows], scratch)
        torch.linalg.vector_norm(difference, ord=order, dim=1, out=norms[rows])
    return norms.to(widest_float(norms.device)).view(count, lines)


def _difference(preds: Tensor, target: Tensor, out: Tensor) -> Tensor:
    """Write the difference, up to its sign, as float32 into ``out``; fresh memory would cost more than the sum."""
    out.resize_(preds.shape)
    if preds.dtype == target.dtype == torch.uint8:
        return out.copy_(torch.maximum(preds, target).sub_(torch.minimum(preds, target)))
    preds, target = on_common_scale(preds, target, 1.0)
    return torch.sub(preds, target, out=out)
