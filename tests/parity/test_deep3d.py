"""Deep3DNet against the outputs of Deep3DFaceRecon's own module."""

import pytest
import torch
from parity.seeded import TOLERANCE, as_batch, deviation, golden, golden_input, loaded

from thm_torchmetrics.functional.face3d import COEFFICIENTS
from thm_torchmetrics.nets.deep3d import Deep3DNet


@pytest.fixture(scope="module")
def coefficients():
    """Of the two images, then of the three aligned crops."""
    net = loaded(Deep3DNet(), "deep3d_resnet50")
    arrays = golden("deep3d_resnet50")
    images = as_batch(golden_input("deep3d_resnet50", "images"))
    crops = [torch.from_numpy(arrays[f"{case}_crop"]).movedim(-1, 0).float() for case in ("inside", "border", "lm68")]
    with torch.inference_mode():
        return net(torch.cat((images, torch.stack(crops))) / 255)


def test_images(coefficients):
    assert deviation(coefficients[:2], golden("deep3d_resnet50")["coeff"]) <= TOLERANCE


def test_crops(coefficients):
    assert deviation(coefficients[2:], golden("deep3d_resnet50")["crop_coeff"]) <= TOLERANCE


@pytest.mark.parametrize("part", ["id", "exp", "tex", "angle", "gamma", "trans"])
def test_columns(coefficients, part):
    assert deviation(coefficients[:2, COEFFICIENTS[part]], golden("deep3d_resnet50")[f"coeff_{part}"]) <= TOLERANCE
