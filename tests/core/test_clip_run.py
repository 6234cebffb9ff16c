"""A run: one clip through one metric, which does not know of it before it is finished."""

import pytest
import torch
from torch import Tensor

from thm_torchmetrics import Clip, FrameMean, IdentitySimilarity, PeakSignalNoiseRatio
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import MismatchError, MissingFaceError


class Level(FrameMean):
    """The red level of a frame; NaN where it is 255."""

    inputs = ("preds",)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        levels = preds.rows[:, 0, 0, 0].double()
        return levels.masked_fill(levels == 255, torch.nan)


class Difference(Level):
    inputs = ("preds", "target")

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return preds.rows[:, 0, 0, 0].double() - target.rows[:, 0, 0, 0].double()


def levels(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def test_a_run_adds_up_its_clip_and_leaves_the_metric_alone() -> None:
    metric = Level()
    run = metric.start()
    for part in (levels(1, 2), levels(255), levels(9)):
        run.add(Chunk(part))
    sums = run.finish()
    assert (sums.total, sums.weight, sums.scored, sums.aligned, sums.left_out) == (12, 3, 3, 4, 0)
    assert run.lengths == [4, 0]
    assert not metric.sums.any()
    assert not metric.update_called
    metric.add(sums)
    assert metric.compute() == 4
    assert metric.coverage == 0.75


def test_several_runs_of_one_metric_go_side_by_side() -> None:
    metric = Level()
    runs = [metric.start() for _ in range(3)]
    for step in range(3):
        for index, run in enumerate(runs):
            run.add(Chunk(levels(10 * index + step)))
    for run in reversed(runs):
        metric.add(run.finish())
    assert metric.compute() == 11


def test_a_run_that_is_dropped_leaves_no_trace() -> None:
    metric = Level()
    metric.start().add(Chunk(levels(200, 200)))
    metric.add(_finished(metric, levels(3)))
    assert metric.compute() == 3


def _finished(metric: Level, frames: Tensor) -> object:
    run = metric.start()
    run.add(Chunk(frames))
    return run.finish()


def test_lengths_that_are_known_are_compared_before_anything_is_read() -> None:
    with pytest.raises(MismatchError, match="3 frames and the target 2"):
        Difference().start(Clip(levels(1, 2, 3)), Clip(levels(1, 2)))
    Level().start(Clip(levels(1, 2, 3)), Clip(levels(1, 2)))  # it does not read the target


def test_lengths_that_turn_out_to_differ_are_an_error_at_the_end_or_left_out() -> None:
    strict, cut = Difference().start(), Difference(align="truncate").start()
    for run in (strict, cut):
        run.add(Chunk(levels(5, 7)), Chunk(levels(1, 1)))
        run.add(Chunk(levels(9, 9)), Chunk(levels(1)))
        run.add(Chunk(levels(9)), None)
    with pytest.raises(MismatchError, match="5 frames and the target 3"):
        strict.finish()
    sums = cut.finish()
    assert (sums.total, sums.scored, sums.aligned, sums.left_out) == (4 + 6 + 8, 3, 3, 2)


def test_a_frame_that_is_missing_is_an_error_if_asked_for() -> None:
    run = Level(missing="error").start()
    run.add(Chunk(levels(1, 255, 255)))
    with pytest.raises(MissingFaceError, match="Level: 2 of 3 could not be scored"):
        run.finish()


def test_a_run_builds_no_graph_and_stays_in_float64() -> None:
    target = torch.rand(4, 3, 8, 8)
    preds = target.clone().requires_grad_()
    run = PeakSignalNoiseRatio().start()
    with torch.autocast("cpu", torch.bfloat16):
        run.add(Chunk(preds), Chunk(target))
        sums = run.finish()
    assert not sums.vector.requires_grad
    assert sums.vector.dtype == torch.float64


def test_a_run_waits_for_its_reference_and_its_metric_has_none() -> None:
    metric = IdentitySimilarity(extractor=None, reference="target-first")
    nothing, face = torch.full((2, 4), torch.nan), torch.eye(4)[:2]
    run, other = metric.start(), metric.start()
    run.add(Chunk(face), Chunk(nothing))
    other.add(Chunk(face), Chunk(face))
    assert run.sums.scored == 0
    run.add(Chunk(face), Chunk(face.flip(0)))
    assert (run.finish().total, run.sums.scored, other.finish().total) == (2, 4, 1)
