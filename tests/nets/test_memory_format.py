"""The layout changes, the values do not."""

import pytest
import torch

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu


@pytest.mark.parametrize(
    ("shape", "layout"), [((2, 3, 4, 5), torch.channels_last), ((1, 3, 6, 4, 5), torch.channels_last_3d)]
)
def test_channels_last_on_cpu(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    x = torch.arange(torch.Size(shape).numel(), dtype=torch.float32).view(shape)
    moved = channels_last_on_cpu(x)
    assert moved.is_contiguous(memory_format=layout)
    assert torch.equal(moved, x)


def test_other_devices_are_left_alone() -> None:
    x = torch.empty(2, 3, 4, 5, device="meta")
    assert channels_last_on_cpu(x) is x
