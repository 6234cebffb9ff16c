"""LibreFace's networks against the outputs of the original modules."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded
from PIL import Image
from torch import Tensor, nn

from thm_torchmetrics.nets.libreface import LibreFaceRepVGG, LibreFaceResNet18, normalize

NETWORKS = {"libreface_repvgg_a0": LibreFaceRepVGG, "libreface_resnet18": LibreFaceResNet18}
MODELS = Path(__file__).resolve().parents[1] / "parity" / "models"


@pytest.fixture(scope="module", params=NETWORKS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(model: str) -> nn.Module:
    return loaded(NETWORKS[model](), model)


def cut(image: np.ndarray) -> np.ndarray:
    """The original's transform: the shorter side to 256 by Pillow, then the middle 224x224."""
    picture = Image.fromarray(image)
    short = min(picture.size)
    if short != 256:
        size = (picture.width * 256 // short, picture.height * 256 // short)
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = round((picture.width - 224) / 2), round((picture.height - 224) / 2)
    return np.asarray(picture.crop((left, top, left + 224, top + 224)))


def inputs(model: str, name: str) -> Tensor:
    crops = np.stack([cut(image) for image in golden_input(model, name)])
    return normalize(torch.from_numpy(crops).movedim(-1, 1))


@pytest.mark.parametrize("name", ["aligned", "small", "wide"])
def test_intensities_are_the_original_s(model: str, network: nn.Module, name: str) -> None:
    with torch.inference_mode():
        found = network(inputs(model, name))
    expected = golden(model)[f"{name}_intensity"]
    assert found.shape == (len(expected), 12)
    assert deviation(found, expected) <= TOLERANCE


def test_features_before_the_head_are_the_original_s(model: str, network: nn.Module) -> None:
    with torch.inference_mode():
        found = network.encoder(inputs(model, "small")).flatten(1)
    assert deviation(found, golden(model)["small_features"]) <= TOLERANCE


def test_intensities_stay_in_the_range_of_facs(model: str, network: nn.Module) -> None:
    """Also where the output before the last step leaves it; a checkpoint trained for long has such outputs."""
    with torch.inference_mode():
        values = network(40 * inputs(model, "small"))
    assert values.min() >= 0
    assert values.max() <= 5


def test_keys_shapes_and_dtypes_are_the_published_ones(model: str) -> None:
    recipe = json.loads((MODELS / f"{model}.json").read_text(encoding="utf-8"))
    with torch.device("meta"):
        state = NETWORKS[model]().state_dict()
    assert {key: (list(value.shape), str(value.dtype)) for key, value in state.items()} == {
        key: (shape, f"torch.{dtype}") for key, shape, dtype in recipe["state_dict"]
    }


def test_float32_under_any_default_dtype(model: str) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("meta"):
            state = NETWORKS[model]().state_dict()
    finally:
        torch.set_default_dtype(before)
    assert {value.dtype for value in state.values()} == {torch.float32, torch.int64}


def test_pixels_are_normalised_by_imagenet_s_mean_and_deviation() -> None:
    crops = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 3, 1, 1)
    expected = [(0 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert normalize(crops).flatten().tolist() == pytest.approx(expected, rel=1e-6)
