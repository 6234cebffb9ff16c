"""S3FD's raw outputs against those of the SyncNet project's module."""

import pytest
import torch
from parity.seeded import TOLERANCE, as_batch, deviation, golden, golden_input, loaded

from thm_torchmetrics.nets.s3fd_syncnet import S3FD

CASES = {"small_0": "small_image", "scaled_0": "scaled_scaled_0", "scaled_1": "scaled_scaled_1"}


def rows(maps):
    """Maps ``(N, C, h, w)`` as the original strings them together, first image: map by map, row by row."""
    return torch.cat([x[0].permute(1, 2, 0).flatten(0, 1) for x in maps])


@pytest.fixture(scope="module")
def net():
    return loaded(S3FD(), "s3fd")


@pytest.mark.parametrize("case", CASES)
def test_offsets_and_logits(net, case):
    arrays = golden("s3fd")
    name = CASES[case]
    image = golden_input("s3fd", name) if name == "small_image" else arrays[name][None]
    x = as_batch(image) - torch.tensor([123.0, 117.0, 104.0])[:, None, None]
    clip, scale = case.split("_")
    assert tuple(arrays[f"{clip}_input_shape_{scale}"]) == x.shape
    with torch.inference_mode():
        loc, conf = net(x)
    assert len(loc) == len(conf) == 6
    assert deviation(rows(loc), arrays[f"{clip}_loc_{scale}"]) <= TOLERANCE
    assert deviation(rows(conf), arrays[f"{clip}_conf_{scale}"]) <= TOLERANCE


def test_a_batch_equals_its_images(net):
    x = as_batch(golden_input("s3fd", "small_image")) - 117.0
    with torch.inference_mode():
        loc, conf = net(torch.cat((x.flip(-1), x)))
        one_loc, one_conf = net(x)
    for both, one in zip(loc + conf, one_loc + one_conf, strict=True):
        torch.testing.assert_close(both[1:], one, rtol=1e-4, atol=1e-5)
