"""Beats of sound against librosa as KDTalker calls it."""

import importlib.util

import librosa
import numpy as np
import pytest
from parity.inputs_more import rebuild
from parity.seeded import golden, golden_meta

from thm_torchmetrics import BeatAlignment
from thm_torchmetrics.errors import MissingExtraError
from thm_torchmetrics.extractors.beats import sound_beats

HOP = 512 / 22050


def tune() -> np.ndarray:
    return rebuild(golden_meta("motion")["inputs"]["tune"]).astype(np.float32) / 32768


def test_kdtalker_s_beats_are_those_of_the_golden_run() -> None:
    assert sound_beats(tune(), 16000, "kdtalker") == pytest.approx(golden("motion")["librosa_beat_times"], abs=HOP)


@pytest.mark.parametrize("protocol", ["kdtalker", "bailando", "aist"])
def test_clicks_are_beats(protocol: str) -> None:
    clicks = librosa.clicks(times=np.arange(0.5, 8, 0.5), sr=16000, length=8 * 16000).astype(np.float32)
    beats = sound_beats(clicks, 16000, protocol)
    assert len(beats) >= 12
    assert np.abs(beats / 0.5 - np.round(beats / 0.5)).max() * 0.5 < 0.06


@pytest.mark.parametrize("protocol", ["kdtalker", "bailando", "aist"])
@pytest.mark.parametrize("samples", [0, 1, 900, 48000])
def test_silence_and_scraps_have_no_beat(protocol: str, samples: int) -> None:
    assert sound_beats(np.zeros(samples, np.float32), 16000, protocol).tolist() == []


def test_the_missing_extra_is_named_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "thm_torchmetrics.extractors.beats.find_spec", lambda name: None if name == "librosa" else find(name)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'thm-torchmetrics\[audio\]'"):
        BeatAlignment(extractor="dlib")
    assert BeatAlignment(extractor=None).extractor is None
