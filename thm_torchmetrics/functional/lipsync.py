"""LSE-D, LSE-C and the audio-video offset, from SyncNet's embeddings of lips and audio."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import finite_or_nan, to_float64
from thm_torchmetrics.imaging.checks import check_numbers

FRAMES_PER_WINDOW = 5
"""Video frames that one lip embedding is computed from."""

SAMPLES_PER_FRAME = 640
"""Audio samples per video frame: 16 kHz at 25 frames per second."""

_EPSILON = 1e-6  # added to each difference, as torch's pairwise_distance does
_BLOCK, _CHUNK = 32, 4096  # windows per matrix product, and per round of products, which bounds the memory


class SyncScores(NamedTuple):
    """The three numbers that are read from mean distances."""

    distance: Tensor
    """LSE-D, the smallest mean distance, >= 0; lower is better."""
    confidence: Tensor
    """LSE-C, the median less the smallest mean distance, >= 0; higher is better."""
    offset: Tensor
    """The audio-video offset, int64, in frames of 40 ms; 0 is in sync."""


def sync_distances(lip: Tensor, audio: Tensor, vshift: int = 15) -> Tensor:
    """Compute the distance of each lip embedding to the audio embeddings around it.

    ``|lip[i] - audio[i + k - vshift] + 1e-6|`` (Euclidean) in row ``i`` and column ``k``. Beyond both ends the audio is
    a row of zeros, which lies at the norm of the lip embedding, not at infinity; these entries count in the means.

    Args:
        lip: ``(N, D)`` lip embeddings, not normalised.
        audio: ``(N, D)`` audio embeddings of the same windows.
        vshift: largest shift, in frames of 40 ms.

    Returns:
        ``(N, 2 * vshift + 1)`` float64 distances, on the device of ``lip`` (on the CPU for MPS); NaN where an embedding
        holds NaN or infinity.

    Raises:
        InputError: the embeddings are not two matrices of one shape, or the shift is negative.

    Source: syncnet_python (Chung and Zisserman, Out of Time, 2016).

    Example:
        >>> lip = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
        >>> sync_distances(lip, lip.flip(0), vshift=1).round(decimals=2)
        tensor([[5., 5., 0.],
                [0., 5., 0.]], dtype=torch.float64)
    """
    check_numbers("lip", lip)
    check_numbers("audio", audio)
    if lip.dim() != 2 or lip.shape != audio.shape or vshift < 0:
        raise InputError(
            "`lip` and `audio` must be embeddings of one shape (N, D) and `vshift` at least 0, "
            f"got {tuple(lip.shape)}, {tuple(audio.shape)} and {vshift}"
        )
    padded = pad(audio, (0, 0, vshift, vshift))
    chunks = [to_float64(lip.new_zeros(0, 2 * vshift + 1))]  # all there is of an empty clip
    for start in range(0, len(lip), _CHUNK):
        rows, around = lip[start : start + _CHUNK], padded[start : start + _CHUNK + 2 * vshift]
        chunks.append(_banded(to_float64(finite_or_nan(rows)), to_float64(finite_or_nan(around)), 2 * vshift + 1))
    return torch.cat(chunks)


def sync_scores(mean_distances: Tensor) -> SyncScores:
    """Read LSE-D, LSE-C and the offset from distances averaged over the windows of a clip.

    LSE-D is the smallest mean distance, LSE-C the median minus the smallest, the offset ``vshift - argmin``: audio that
    comes ``k`` frames late gives ``-k``. The median of an even count would be the lower middle one.

    Args:
        mean_distances: ``(..., 2 * vshift + 1)``, e.g. ``sync_distances(lip, audio).mean(dim=0)``.

    Returns:
        The three `SyncScores`, each ``(...)``; the offset is int64, in frames of 40 ms.

    Raises:
        InputError: the number of shifts is even.

    Source: syncnet_python; Wav2Lip (LSE-D and LSE-C).

    Example:
        >>> scores = sync_scores(torch.tensor([9.0, 10.0, 6.0, 9.5, 11.0]))
        >>> [value.item() for value in scores]
        [6.0, 3.5, 0]
    """
    check_numbers("mean_distances", mean_distances)
    shifts = mean_distances.shape[-1] if mean_distances.dim() else 0
    if shifts % 2 == 0:
        raise InputError(f"`mean_distances` must be (..., 2 * vshift + 1), got {tuple(mean_distances.shape)}")
    smallest, at = mean_distances.min(dim=-1)
    return SyncScores(smallest, mean_distances.median(dim=-1).values - smallest, shifts // 2 - at)


def _banded(lip: Tensor, audio: Tensor, shifts: int) -> Tensor:
    """Compute distances of each row of ``lip`` to the ``shifts`` rows of ``audio`` that start at the same index.

    Both are float64. Each block of lip rows meets all its audio rows in one matrix product, of which a diagonal band is
    kept; float64 makes up for what the expanded square loses.
    """
    spare = -len(lip) % _BLOCK
    rows = pad(lip + _EPSILON, (0, 0, 0, spare)).reshape(-1, _BLOCK, lip.shape[1])
    columns = pad(audio, (0, 0, 0, spare)).unfold(0, _BLOCK + shifts - 1, _BLOCK)
    distances = torch.cdist(rows, columns.transpose(1, 2), compute_mode="use_mm_for_euclid_dist")
    at = torch.arange(_BLOCK, dtype=torch.int64, device=lip.device)[:, None]
    at = at + torch.arange(shifts, dtype=torch.int64, device=lip.device)
    band = distances.gather(2, at.expand(len(rows), -1, -1))
    return band.reshape(-1, shifts)[: len(lip)]
