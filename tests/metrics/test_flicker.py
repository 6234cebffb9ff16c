"""Flicker of clips: what is counted, and what cannot be scored."""

import math

import pytest
import torch
from parity.seeded import golden, golden_input

from thm_torchmetrics import TemporalFlicker


def test_the_mean_over_clips_is_vbench_s() -> None:
    metric = TemporalFlicker()
    for clip in range(3):
        metric.update(torch.from_numpy(golden_input("frames", f"flicker_{clip}")).movedim(-1, 1))
    assert metric.compute().item() == pytest.approx(float(golden("frames")["flicker_mean"]), abs=2e-6)
    assert metric.coverage == 1


def test_pairs_across_chunks_count() -> None:
    """A clip longer than a chunk has 64 frames in the first."""
    frames = torch.zeros(130, 3, 4, 4, dtype=torch.uint8)
    frames[64:] = 255
    metric = TemporalFlicker()
    assert metric(frames).item() == pytest.approx(1 - 1 / 129)


def test_a_clip_of_one_frame_is_not_scored_and_counted() -> None:
    metric = TemporalFlicker()
    metric.update([torch.zeros(1, 3, 4, 4, dtype=torch.uint8), torch.zeros(4, 3, 4, 4, dtype=torch.uint8)])
    assert metric.compute().item() == 1
    assert metric.coverage == 3 / 4
    metric.reset()
    metric.update(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
    with pytest.warns(UserWarning, match="TemporalFlicker is NaN: .*two frames"):
        assert math.isnan(metric.compute())
