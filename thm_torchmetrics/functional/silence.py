"""Frames in which somebody speaks, by the energy of the sound or by given segments of speech."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_shape, to_float64

SHORTEST_PAUSE = 0.3
"""Seconds that a pause lasts at least; THEval's rule."""

_FLOOR, _RANGE = -50.0, 30.0  # dB of full scale, and below the loudest frame


def speech_of_sound(samples: Tensor, sample_rate: int, frames: int, fps: float) -> Tensor:
    """Find the frames in which somebody speaks, by the energy of the sound.

    This package's own rule: a frame is speech if the root mean square of its samples lies above -50 dB of full scale
    and less than 30 dB below that of the loudest frame. A pause of less than 0.3 s counts as speech. The rule takes
    music and noise for speech.

    Args:
        samples: ``(S,)``, mono, -1..1.
        sample_rate: samples per second.
        frames: number of frames.
        fps: frames per second.

    Returns:
        ``(frames,)`` bool; false after the end of the sound.

    Raises:
        InputError: the samples have another shape.

    Example:
        >>> tone = torch.sin(torch.arange(16000.0)) * (torch.arange(16000) < 8000)
        >>> speech_of_sound(tone, 16000, 8, fps=8).tolist()
        [True, True, True, True, False, False, False, False]
    """
    check_shape("samples", samples, ("S",), "sound")
    squares = torch.cat([samples.new_zeros(1, dtype=torch.float64), to_float64(samples).square().cumsum(dim=0)])
    edges = (torch.arange(frames + 1, dtype=torch.float64) * (sample_rate / fps)).round().to(torch.int64)
    edges = edges.clamp(max=len(samples)).to(squares.device)
    means = squares[edges].diff() / edges.diff().clamp(min=1)
    decibels = 10 * means.clamp(min=1e-30).log10()
    loudest = decibels.max() if frames else 0.0
    return _without_short_pauses((decibels > _FLOOR) & (decibels > loudest - _RANGE), fps)


def speech_of_segments(segments: Tensor, frames: int, fps: float) -> Tensor:
    """Find the frames in which somebody speaks, by segments such as Silero's voice activity detector gives.

    A segment covers the frames from ``int(start * fps)`` to ``int(end * fps)``, both included. A pause of less than
    0.3 s counts as speech.

    Args:
        segments: ``(N, 2)`` start and end in seconds.
        frames: number of frames.
        fps: frames per second.

    Returns:
        ``(frames,)`` bool.

    Raises:
        InputError: the segments have another shape.

    Source: ``Newbyl/THEval@cfe23fe Synchronization/silent_lip_stability.py``.

    Example:
        >>> speech_of_segments(torch.tensor([[0.0, 0.1]]), 6, fps=10).tolist()
        [True, True, False, False, False, False]
    """
    check_shape("segments", segments, ("N", 2), "starts and ends in seconds")
    first, last = (to_float64(segments) * fps).trunc().T[:, :, None]
    at = torch.arange(frames, device=segments.device)
    return _without_short_pauses(((at >= first) & (at <= last)).any(dim=0), fps)


def _without_short_pauses(speech: Tensor, fps: float) -> Tensor:
    """Return speech with pauses of less than `SHORTEST_PAUSE` filled in."""
    changes = (speech[1:] != speech[:-1]).nonzero()[:, 0] + 1
    runs = speech.tensor_split(changes.cpu())
    return torch.cat([run | (len(run) < SHORTEST_PAUSE * fps) for run in runs])
