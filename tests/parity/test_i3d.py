"""InceptionI3d against the outputs of the original, layer by layer."""

import pytest
import torch
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded
from torch import Tensor

from thm_torchmetrics.nets.i3d import InceptionI3d, _max_pool

MODEL = "i3d400"


@pytest.fixture(scope="module")
def net() -> InceptionI3d:
    return loaded(InceptionI3d(), MODEL)


def clip(name: str) -> Tensor:
    return torch.from_numpy(golden_input(MODEL, name)).permute(3, 0, 1, 2)[None] / 255 * 2 - 1


@torch.inference_mode()
def test_layers_and_logits_of_ten_frames(net: InceptionI3d) -> None:
    batch = torch.cat([clip("small_0"), clip("small_1")])
    maps = net.feature_maps(batch[:1])
    pools = {
        "MaxPool3d_2a_3x3": ("Conv3d_1a_7x7", (1, 3, 3), (1, 2, 2)),
        "MaxPool3d_3a_3x3": ("Conv3d_2c_3x3", (1, 3, 3), (1, 2, 2)),
        "MaxPool3d_4a_3x3": ("Mixed_3c", (3, 3, 3), (2, 2, 2)),
        "MaxPool3d_5a_2x2": ("Mixed_4f", (2, 2, 2), (2, 2, 2)),
    }
    maps |= {name: _max_pool(maps[layer], kernel, stride) for name, (layer, kernel, stride) in pools.items()}
    stored = {name.removeprefix("at_"): array for name, array in golden(MODEL).items() if name.startswith("at_")}
    assert maps.keys() == stored.keys()
    for name, expected in stored.items():
        assert deviation(maps[name].mean(dim=(0, 2, 3, 4)), expected) <= TOLERANCE, name
    assert deviation(net.pooled(batch)[..., 0, 0], golden(MODEL)["small_pooled"]) <= TOLERANCE
    assert deviation(net(batch), golden(MODEL)["small"]) <= TOLERANCE


@pytest.mark.parametrize("name", ["nine", "odd", "sixteen", "long"])
@torch.inference_mode()
def test_clips_of_other_lengths(net: InceptionI3d, name: str) -> None:
    """Of 25 frames there are several windows in time, which a maximum or one average would tell apart."""
    assert deviation(net(clip(name)), golden(MODEL)[name]) <= TOLERANCE


def test_larger_clips_give_logits_at_several_places() -> None:
    with torch.device("meta"):
        assert InceptionI3d()(torch.zeros(1, 3, 9, 256, 256)).shape == (1, 400, 2, 2)
