"""Flicker against VBench."""

import numpy as np
import pytest
import torch
from parity.seeded import golden, golden_input

from thm_torchmetrics.functional.flicker import temporal_flicker


@pytest.mark.parametrize("clip", range(3))
def test_it_is_vbench_s(clip: int) -> None:
    frames = torch.from_numpy(golden_input("frames", f"flicker_{clip}")).movedim(-1, 1)
    expected = float(golden("frames")["flicker"][clip])
    assert temporal_flicker(frames).mean().item() == pytest.approx(expected, abs=2e-6)
    assert temporal_flicker(frames.to(torch.float32) / 255).mean().item() == pytest.approx(expected, abs=2e-6)


def test_the_order_of_two_frames_does_not_matter_and_bytes_do_not_wrap() -> None:
    frames = torch.tensor([0, 255, 0], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 3, 4, 4)
    assert np.array_equal(temporal_flicker(frames).numpy(), [0, 0])


def test_one_frame_has_no_value() -> None:
    assert temporal_flicker(torch.zeros(1, 3, 4, 4, dtype=torch.uint8)).shape == (0,)
