"""PSNR and SSIM of predicted frames against real ones, in the published flavours."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option
from thm_torchmetrics.functional.pixel_error import mean_squared_error_per_frame
from thm_torchmetrics.imaging.checks import check_pair, slabs, widest_float
from thm_torchmetrics.imaging.levels import common_peak, on_common_scale
from thm_torchmetrics.imaging.windows import filter_inside, gaussian_taps

_PIQ_EPSILON = 1e-8


class _Window(NamedTuple):
    """The window of a flavour of SSIM, and the treatment of the frame before it."""

    taps: tuple[float, ...]
    """Weights along one axis; the window is their outer product."""
    downsample: bool = False
    """Average-pool large frames first."""
    reflect: bool = False
    """Extend the frame by reflection, so that every pixel gets a window; else only windows that lie inside count."""
    covariance: float = 1.0
    """Factor on variances and covariance."""


_WINDOWS = {
    "piq": _Window(gaussian_taps(5, 1.5), downsample=True),
    "torchmetrics": _Window(gaussian_taps(5, 1.5), reflect=True),
    "skimage": _Window((1 / 7,) * 7, covariance=49 / 48),
    "skimage-gaussian": _Window(gaussian_taps(5, 1.5)),
}


@torch.no_grad()
def peak_signal_noise_ratio(preds: Tensor, target: Tensor, protocol: str = "piq") -> Tensor:
    r"""Compute the peak signal-to-noise ratio (PSNR) in dB, higher is better.

    ``PSNR = 10 log10(1 / MSE)``, the mean squared error over channels and pixels on the scale 0..1.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        preds: ``(N, 3, H, W)`` frames.
        target: the same shape; the dtype may differ.
        protocol: ``"piq"``, one value per frame, 1e-8 added to the MSE so that identical frames give 80 dB
            (``piq.psnr``, https://github.com/photosynthesis-team/piq, used by the ViCo baseline and
            TalkingHeadMetrics); ``"mean-of-frames"``, the same without the 1e-8, inf where frames are identical (the
            meters of ER-NeRF, TalkingGaussian and InsTaG); or ``"global-mse"``, one value of the MSE over all frames
            given, ``inf`` where they are identical (torchmetrics' ``PeakSignalNoiseRatio`` with ``data_range=1.0``).

    Returns:
        ``(N,)``, 0-d for ``"global-mse"`` (NaN of no frames); float64 (float32 on MPS).

    Raises:
        InputError: a side is not RGB frames, a float value lies outside 0..1, or the protocol is unknown.
        MismatchError: the shapes differ.

    Example:
        >>> target = torch.full((2, 3, 16, 16), 100, dtype=torch.uint8)
        >>> peak_signal_noise_ratio(target + 10, target)
        tensor([28.1308, 28.1308], dtype=torch.float64)
        >>> peak_signal_noise_ratio(target + 10, target, protocol="global-mse")
        tensor(28.1308, dtype=torch.float64)
    """
    check_option("protocol", protocol, ("piq", "mean-of-frames", "global-mse"))
    errors = mean_squared_error_per_frame(preds, target)
    if protocol == "global-mse":
        errors = errors.mean()
    return -10 * torch.log10(errors + _PIQ_EPSILON if protocol == "piq" else errors)


@torch.no_grad()
def structural_similarity(preds: Tensor, target: Tensor, protocol: str = "piq") -> Tensor:
    r"""Compute the structural similarity (SSIM) of each frame, in -1..1, higher is better.

    ``SSIM = (2 mx my + c1)(2 sxy + c2) / ((mx^2 + my^2 + c1)(sxx + syy + c2))`` with ``c1 = 0.01^2, c2 = 0.03^2`` on
    the scale 0..1; m and s are mean, variance and covariance under a window; averaged over positions and RGB channels.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        preds: ``(N, 3, H, W)`` frames.
        target: the same shape; the dtype may differ.
        protocol: ``"piq"``, Gaussian window of 11 pixels and sigma 1.5, windows inside the frame only, frames whose
            shorter side is 384 or more first average-pooled by ``round(min(H, W) / 256)``; ``"torchmetrics"``, the same
            window on the frame extended by reflection, never pooled; ``"skimage"``, uniform window of 7 pixels, sample
            covariance, windows inside the frame only; each is what the library of that name computes by default
            (``data_range`` and, for scikit-image, ``channel_axis`` set); or ``"skimage-gaussian"``, scikit-image's with
            ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``, the window of ``"piq"`` without pooling.

    Returns:
        ``(N,)`` float64 (float32 on MPS).

    Raises:
        InputError: a side is not RGB frames, a float value lies outside 0..1, a frame is smaller than the window, or
            the protocol is unknown.
        MismatchError: the shapes differ.

    Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE TIP 13(4), 2004.

    Example:
        >>> target = torch.arange(3 * 16 * 16).remainder(251).to(torch.uint8).reshape(1, 3, 16, 16)
        >>> structural_similarity(target // 2, target)
        tensor([0.6504], dtype=torch.float64)
    """
    check_option("protocol", protocol, _WINDOWS)
    check_pair(preds, target)
    window = _WINDOWS[protocol]
    count, _, height, width = preds.shape
    pool = max(1, round(min(height, width) / 256)) if window.downsample else 1
    _check_size(height, width, window, protocol)
    values = torch.empty(count, dtype=widest_float(preds.device), device=preds.device)
    for frames in slabs(count, height * width, preds.device):
        values[frames] = _similarity(preds[frames], target[frames], window, pool)
    return values


def _check_size(height: int, width: int, window: _Window, protocol: str) -> None:
    # a frame is pooled to no less than 192 pixels, so only frames as given can be too small
    least = len(window.taps) // 2 + 1 if window.reflect else len(window.taps)
    if min(height, width) < least:
        raise InputError(
            f"SSIM {protocol!r} needs frames of at least {least}x{least} pixels, got {height}x{width}; "
            "enlarge or leave out such frames"
        )


def _similarity(preds: Tensor, target: Tensor, window: _Window, pool: int) -> Tensor:
    """Compute SSIM strip by strip, so that the temporaries of large frames stay small.

    A strip has the rows of its windows; each row of the map is summed by itself, so that strips change no value.
    """
    peak = common_peak(preds, target)
    if pool > 1:
        preds, target = (F.avg_pool2d(side, pool) for side in on_common_scale(preds, target, peak))
    count, _, height, width = preds.shape
    reach = len(window.taps) - 1
    margin = reach // 2 if window.reflect else 0
    lines, columns = height + 2 * margin - reach, width + 2 * margin - reach
    rows = []
    for strip in slabs(lines, count * width, preds.device):
        sides = [_lines(side, strip.start - margin, strip.stop + reach - margin) for side in (preds, target)]
        if pool == 1:
            sides = on_common_scale(sides[0], sides[1], peak)
        if margin:
            sides = [F.pad(side, (margin, margin, 0, 0), mode="reflect") for side in sides]
        rows.append(_row_sums(sides[0], sides[1], peak, window))
    return torch.cat(rows, dim=2).sum((1, 2), dtype=widest_float(preds.device)) / (3 * lines * columns)


def _lines(frames: Tensor, start: int, stop: int) -> Tensor:
    """Return lines of frames; those beyond an edge mirror the lines within."""
    height = frames.shape[2]
    if start >= 0 and stop <= height:
        return frames[:, :, start:stop]
    at = torch.arange(start, stop, dtype=torch.int64, device=frames.device).abs()
    return frames.index_select(2, height - 1 - (height - 1 - at).abs())


def _row_sums(preds: Tensor, target: Tensor, peak: float, window: _Window) -> Tensor:
    """Compute the sums over each row ``(N, 3, rows)`` of SSIM's map, from moments of sum and difference of the sides.

    With a = x + y and b = x - y, 4 sxy = saa - sbb and 2 (sxx + syy) = saa + sbb: four filtered maps instead of five,
    and no cancellation where the sides nearly agree. The sum is centered on 0, so that float32 squares stay small.
    """
    maps = torch.empty((4, *preds.shape), dtype=torch.float32, device=preds.device)
    torch.add(preds, target, out=maps[0]).sub_(peak)
    torch.sub(preds, target, out=maps[1])
    torch.mul(maps[:2], maps[:2], out=maps[2:])
    mean_a, mean_b, var_a, var_b = filter_inside(maps, window.taps)
    var_b.addcmul_(mean_b, mean_b, value=-1)
    var_a.addcmul_(mean_a, mean_a, value=-1)
    mean_b.square_()
    mean_a.add_(peak).square_()
    c1, c2 = 2 * (0.01 * peak) ** 2, 2 * (0.03 * peak) ** 2 / window.covariance
    above = (mean_a - mean_b).add_(c1).mul_((var_a - var_b).add_(c2))
    below = mean_a.add_(mean_b).add_(c1).mul_(var_a.add_(var_b).add_(c2))
    sums: Tensor = above.div_(below).sum(-1)
    return sums
