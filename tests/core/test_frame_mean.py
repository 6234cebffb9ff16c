"""Means of per-frame values: weights, rows, averages and sizes in closed forms."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from thm_torchmetrics import FrameMean, TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError, MismatchError


class Level(FrameMean):
    """The red level; NaN where it is 255."""

    inputs = ("preds",)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        levels = preds.rows[:, 0, 0, 0].double()
        return levels.masked_fill(levels == 255, torch.nan)


class WeighedLevel(Level):
    def weight(self, preds: Chunk) -> float:
        return float(preds.rows[0].numel())


class LevelsOfColors(FrameMean):
    """A row per frame, of which the largest mean counts."""

    inputs = ("preds",)
    width = 3

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        rows = preds.rows[:, :, 0, 0].double()
        return rows.masked_fill(rows == 255, torch.nan)

    def from_mean(self, mean: Tensor) -> Tensor:
        return mean.max()


class Difference(FrameMean):
    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (preds.as_float() - target.as_float()).abs().mean(dim=(1, 2, 3))


def levels(*values: int, side: int = 2) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, side, side)


@pytest.mark.parametrize(("average", "expected"), [("frame", (1 + 2 + 6 + 9) / 4), ("clip", (3 + 9) / 2)])
def test_frames_or_clips_weigh_the_same(average: Any, expected: float) -> None:
    metric = Level(average=average)
    metric.update([levels(1, 2, 6), levels(9)])
    assert metric.compute() == expected


@pytest.mark.parametrize(("average", "expected"), [("frame", (1 + 5 + 9) / 3), ("clip", ((1 + 5) / 2 + 9) / 2)])
def test_a_frame_without_a_value_is_counted_and_a_clip_without_any_weighs_nothing(
    average: Any, expected: float
) -> None:
    metric = Level(average=average)
    metric.update([levels(1, 255, 5), levels(255, 255), levels(9)])
    assert metric.compute() == expected
    assert metric.coverage == 3 / 6


def test_a_weight_counts_frames_more_than_once() -> None:
    metric = WeighedLevel()
    metric.update([levels(10, 10), levels(40, side=4)])
    assert metric.compute() == (2 * 10 * 12 + 40 * 48) / (2 * 12 + 48)
    assert metric.coverage == 1


def test_a_row_with_a_nan_is_left_out_whole() -> None:
    frames = torch.zeros(3, 3, 1, 1, dtype=torch.uint8)
    frames[:, :, 0, 0] = torch.tensor([[1, 10, 3], [200, 200, 255], [3, 30, 5]])
    metric = LevelsOfColors()
    metric.update(frames)
    assert metric.compute() == 20
    assert metric.coverage == pytest.approx(2 / 3)


def test_a_prediction_of_another_size_is_an_error_of_any_custom_metric_or_resized() -> None:
    """Without this, PyTorch would broadcast, or say nothing of sizes."""
    preds, target = torch.rand(2, 3, 8, 6), torch.rand(2, 3, 12, 10)
    with pytest.raises(MismatchError, match='6x8 and the target 10x12; pass resize="bilinear"'):
        Difference().update(preds, target)
    for mode in ("bilinear", "bicubic"):
        metric = Difference(resize=mode)
        metric.update(preds, target)
        resized = interpolate(preds, (12, 10), mode=mode, antialias=True).clamp(0, 1)
        assert metric.compute().item() == pytest.approx((resized - target).abs().mean().item(), rel=1e-6)


def test_resizing_is_done_once_for_all_members() -> None:
    shown: list[Tensor] = []

    class Watched(Difference):
        def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
            shown.append(preds.rows)
            return super().per_frame(preds, target)

    class AlsoWatched(Watched):
        pass

    metrics = TalkingHeadMetrics(
        {"a": Watched(resize="bilinear"), "b": AlsoWatched(resize="bilinear"), "c": Watched(resize="bicubic")}
    )
    metrics.update(torch.rand(2, 3, 8, 6), torch.rand(2, 3, 12, 10))
    assert shown[0] is shown[1]
    assert shown[0] is not shown[2]


def test_a_metric_of_the_prediction_alone_ignores_a_target_of_any_length() -> None:
    metric = Level()
    metric.update(levels(1, 3), levels(1))
    assert metric.compute() == 2
    assert metric.tally(metric.named(metric.sums)) == (2, 2, 0)


def test_an_average_that_there_is_not_is_named() -> None:
    with pytest.raises(InputError, match="average must be one of 'frame', 'clip', got 'track'"):
        Level(average="track")
