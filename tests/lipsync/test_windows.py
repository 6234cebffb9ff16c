"""SyncNet's windows: sound as it is taken, MFCC by pieces, distances by pieces, all in bounded memory."""

import numpy as np
import pytest
import torch
from lipsync.stand_ins import SmallSyncNet
from parity.seeded import golden, golden_input
from scipy.signal import resample_poly
from torch.nn.functional import pad, pairwise_distance

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.syncnet import CustomSyncNetwork
from thm_torchmetrics.functional.lipsync import sync_distances
from thm_torchmetrics.lipsync.windows import DistanceCurve, WindowScorer, mfcc_windows, speech


def test_pieces_give_the_curve_of_the_whole_and_are_not_kept() -> None:
    generator = torch.Generator().manual_seed(8)
    lip, audio = (torch.randn(3200, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    curve = DistanceCurve(15)
    for start in range(0, 3200, 64):
        curve.add(lip[start : start + 64], audio[start : start + 64])
        assert len(curve._kept[0]) <= 64 + 2 * 15 + 1
    count = 3199  # the original leaves the last window out
    padded = pad(audio[:count], (0, 0, 15, 15))
    means = [pairwise_distance(lip[:count], padded[k : k + count]).mean() for k in range(31)]
    torch.testing.assert_close(curve.finish(count), torch.stack(means), rtol=1e-10, atol=0)


def test_audio_windows_by_pieces_are_those_of_the_stored_mfcc() -> None:
    samples = torch.from_numpy(golden_input("syncnet", "A_wave").copy()).float()
    stored = torch.from_numpy(golden("syncnet")["A_mfcc"]).float().unfold(0, 20, 4)
    for start, count in ((0, 55), (0, 1), (1, 7), (30, 25)):
        windows = mfcc_windows(samples, start, count)
        assert windows.shape == (count, 1, 13, 20)
        torch.testing.assert_close(windows[:, 0], stored[start : start + count], rtol=0, atol=2e-4)


def test_speech_is_int16_in_float32_at_16_kilohertz() -> None:
    samples = torch.tensor([0.0, 0.5, -1.0, 1.0, 1 / 32768, 0.4 / 32768])
    assert speech(samples, 16000).tolist() == [0, 16384, -32768, 32767, 1, 0]
    whole = torch.tensor([0, -32768, 32767], dtype=torch.int16)
    assert speech(whole, 16000).tolist() == whole.tolist()
    wave = np.random.default_rng(0).integers(-3000, 3000, 441).astype(np.int16)
    converted = speech(torch.from_numpy(wave), 44100)
    np.testing.assert_array_equal(converted, resample_poly(wave.astype(float), 160, 441).round())
    assert converted.dtype == torch.float32
    assert len(speech(torch.zeros(0), 8000)) == 0


@pytest.mark.parametrize(
    ("audio", "rate", "message"),
    [
        (torch.zeros(2, 100), 16000, r"mono tensor \(S,\) per clip, got \(2, 100\)"),
        (torch.zeros(100, dtype=torch.int64), 16000, "int64"),
        (torch.zeros(100), -1, "above 0.*got -1"),
        (torch.tensor([0.0, torch.inf]), 16000, "1 samples that are NaN or infinite"),
        (torch.tensor([0.0, 1.5]), 16000, r"-1..1, got 0..1.5"),
    ],
)
def test_sound_that_cannot_be_taken_is_named(audio: torch.Tensor, rate: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        speech(audio, rate)


@pytest.mark.parametrize("cuts", [[30], [1, 2, 3, 4, 5, 30], [7, 29, 30]])
def test_windows_of_pieces_are_those_of_the_whole(cuts: list[int]) -> None:
    """Of 30 frames and 28 of sound: 23 windows count, in whatever pieces the frames come."""
    generator = torch.Generator().manual_seed(2)
    frames = torch.randint(0, 256, (30, 3, 224, 224), dtype=torch.uint8, generator=generator)
    samples = torch.randn(28 * 640, generator=generator).mul(1000).round()
    module = SmallSyncNet()
    scorer, start = WindowScorer(CustomSyncNetwork(module), samples, 15), 0
    for stop in cuts:
        scorer.add(frames[start:stop])
        start = stop
    assert (scorer.frames, scorer.windows) == (30, 23)
    bgr = frames.flip(1).float().unfold(0, 5, 1)[:23].movedim(-1, 2)
    sounds = mfcc_windows(samples, 0, 23)
    expected = sync_distances(module.forward_lip(bgr), module.forward_audio(sounds), 15).mean(dim=0)
    torch.testing.assert_close(scorer.curve(), expected.double(), rtol=1e-6, atol=0)
