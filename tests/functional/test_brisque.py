"""BRISQUE against piq."""

import sys

import piq
import pytest
import torch
from functional.scene_parameters import published, support_vectors
from functional.test_niqe import golden_frame
from parity.seeded import golden

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.natural_scenes import read_support_vectors
from thm_torchmetrics.functional.brisque import blind_spatial_quality, brisque_features

NAMES = ["demo_0", "demo_1", "seeded", "odd"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_piq_s_on_grey_frames(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, coefficients = support_vectors()
    monkeypatch.setattr(sys.modules["piq.brisque"], "load_url", lambda *args, **kwargs: (coefficients, vectors.clone()))
    grey = golden_frame(name)[:, 1:2]
    expected = piq.brisque(grey.double(), data_range=255, reduction="none").item()
    frames = grey.expand(-1, 3, -1, -1)
    assert blind_spatial_quality(frames, vectors, coefficients, -153.591).item() == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_the_features_of_color_are_piq_s(name: str) -> None:
    expected = golden("niqe_brisque")[f"{name}_brisque_piq_features"]
    # piq rounds halves of grey levels as the machine's arithmetic has it, which moves one shape by a step of its grid
    assert brisque_features(golden_frame(name))[0].numpy() == pytest.approx(expected, abs=1.001e-3)


@pytest.mark.parametrize("name", NAMES)
def test_with_the_published_model_it_is_piq_s(name: str) -> None:
    value = blind_spatial_quality(golden_frame(name), *read_support_vectors(published("brisque"), "")).item()
    assert value == pytest.approx(float(golden("niqe_brisque")[f"{name}_brisque_piq64"]), abs=3e-3)


def test_a_flat_frame_has_no_value() -> None:
    vectors, coefficients = support_vectors()
    frames = torch.cat([golden_frame("demo_0"), torch.full((1, 3, 256, 256), 9, dtype=torch.uint8)])
    assert blind_spatial_quality(frames, vectors, coefficients, 0.0).isnan().tolist() == [False, True]


def test_frames_that_are_too_small_are_named() -> None:
    with pytest.raises(InputError, match="16x16 pixels, got 40x15"):
        brisque_features(torch.zeros(1, 3, 15, 40, dtype=torch.uint8))
