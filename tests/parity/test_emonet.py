"""EmoNet against the outputs of the original module."""

import cv2
import numpy as np
import pytest
import torch
from parity.seeded import TOLERANCE, as_batch, deviation, golden, golden_input, loaded

from thm_torchmetrics.nets.emonet import EmoNet

ROWS = {"emonet8": 2, "emonet5": 1}


@pytest.fixture(scope="module", params=ROWS)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def output(model):
    net = loaded(EmoNet(int(model[-1])), model)
    with torch.inference_mode():
        return net(as_batch(golden_input(model, "images")[: ROWS[model]]) / 255)


def largest(arrays):
    """The scale of the tolerance: one for expression, valence and arousal together."""
    return max(float(abs(arrays[name]).max()) for name in ("expression", "valence", "arousal"))


@pytest.mark.parametrize("name", ["expression", "valence", "arousal"])
def test_emotion(model, output, name):
    expected = golden(model)
    assert deviation(output[name], expected[name][: ROWS[model]], largest(expected)) <= TOLERANCE


def test_heat_maps(model, output):
    expected = golden(model)
    heatmap = output["heatmap"]
    assert heatmap.shape == (ROWS[model], 68, 64, 64)
    assert deviation(heatmap.mean(dim=(2, 3)), expected["heatmap_mean"][: ROWS[model]]) <= TOLERANCE
    assert (heatmap.flatten(2).argmax(dim=2).numpy() == expected["heatmap_argmax"][: ROWS[model]]).all()


def test_features_are_the_input_of_the_last_layer(model, output):
    last = loaded(EmoNet(int(model[-1])), model).emo_fc_2[-1]
    assert output["features"].shape == (ROWS[model], 128)
    expected = golden(model)
    emotion = last(output["features"].clone()).detach()
    assert deviation(emotion[:, :-2], expected["expression"][: ROWS[model]], largest(expected)) <= TOLERANCE
    assert deviation(emotion[:, -2], expected["valence"][: ROWS[model]], largest(expected)) <= TOLERANCE


def test_odd_images():
    net = loaded(EmoNet(8), "emonet8")
    expected = golden("emonet8")
    resized = np.stack([cv2.resize(image, (256, 256)) for image in golden_input("emonet8", "odd_images")])
    assert (resized[:1] == expected["odd_resized"]).all()
    with torch.inference_mode():
        output = net(as_batch(resized) / 255)
    for name in ("expression", "valence", "arousal"):
        assert deviation(output[name], expected[f"odd_{name}"], largest(expected)) <= TOLERANCE
    assert deviation(output["heatmap"].mean(dim=(2, 3)), expected["odd_heatmap_mean"]) <= TOLERANCE
    assert (output["heatmap"].flatten(2).argmax(dim=2).numpy() == expected["odd_heatmap_argmax"]).all()
