"""FanS3FD against face-alignment's own module, both filled with the same made-up weights."""

import pytest
import torch
from parity import fill
from parity.seeded import TOLERANCE, as_batch, deviation, golden_input
from torch import nn

from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD

reference = pytest.importorskip("face_alignment.detection.sfd.net_s3fd", reason="needs the extra [fan]")


@pytest.fixture(scope="module")
def nets() -> tuple[FanS3FD, nn.Module]:
    theirs = reference.s3fd().eval()
    shapes = {key: (tuple(value.shape), str(value.dtype)) for key, value in theirs.state_dict().items()}
    gains = [
        [r"conv1_1\.weight", 0.015625],
        [r"conv3_3_norm\.weight", 10.0],
        [r"conv4_3_norm\.weight", 8.0],
        [r"conv5_3_norm\.weight", 5.0],
    ]
    state = fill.fill_state_dict(shapes, 20250, gains)
    theirs.load_state_dict(state)
    ours = FanS3FD().eval()
    ours.load_state_dict(state)
    return ours, theirs


@pytest.mark.parametrize(("height", "width"), [(96, 128), (75, 101)])
def test_offsets_and_logits(nets: tuple[FanS3FD, nn.Module], height: int, width: int) -> None:
    ours, theirs = nets
    image = as_batch(golden_input("s3fd", "small_image"))[:, :, :height, :width].flip(1)
    image = image - torch.tensor([104.0, 117.0, 123.0])[:, None, None]
    with torch.inference_mode():
        (loc, conf), expected = ours(image), theirs(image)
    for found, wanted in zip(conf, expected[0::2], strict=True):
        assert deviation(found, wanted.numpy()) <= TOLERANCE
    for found, wanted in zip(loc, expected[1::2], strict=True):
        assert deviation(found, wanted.numpy()) <= TOLERANCE
