"""Inception's features by both preprocessings, beside the originals' stored output."""

from pathlib import Path

import numpy as np
import pytest
import torch
from extractors.pictures import batch
from parity.seeded import TOLERANCE, deviation, golden, golden_input, seeded_state
from PIL import Image

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors import make_extractor, release

MODEL = "inception_fid"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    torch.save(seeded_state(MODEL), path)
    return path


@pytest.mark.parametrize(("protocol", "stored"), [("pytorch-fid", "pool3"), ("torch-fidelity", "fidelity_2048")])
def test_features_are_the_original_s(checkpoint: Path, protocol: str, stored: str) -> None:
    extractor = make_extractor("inception", "inception", checkpoint, protocol=protocol)
    chunk = Chunk(batch(golden_input(MODEL, "images")[:2]))
    scale = abs(golden(MODEL)[stored]).max()
    assert deviation(chunk.features(extractor), golden(MODEL)[stored][:2], scale) <= TOLERANCE
    assert [held.name for held in extractor.checkpoints] == ["inception-fid"]
    assert str(extractor) == "inception"


def test_clean_fid_resizes_as_pillow_does_in_floating_point(checkpoint: Path) -> None:
    """Its program scales what Pillow made, channel by channel, and runs the same network."""
    extractor = make_extractor("inception", "inception", checkpoint, protocol="clean-fid")
    images = golden_input(MODEL, "images")[:2]
    resized = [
        [np.asarray(Image.fromarray(image[:, :, i].astype(np.float32)).resize((299, 299), Image.Resampling.BICUBIC))
         for i in range(3)]
        for image in images
    ]  # fmt: skip
    scaled = (torch.from_numpy(np.array(resized)).clamp(0, 255) - 128) / 128
    with torch.inference_mode():
        expected = extractor.network(torch.device("cpu")).features(scaled).numpy()
    features = Chunk(batch(images)).features(extractor)
    assert deviation(features, expected) <= 1e-6
    other = make_extractor("inception", "inception", checkpoint, protocol="torch-fidelity")
    assert deviation(Chunk(batch(images)).features(other), expected) > 1e-3


def test_the_two_protocols_share_one_network_and_no_features(checkpoint: Path) -> None:
    made = [
        make_extractor("inception", "inception", checkpoint, protocol=name)
        for name in ("pytorch-fid", "torch-fidelity")
    ]
    cpu = torch.device("cpu")
    assert made[0].network(cpu) is made[1].network(cpu)
    chunk = Chunk(batch(golden_input(MODEL, "images")[:1]))
    assert not torch.allclose(*(chunk.features(each) for each in made), rtol=1e-3, atol=0)
