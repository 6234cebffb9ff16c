"""FIDInception against the outputs of pytorch-fid and torch-fidelity."""

import pytest
import torch
from parity.seeded import TOLERANCE, as_batch, deviation, golden, golden_input, loaded

from thm_torchmetrics.nets.inception import FIDInception, _resize_from_corner

MODEL = "inception_fid"


@pytest.fixture(scope="module")
def net():
    return loaded(FIDInception(), MODEL)


@pytest.fixture(scope="module")
def images():
    return as_batch(golden_input(MODEL, "images"))


@pytest.mark.parametrize("name", ["", "other_", "big_"])
def test_pytorch_fid(net, name):
    batch = as_batch(golden_input(MODEL, f"{name}images")) / 255
    with torch.inference_mode():
        features = net(batch)
    assert deviation(features, golden(MODEL)[f"{name}pool3"]) <= TOLERANCE


def test_pytorch_fid_blocks(net, images):
    resized = torch.nn.functional.interpolate(images[:2] / 255, size=(299, 299), mode="bilinear", align_corners=False)
    with torch.inference_mode():
        maps = net.feature_maps(2 * resized - 1)
    for block in range(3):
        expected = golden(MODEL)[f"block{block}_mean"]
        assert deviation(maps[block].mean(dim=(2, 3)), expected[:2], abs(expected).max()) <= TOLERANCE


def test_pytorch_fid_without_its_resize(net, images):
    with torch.inference_mode():
        features = net.features(2 * (images[:2] / 255) - 1)
    expected = golden(MODEL)["pool3_unresized"]
    assert deviation(features, expected[:2], abs(expected).max()) <= TOLERANCE


def test_torch_fidelity(net, images):
    with torch.inference_mode():
        first = net.forward_fidelity(images[:1].to(torch.uint8))
        second = net.forward_fidelity(images[1:2])
        features = torch.cat((first, second))
        logits = features @ net.fc.weight.T
    expected = golden(MODEL)
    scale = abs(expected["fidelity_2048"]).max()
    assert deviation(features, expected["fidelity_2048"][:2], scale) <= TOLERANCE
    scale = abs(expected["fidelity_logits_unbiased"]).max()
    assert deviation(logits, expected["fidelity_logits_unbiased"][:2], scale) <= TOLERANCE


def test_torch_fidelity_blocks(net, images):
    with torch.inference_mode():
        maps = net.feature_maps((_resize_from_corner(images[:2], 299) - 128) / 128)
    for width, found in zip((64, 192, 768), maps[:3], strict=True):
        expected = golden(MODEL)[f"fidelity_{width}"]
        assert deviation(found.mean(dim=(2, 3)), expected[:2], abs(expected).max()) <= TOLERANCE


def test_the_two_paths_differ_by_more_than_the_tolerance():
    difference = abs(golden(MODEL)["fidelity_2048"] - golden(MODEL)["pool3"]).max()
    assert difference > 20 * TOLERANCE * abs(golden(MODEL)["pool3"]).max()
