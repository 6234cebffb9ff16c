"""Speech and silence against THEval's frames and made-up sounds."""

import pytest
import torch
from parity.seeded import golden
from torch import Tensor

from thm_torchmetrics.functional import speech_of_segments, speech_of_sound


@pytest.mark.parametrize("fps", [25, 30])
def test_silent_frames_of_segments_are_theval_s(fps: int) -> None:
    speech = speech_of_segments(torch.from_numpy(golden("theval")["speech_segments"]), 75, fps)
    assert (~speech).nonzero()[:, 0].tolist() == golden("theval")[f"silence_frames_{fps}"].tolist()


def test_no_segment_is_silence_throughout() -> None:
    assert not speech_of_segments(torch.zeros(0, 2), 20, 25).any()


def tone(*loudness: float, rate: int = 16000) -> Tensor:
    """A tone of 0.4 s for each loudness."""
    parts = [level * torch.sin(torch.arange(int(0.4 * rate)) * 0.3) for level in loudness]
    return torch.cat(parts)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_pauses_between_tones_are_silent(rate: int) -> None:
    speech = speech_of_sound(tone(0, 0.5, 0.001, 0.3, rate=rate), rate, 40, 25)
    assert speech.tolist() == [False] * 10 + [True] * 10 + [False] * 10 + [True] * 10


def test_a_pause_of_less_than_three_tenths_is_speech() -> None:
    sound = tone(0.5, 0.5)
    sound[3000:7000] = 0  # a quarter of a second
    assert speech_of_sound(sound, 16000, 20, 25).all()


def test_quiet_noise_alone_is_silence_and_the_end_of_the_sound_too() -> None:
    noise = 0.001 * torch.randn(16000, generator=torch.Generator().manual_seed(1))
    assert not speech_of_sound(noise, 16000, 25, 25).any()
    assert speech_of_sound(tone(0.5), 16000, 25, 25).tolist() == [True] * 10 + [False] * 15
    assert not speech_of_sound(torch.zeros(0), 16000, 25, 25).any()


def test_a_segment_starts_in_the_frame_on_display() -> None:
    assert speech_of_segments(torch.tensor([[0.58, 0.58]]), 12, 10).nonzero()[:, 0].tolist() == [5]
