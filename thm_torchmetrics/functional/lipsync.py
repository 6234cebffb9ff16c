"""SyncNet's last step: distances between lip and audio embeddings, and the scores that are read from their means."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from thm_torchmetrics.errors import InputError

FRAMES_PER_WINDOW = 5
SAMPLES_PER_FRAME = 640  # 16 kHz at 25 frames per second
_EPSILON = 1e-6
_BLOCK, _CHUNK = 32, 4096  # windows per matrix product, and per round of products, which bounds the memory


class SyncScores(NamedTuple):
    """What is read from the mean distances: LSE-D, LSE-C and the audio-video offset in frames."""

    distance: Tensor
    confidence: Tensor
    offset: Tensor


def window_count(frames: int, samples: int) -> int:
    """Number of windows that SyncNet scores: ``min(frames, floor(samples / 640)) - 5``, at least 0.

    One fewer than would fit; the original's count is kept.

    Args:
        frames: Video frames at 25 per second.
        samples: Audio samples at 16 kHz.

    Source: syncnet_python.

    Example:
        >>> window_count(60, 38400)
        55
    """
    return max(0, min(frames, samples // SAMPLES_PER_FRAME) - FRAMES_PER_WINDOW)


def sync_distances(lip: Tensor, audio: Tensor, vshift: int = 15) -> Tensor:
    """Distance of the lips in window ``i`` to the audio of windows ``i - vshift`` to ``i + vshift``.

    ``|lip[i] - audio[i + k - vshift] + 1e-6|`` (Euclidean) in column ``k``. Beyond both ends the audio is a row of
    zeros, which lies at the norm of the lip embedding, not at infinity; these entries count in the means.

    Args:
        lip: ``(N, D)`` lip embeddings, not normalised.
        audio: ``(N, D)`` audio embeddings of the same windows.
        vshift: Largest shift, in frames of 40 ms.

    Returns:
        ``(N, 2 * vshift + 1)`` float64 distances, on the device of ``lip`` (on the CPU for MPS).

    Raises:
        InputError: Not two matrices of one shape, or a negative shift.

    Source: syncnet_python (Chung and Zisserman, Out of Time, 2016).

    Example:
        >>> lip = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
        >>> sync_distances(lip, lip.flip(0), vshift=1).round(decimals=2)
        tensor([[5., 5., 0.],
                [0., 5., 0.]], dtype=torch.float64)
    """
    if lip.dim() != 2 or lip.shape != audio.shape or vshift < 0:
        raise InputError(
            "sync_distances needs lip and audio embeddings of one shape (N, D) and vshift >= 0, "
            f"got {tuple(lip.shape)}, {tuple(audio.shape)} and {vshift}"
        )
    if lip.device.type == "mps":
        lip, audio = lip.cpu(), audio.cpu()
    padded = pad(audio, (0, 0, vshift, vshift))
    chunks = [
        _banded(lip[start : start + _CHUNK], padded[start : start + _CHUNK + 2 * vshift], 2 * vshift + 1)
        for start in range(0, len(lip), _CHUNK)
    ]
    return torch.cat(chunks) if chunks else lip.new_zeros((0, 2 * vshift + 1), dtype=torch.float64)


def sync_scores(mean_distances: Tensor) -> SyncScores:
    """LSE-D, LSE-C and offset from distances that were already averaged over the windows of a clip.

    LSE-D is the smallest mean distance, LSE-C the median minus the smallest, the offset ``vshift - argmin``: audio that
    comes ``k`` frames late gives ``-k``. The median of an even count would be the lower middle one.

    Args:
        mean_distances: ``(..., 2 * vshift + 1)``, e.g. ``sync_distances(lip, audio).mean(dim=0)``.

    Returns:
        ``SyncScores`` of shape ``(...)``; the offset is int64, in frames of 40 ms.

    Raises:
        InputError: An even number of shifts.

    Source: syncnet_python; Wav2Lip (LSE-D and LSE-C).

    Example:
        >>> scores = sync_scores(torch.tensor([9.0, 10.0, 6.0, 9.5, 11.0]))
        >>> [value.item() for value in scores]
        [6.0, 3.5, 0]
    """
    shifts = mean_distances.shape[-1] if mean_distances.dim() else 0
    if shifts % 2 == 0:
        raise InputError(f"mean distances must be (..., 2 * vshift + 1), got {tuple(mean_distances.shape)}")
    smallest, at = mean_distances.min(dim=-1)
    return SyncScores(smallest, mean_distances.median(dim=-1).values - smallest, shifts // 2 - at)


def _banded(lip: Tensor, audio: Tensor, shifts: int) -> Tensor:
    """Distances of each row of ``lip`` to the ``shifts`` rows of ``audio`` that start at the same index.

    Each block of lip rows meets all its audio rows in one matrix product, of which a diagonal band is kept; float64
    makes up for what the expanded square loses.
    """
    spare = -len(lip) % _BLOCK
    rows = pad(lip.to(torch.float64) + _EPSILON, (0, 0, 0, spare)).reshape(-1, _BLOCK, lip.shape[1])
    columns = pad(audio.to(torch.float64), (0, 0, 0, spare)).unfold(0, _BLOCK + shifts - 1, _BLOCK)
    distances = torch.cdist(rows, columns.transpose(1, 2), compute_mode="use_mm_for_euclid_dist")
    at = torch.arange(_BLOCK, dtype=torch.int64, device=lip.device)[:, None]
    at = at + torch.arange(shifts, dtype=torch.int64, device=lip.device)
    band = distances.gather(2, at.expand(len(rows), -1, -1))
    return band.reshape(-1, shifts)[: len(lip)]
