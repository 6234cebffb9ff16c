"""Batches of clips by a DataLoader."""

from typing import Any, NamedTuple

import pytest
import torch
from torch.utils.data import DataLoader

from thm_torchmetrics import Clip, PeakSignalNoiseRatio, collate_clips


class Sample(NamedTuple):
    preds: Any
    name: str


def frames(count: int, value: int = 0) -> torch.Tensor:
    return torch.full((count, 3, 16, 16), value, dtype=torch.uint8)


def test_a_loader_of_clips_feeds_a_metric() -> None:
    data = [{"preds": Clip(frames(n, 10)), "target": frames(n), "index": n} for n in (4, 5, 4)]
    metric = PeakSignalNoiseRatio()
    for batch in DataLoader(data, batch_size=2, collate_fn=collate_clips):  # type: ignore[arg-type]
        assert isinstance(batch["index"], torch.Tensor)
        metric.update(batch["preds"], batch["target"])
    assert metric.tally(metric.named(metric.sums)).scored == 13
    with pytest.raises(TypeError, match="Clip"):
        next(iter(DataLoader(data, batch_size=2)))  # type: ignore[arg-type]


def test_tensors_of_one_shape_are_stacked_and_structures_kept() -> None:
    batch = collate_clips([Sample(frames(4), "a"), Sample(frames(4), "b")])
    assert isinstance(batch, Sample)
    assert batch.preds.shape == (2, 4, 3, 16, 16)
    assert batch.name == ["a", "b"]
    pairs = collate_clips([(frames(4), 1.5), (frames(6), 2.5)])
    assert [len(each) for each in pairs[0]] == [4, 6]
    assert pairs[1].tolist() == [1.5, 2.5]
