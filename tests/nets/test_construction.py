"""Every network before it sees an image: keys, shapes, dtypes, and construction on the meta device."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from thm_torchmetrics.nets.deep3d import Deep3DNet
from thm_torchmetrics.nets.emonet import EmoNet
from thm_torchmetrics.nets.fan import FAN
from thm_torchmetrics.nets.inception import FIDInception
from thm_torchmetrics.nets.iresnet import iresnet18, iresnet50, iresnet100
from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD
from thm_torchmetrics.nets.s3fd_syncnet import S3FD
from thm_torchmetrics.nets.syncnet import SyncNet

PUBLISHED = {
    "syncnet": SyncNet,
    "s3fd": S3FD,
    "iresnet18": iresnet18,
    "iresnet50": iresnet50,
    "iresnet100": iresnet100,
    "emonet8": lambda: EmoNet(8),
    "emonet5": lambda: EmoNet(5),
    "deep3d_resnet50": Deep3DNet,
    "inception_fid": FIDInception,
}
EVERY = PUBLISHED | {"fan": FAN, "s3fd_face_alignment": FanS3FD}
MODELS = Path(__file__).resolve().parents[1] / "parity" / "models"


@pytest.mark.parametrize("model", PUBLISHED)
def test_keys_shapes_and_dtypes_are_the_published_ones(model: str) -> None:
    recipe = json.loads((MODELS / f"{model}.json").read_text(encoding="utf-8"))
    expected = {key: (tuple(shape), f"torch.{dtype}") for key, shape, dtype in recipe["state_dict"]}
    with torch.device("meta"):
        state = PUBLISHED[model]().state_dict()
    assert {key: (tuple(value.shape), str(value.dtype)) for key, value in state.items()} == expected


@pytest.fixture
def bfloat16_by_default() -> Iterator[None]:
    """What Lightning's bf16-true does while it makes a module."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("net", EVERY)
@pytest.mark.usefixtures("bfloat16_by_default")
def test_float32_under_any_default_dtype(net: str) -> None:
    with torch.device("meta"):
        state = EVERY[net]().state_dict()
    assert {value.dtype for value in state.values()} <= {torch.float32, torch.int64}


@pytest.mark.parametrize("net", EVERY)
def test_made_on_the_meta_device_without_touching_the_random_state(net: str) -> None:
    before = torch.get_rng_state()
    with torch.device("meta"):
        made = EVERY[net]()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(value.is_meta for value in made.state_dict().values())
