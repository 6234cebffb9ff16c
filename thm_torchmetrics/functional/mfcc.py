"""Mel-frequency cepstral coefficients (MFCC), the audio features of SyncNet."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.checks import widest_float

_WINDOW, _STEP = 0.025, 0.01  # seconds
_FILTERS, _COEFFICIENTS, _LIFTER = 26, 13, 22
_EMPHASIS = 0.97
_FLOOR = torch.finfo(torch.float64).eps  # stands in for the energy of digital silence, in any precision


def mfcc(waveform: Tensor, sample_rate: int = 16000) -> Tensor:
    """Compute the mel-frequency cepstral coefficients of speech, one row per 10 ms.

    Pre-emphasis 0.97 that leaves the first sample alone; rectangular frames of 25 ms every 10 ms, the last one filled
    up with zeros; power spectrum; 26 triangular mel filters from 0 to half the sample rate with whole-bin edges;
    natural logarithm; orthonormal DCT-II; lifter 22. Coefficient 0 is the logarithm of the whole energy of the frame.

    Args:
        waveform: ``(..., S)`` in the scale of int16 (-32768..32767, not -1..1), mono, integer or float.
        sample_rate: samples per second; SyncNet was trained at 16000.

    Returns:
        ``(..., frames, 13)`` float64 (float32 on MPS), ``frames = 1 + ceil((S - window) / step)``, at least 1.

    Raises:
        InputError: there are no samples, or the sample rate is below 1.

    Source: python_speech_features 0.6, as called by SyncNet (Chung and Zisserman, Out of Time, 2016).

    Example:
        >>> tone = 8000 * torch.sin(torch.arange(16000, dtype=torch.float64))
        >>> mfcc(tone).shape
        torch.Size([99, 13])
    """
    if waveform.dim() < 1 or waveform.shape[-1] == 0 or sample_rate < 1:
        raise InputError(
            f"`waveform` must be samples of shape (..., S) and `sample_rate` at least 1 Hz, "
            f"got {tuple(waveform.shape)} at {sample_rate}"
        )
    power = _power(waveform.to(widest_float(waveform.device)), sample_rate)
    filters, cosines = (table.to(power) for table in _tables(sample_rate))
    energy = _no_zero(power.sum(dim=-1)).log()
    cepstra = _no_zero(power @ filters).log() @ cosines
    return torch.cat([energy[..., None], cepstra[..., 1:]], dim=-1)


def _power(samples: Tensor, sample_rate: int) -> Tensor:
    """Compute the power spectrum ``(..., frames, bins)`` of the emphasised, framed waveform."""
    window, step, points = _sizes(sample_rate)
    samples = torch.cat([samples[..., :1], samples[..., 1:] - _EMPHASIS * samples[..., :-1]], dim=-1)
    frames = 1 + max(0, math.ceil((samples.shape[-1] - window) / step))
    missing = (frames - 1) * step + window - samples.shape[-1]
    samples = torch.cat([samples, samples.new_zeros(*samples.shape[:-1], missing)], dim=-1)
    spectrum: Tensor = torch.fft.rfft(samples.unfold(-1, window, step), n=points)
    return (spectrum.real.square() + spectrum.imag.square()) / points


def _sizes(sample_rate: int) -> tuple[int, int, int]:
    """Return window and step in samples, a half rounded up, and the power of two that holds the window."""
    window, step = (math.floor(seconds * sample_rate + 0.5) for seconds in (_WINDOW, _STEP))
    return window, max(step, 1), 1 << math.ceil(math.log2(max(_WINDOW * sample_rate, 1)))


def _no_zero(energy: Tensor) -> Tensor:
    return torch.where(energy == 0, torch.full_like(energy, _FLOOR), energy)


@lru_cache(maxsize=8)
def _tables(sample_rate: int) -> tuple[Tensor, Tensor]:
    """Return the mel filters ``(bins, 26)`` and the liftered DCT ``(26, 13)``, float64 on the CPU."""
    points = _sizes(sample_rate)[2]
    top = 2595 * math.log10(1 + sample_rate / 2 / 700)
    mels = torch.linspace(0, top, _FILTERS + 2, dtype=torch.float64)
    edges = ((points + 1) * 700 * (10 ** (mels / 2595) - 1) / sample_rate).floor()
    bins = torch.arange(points // 2 + 1, dtype=torch.float64)[:, None]
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    rise, fall = (bins - low) / (center - low), (high - bins) / (high - center)
    filters = torch.where((bins >= low) & (bins < center), rise, 0.0)
    filters = torch.where((bins >= center) & (bins < high), fall, filters)

    order = torch.arange(_COEFFICIENTS, dtype=torch.float64)
    at = torch.arange(_FILTERS, dtype=torch.float64)[:, None] + 0.5
    cosines = torch.cos(torch.pi * order * at / _FILTERS) * math.sqrt(2 / _FILTERS)
    cosines[:, 0] /= math.sqrt(2)
    lifter = 1 + _LIFTER / 2 * torch.sin(torch.pi * order / _LIFTER)
    return filters, cosines * lifter
