"""Flicker of clips: what is counted, and what cannot be scored."""

import math

import pytest
import torch
from parity.seeded import golden, golden_input

from thm_torchmetrics import TemporalFlicker
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.scoring.plan import select_metrics
from thm_torchmetrics.scoring.spelling import in_python


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


IN_TIME = [f"fvd:{name}" for name in CATALOG["fvd"].protocols] + ["flicker", "pose-delta", "blink-rate", "beat-align"]


@pytest.mark.parametrize("text", IN_TIME)
def test_neighbouring_frames_are_those_of_the_file(text: str) -> None:
    """Of every second frame, flicker and FVD were those of a clip of twice the speed."""
    run, skipped = select_metrics([text, "psnr"], {"preds", "target"}, in_python, every=2)
    assert run == ["psnr"]
    assert skipped == {text: "needs every frame; leave `every=` out"}
