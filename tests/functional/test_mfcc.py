"""MFCC against the stored output of the original and against python_speech_features."""

import numpy as np
import pytest
import python_speech_features
import torch
from parity.seeded import golden, golden_input

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.mfcc import mfcc


@pytest.mark.parametrize(
    ("wave", "expected"),
    [
        ("mfcc_speech_wave", "mfcc_speech"),
        ("mfcc_odd_wave", "mfcc_odd"),
        ("mfcc_short_wave", "mfcc_short"),
        ("A_wave", "A_mfcc"),
    ],
)
def test_stored_output_of_the_original(wave: str, expected: str) -> None:
    samples = torch.from_numpy(golden_input("syncnet", wave))
    got = mfcc(samples)
    np.testing.assert_allclose(got.numpy(), golden("syncnet")[expected], rtol=0, atol=1e-8)
    for dtype in (torch.float32, torch.float64):
        np.testing.assert_array_equal(mfcc(samples.to(dtype)), got)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("samples", [1, 399, 400, 401, 560, 561, 5000])
def test_python_speech_features(rate: int, samples: int) -> None:
    wave = np.random.default_rng(samples).integers(-32768, 32768, samples).astype(np.int16)
    points = 2 ** int(np.ceil(np.log2(0.025 * rate)))  # its default of 512 would cut longer windows
    expected = python_speech_features.mfcc(wave, rate, nfft=points)
    np.testing.assert_allclose(mfcc(torch.from_numpy(wave), rate), expected, rtol=0, atol=1e-8)


def test_a_batch_is_its_rows_and_silence_is_finite() -> None:
    waves = torch.randint(-3000, 3000, (2, 3, 2000), generator=torch.Generator().manual_seed(0), dtype=torch.int16)
    waves[1, 2] = 0
    batch = mfcc(waves)
    assert batch.shape == (2, 3, 11, 13)
    for i in range(2):
        for j in range(3):
            expected = python_speech_features.mfcc(waves[i, j].numpy(), 16000)
            np.testing.assert_allclose(batch[i, j], expected, rtol=0, atol=1e-8)


def test_the_default_dtype_changes_nothing() -> None:
    wave = torch.arange(1000, dtype=torch.float32)
    expected = mfcc(wave)
    torch.set_default_dtype(torch.bfloat16)
    try:
        torch.testing.assert_close(mfcc(wave), expected, rtol=0, atol=0)
    finally:
        torch.set_default_dtype(torch.float32)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"\(2, 0\) at 16000"):
        mfcc(torch.zeros(2, 0))
    with pytest.raises(InputError, match="at 0"):
        mfcc(torch.zeros(2), 0)
