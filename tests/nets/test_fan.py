"""FAN against face-alignment's own module, both filled with the same made-up weights."""

import pytest
import torch
from parity import fill
from parity.seeded import TOLERANCE, as_batch, deviation, golden_input
from torch import nn

from thm_torchmetrics.nets.fan import FAN

reference = pytest.importorskip("face_alignment.models.fan", reason="needs the extra [fan]")


@pytest.fixture(scope="module")
def nets() -> tuple[FAN, nn.Module]:
    """Ours and theirs; the gains keep the unnormalised sums from growing, as in the recipe of EmoNet."""
    theirs = reference.FAN(4).eval()
    shapes = {key: (tuple(value.shape), str(value.dtype)) for key, value in theirs.state_dict().items()}
    gains = [[r".+\.conv[123]\.weight", 0.5], [r".+\.downsample\.2\.weight", 0.5], [r"l\d\.weight", 0.1]]
    state = fill.fill_state_dict(shapes, 20250, gains)
    theirs.load_state_dict(state)
    ours = FAN().eval()
    ours.load_state_dict(state)
    return ours, theirs


def test_last_heat_maps(nets: tuple[FAN, nn.Module]) -> None:
    ours, theirs = nets
    images = as_batch(golden_input("emonet8", "images")[:1]) / 255
    with torch.inference_mode():
        found, expected = ours(images), theirs(images)
    assert found.shape == (1, 68, 64, 64)
    assert deviation(found, expected[-1].numpy()) <= TOLERANCE
    assert deviation(found, expected[-2].numpy()) > 1000 * TOLERANCE
    assert (found.flatten(2).argmax(2) == expected[-1].flatten(2).argmax(2)).all()


def test_keys_are_published_ones() -> None:
    with torch.device("meta"):
        ours, theirs = FAN().state_dict(), reference.FAN(4).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}
