"""Compute SyncNet's mean distances from frames and sound piece by piece, in bounded memory."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import torch
from scipy.signal import resample_poly
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.syncnet import SyncEmbeddings
from thm_torchmetrics.functional.lipsync import FRAMES_PER_WINDOW, SAMPLES_PER_FRAME, sync_distances
from thm_torchmetrics.functional.mfcc import mfcc

SAMPLE_RATE = 16000
SIDE = 224
_COLUMNS, _COLUMNS_PER_FRAME = 20, 4  # MFCC columns per window, and per frame of 40 ms
_SAMPLES_PER_COLUMN, _SAMPLES_IN_COLUMN = 160, 400


def speech(audio: Tensor, sample_rate: int) -> Tensor:
    """Convert audio to SyncNet's input, 16 kHz, float32 in the scale and the steps of int16.

    Args:
        audio: ``(S,)``, mono, float -1..1 or int16.
        sample_rate: rate of the audio in Hz; other rates than 16000 are converted with a windowed sinc (SciPy's
            ``resample_poly``).

    Raises:
        InputError: if the shape, dtype, range or rate is none of these.
    """
    check_speech(audio, sample_rate)
    if audio.dtype != torch.int16:
        audio = audio.to(torch.float32) * 32768
    if sample_rate != SAMPLE_RATE and audio.numel():
        ratio = Fraction(SAMPLE_RATE, int(sample_rate))
        samples = resample_poly(audio.double().cpu().numpy(), ratio.numerator, ratio.denominator)
        audio = torch.from_numpy(samples).to(audio.device, torch.float32)
    return audio.to(torch.float32).round().clamp(-32768, 32767)


def check_speech(audio: Tensor, sample_rate: int) -> None:
    """Raise the errors of `speech`, without converting."""
    if not isinstance(audio, Tensor) or audio.ndim != 1:
        given = tuple(audio.shape) if isinstance(audio, Tensor) else type(audio).__name__
        raise InputError(f"audio must be a mono tensor (S,) per clip, got {given}; average the channels of stereo")
    if audio.dtype != torch.int16 and not audio.is_floating_point():
        raise InputError(f"audio must be float -1..1 or int16, got {audio.dtype}")
    if not sample_rate > 0:
        raise InputError(f"sample_rate must be above 0 (16000 where nothing else is known), got {sample_rate}")
    if audio.dtype != torch.int16:
        audio = audio.detach()
        if not bool(audio.isfinite().all()):
            raise InputError(
                f"audio holds {int((~audio.isfinite()).sum())} samples that are NaN or infinite; replace them, for "
                "example by torch.nan_to_num"
            )
        if audio.numel() and float(audio.abs().max()) > 1:
            raise InputError(
                f"float audio must lie in -1..1, got {float(audio.min()):g}..{float(audio.max()):g}; divide samples "
                "of int16 by 32768, or clamp"
            )


class DistanceCurve:
    """Compute the mean distances over ``-vshift..vshift`` of embeddings given piece by piece.

    The distances of a row need the ``vshift`` rows after it; beyond the last row the audio is zero. Rows are kept until
    those are known, and no longer.

    Args:
        vshift: largest shift in frames.
    """

    def __init__(self, vshift: int) -> None:
        self.vshift = vshift
        self.rows = 0
        self._kept: list[Tensor] = []
        self._before = 0  # rows kept only as neighbours of those that follow
        self._sum: Tensor | None = None

    def add(self, lip: Tensor, audio: Tensor) -> None:
        """Add the next rows of both embeddings, equally many of each."""
        self.rows += len(lip)
        new = (lip, audio)
        self._kept = [torch.cat(pair) for pair in zip(self._kept, new, strict=True)] if self._kept else list(new)
        # one row more than vshift, because `finish` may drop the last one
        self._settle(len(self._kept[0]) - self.vshift - 1)

    def finish(self, count: int | None = None) -> Tensor:
        """Return the mean distances ``(2 * vshift + 1,)``, float64.

        Args:
            count: number of rows to average, from the first; all, or one fewer. Default: all, at least one.
        """
        surplus = 0 if count is None else self.rows - count
        self._kept = [side[: len(side) - surplus] for side in self._kept]
        self.rows -= surplus
        self._settle(len(self._kept[0]))
        return cast(Tensor, self._sum) / self.rows

    def _settle(self, end: int) -> None:
        """Add the distances of the kept rows up to ``end``, and drop rows that no later row needs."""
        if end <= self._before:
            return
        lip, audio = self._kept
        distances = sync_distances(lip, audio, self.vshift)[self._before : end].sum(dim=0)
        self._sum = distances if self._sum is None else self._sum + distances
        start = max(0, end - self.vshift)
        self._kept = [side[start:] for side in self._kept]
        self._before = end - start


def mfcc_windows(samples: Tensor, start: int, count: int) -> Tensor:
    """Compute ``count`` audio windows of SyncNet from window ``start`` on.

    Only their samples are read, so a long sound takes no more memory than a short one. One column more is computed in
    front and dropped, because `mfcc` emphasises the first sample that it gets as the first of a sound.

    Returns:
        ``(count, 1, 13, 20)``, float32.
    """
    spare = 1 if start else 0
    columns = _COLUMNS_PER_FRAME * (count - 1) + _COLUMNS + spare
    first = (_COLUMNS_PER_FRAME * start - spare) * _SAMPLES_PER_COLUMN
    part = samples[first : first + (columns - 1) * _SAMPLES_PER_COLUMN + _SAMPLES_IN_COLUMN]
    rows = mfcc(part, SAMPLE_RATE)[spare:].to(torch.float32)
    return rows.unfold(0, _COLUMNS, _COLUMNS_PER_FRAME)[:, None]


class WindowScorer:
    """Score one face with its sound; its frames are given piece by piece.

    Args:
        network: the network of the embeddings.
        samples: the sound of these frames, from `speech`.
        vshift: largest shift in frames.
        keeps_embeddings: whether `embeddings` returns them.
    """

    def __init__(self, network: SyncEmbeddings, samples: Tensor, vshift: int, keeps_embeddings: bool = False) -> None:
        self.frames = 0
        self._kept: list[tuple[Tensor, Tensor]] | None = [] if keeps_embeddings else None
        self._network = network
        self._samples = samples
        self._audible = max(0, len(samples) // SAMPLES_PER_FRAME - FRAMES_PER_WINDOW)
        self._curve = DistanceCurve(vshift)
        self._last: Tensor | None = None

    def add(self, frames: Tensor) -> None:
        """Add the next frames ``(n, 3, 224, 224)``, RGB, uint8, at 25 per second."""
        self.frames += len(frames)
        if self._last is not None:
            frames = torch.cat([self._last, frames])
        start = self._curve.rows
        count = min(len(frames) - FRAMES_PER_WINDOW + 1, self._audible - start)
        if count > 0:
            lips = self._network.lips(frames[: count + FRAMES_PER_WINDOW - 1])
            sounds = self._network.sounds(mfcc_windows(self._samples, start, count))
            self._curve.add(lips, sounds)
            if self._kept is not None:
                self._kept.append((lips, sounds))
        self._last = frames[max(0, len(frames) - FRAMES_PER_WINDOW + 1) :].clone()

    @property
    def windows(self) -> int:
        """Return the number of windows that count, one fewer than would fit, as in the original."""
        return max(0, min(self.frames - FRAMES_PER_WINDOW, self._audible))

    def curve(self) -> Tensor:
        """Return the mean distances ``(2 * vshift + 1,)``, float64.

        Call it once, with at least one window.
        """
        return self._curve.finish(self.windows)

    @property
    def embeddings(self) -> tuple[Tensor, Tensor] | None:
        """Return the embeddings of lips and of sound, ``(N, D)`` each, of the windows that count, if they are kept."""
        if not self._kept:
            return None
        lips, sounds = (torch.cat(rows)[: self.windows] for rows in zip(*self._kept, strict=True))
        return lips, sounds
