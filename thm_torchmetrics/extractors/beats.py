"""Find the beats of a sound with librosa."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from thm_torchmetrics.errors import MissingExtraError

Samples: TypeAlias = npt.NDArray[np.float32]

_FRAMES_OF_60_HZ = 60 * 512  # samples per second at which a hop of 512 samples is a frame of 60 Hz
_DEFAULT_RATE, _WINDOW = 22050, 2048  # librosa's own


def check_librosa() -> None:
    """Raise an error if librosa is not installed.

    Raises:
        MissingExtraError: if it is not.
    """
    if find_spec("librosa") is None:
        raise MissingExtraError("beats of sound need librosa: pip install 'thm-torchmetrics[audio]'")


def sound_beats(samples: Samples, sample_rate: int, protocol: str) -> npt.NDArray[np.float64]:
    """Find the beats of a sound, in seconds, as the script of a beat alignment finds them.

    ``kdtalker``: librosa's beat tracker at 22,050 Hz. ``bailando``: at 30,720 Hz with hops of 512 samples (60 per
    second), on the median onset strength of the percussive part. ``aist``: likewise, on the onset strength of the
    whole.

    Args:
        samples: ``(S,)``, mono, float -1..1.
        sample_rate: samples per second.
        protocol: ``"kdtalker"``, ``"bailando"`` or ``"aist"``.

    Returns:
        ``(N,)`` seconds, rising; none in silence, and in less than 2048 samples, librosa's window.

    Raises:
        MissingExtraError: if librosa is not installed.
    """
    check_librosa()
    import librosa

    rate = _DEFAULT_RATE if protocol == "kdtalker" else _FRAMES_OF_60_HZ
    samples = librosa.resample(samples, orig_sr=sample_rate, target_sr=rate)
    if len(samples) < _WINDOW or not samples.any():
        return np.zeros(0)
    _, frames = librosa.beat.beat_track(onset_envelope=_ONSETS[protocol](librosa, samples, rate), sr=rate)
    beats: npt.NDArray[np.float64] = librosa.frames_to_time(frames, sr=rate)
    return beats


def _onsets(librosa: Any, samples: Samples, rate: int) -> Any:
    return librosa.onset.onset_strength(y=samples, sr=rate)


def _median_onsets(librosa: Any, samples: Samples, rate: int) -> Any:
    return librosa.onset.onset_strength(y=samples, sr=rate, aggregate=np.median)


def _percussive_onsets(librosa: Any, samples: Samples, rate: int) -> Any:
    return librosa.onset.onset_strength(y=librosa.effects.percussive(samples), sr=rate, aggregate=np.median)


_ONSETS: dict[str, Callable[[Any, Samples, int], Any]] = {
    "kdtalker": _median_onsets,  # the default of librosa's beat tracker
    "bailando": _percussive_onsets,
    "aist": _onsets,
}
