"""Where a talking-head metric differs from torchmetrics' own, beside torchmetrics' own where they agree."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import CatMetric, MaxMetric, MeanMetric, MetricCollection, MinMaxMetric, SpearmanCorrCoef

from thm_torchmetrics import FrameMean, PeakSignalNoiseRatio, StructuralSimilarity
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.torchmetrics_overrides import all_or_none
from thm_torchmetrics.errors import InputError, MismatchError


class Level(FrameMean):
    """The red level; a frame of level 255 is an error."""

    inputs = ("preds",)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        levels = preds.rows[:, 0, 0, 0].double()
        if (levels == 255).any():
            raise ZeroDivisionError("level 255")
        return levels


def levels(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)


def bookkeeping(metric: Any) -> dict[str, Any]:
    names = ("_update_count", "_computed", "_cache", "_is_synced", "_to_sync", "_should_unsync", "_enable_grad")
    return {name: getattr(metric, name) for name in names} | {"sums": metric.sums.tolist()}


@pytest.mark.parametrize("call", ["update", "forward"])
def test_a_list_of_clips_of_which_the_last_is_bad_leaves_the_metric_as_it_was(call: str) -> None:
    metric = Level()
    metric.update(levels(1, 2))
    metric.compute()
    before = bookkeeping(metric)
    with pytest.raises(ZeroDivisionError):
        getattr(metric, call)([levels(7), levels(9), levels(3, 255)])
    assert bookkeeping(metric) == before
    assert metric.compute() == 1.5
    metric.update(levels(6))
    assert metric.compute() == 3
    assert metric.update_count == 2


@pytest.mark.parametrize("call", ["update", "forward"])
def test_pairs_of_which_the_last_is_bad_leave_no_trace(call: str) -> None:
    metric = PeakSignalNoiseRatio()
    good, bad = torch.zeros(4, 3, 8, 8), torch.zeros(5, 3, 8, 8)
    with pytest.raises(MismatchError):
        getattr(metric, call)([good, good, bad], [good, good, good])
    assert not metric.sums.any()
    assert not metric.update_called
    assert metric._update_count == 0


def test_forward_is_the_batch_and_counts_one_update() -> None:
    ours, theirs = Level(), MeanMetric()
    for values in ((1.0, 2.0), (6.0,)):
        batch = ours(levels(*map(int, values)))
        assert batch == theirs(torch.tensor(values))
        assert not batch.requires_grad
    assert (ours.compute(), ours.update_count) == (theirs.compute(), theirs.update_count) == (3, 2)


def test_an_empty_metric_computes_nan_with_its_own_warning_alone() -> None:
    metric = Level()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert metric.compute().isnan()
    assert [str(warning.message) for warning in caught] == ["Level is NaN: nothing was added to it"]
    assert metric.update_count == 0


def test_merging_adds_sums_and_counts_and_takes_a_dict_too() -> None:
    one, other = Level(), Level()
    one.update(levels(1))
    other.update(levels(2))
    other.update(levels(6))
    one.compute()
    one.merge_state(other)
    assert (one.compute(), one.update_count) == (3, 3)
    one.merge_state({"any name": other.sums})
    assert (one.compute(), one.update_count) == ((1 + 2 + 6 + 2 + 6) / 5, 4)
    assert other.compute() == 4


def test_what_cannot_be_merged_is_named() -> None:
    with pytest.raises(InputError, match="Level cannot merge the state of a MeanMetric"):
        Level().merge_state(MeanMetric())
    with pytest.raises(InputError, match=r"a state of 5 sums and got one of \(3,\)"):
        Level().merge_state({"x": torch.zeros(3)})
    with pytest.raises(InputError, match="StructuralSimilarity cannot merge"):
        StructuralSimilarity().merge_state(PeakSignalNoiseRatio())


@pytest.mark.parametrize("cast", [torch.float16, torch.bfloat16, torch.float32])
def test_a_cast_of_the_parent_leaves_the_sums_alone_and_set_dtype_too(cast: torch.dtype) -> None:
    metric = Level()
    metric.update(levels(1, 2))
    torch.nn.ModuleList([metric]).to(cast)
    assert metric.sums.dtype == torch.float64
    assert metric.compute() == 1.5
    metric.reset()
    assert metric.sums.dtype == torch.float64


def test_a_move_takes_the_sums_along() -> None:
    metric = Level()
    metric.update(levels(1))
    metric.to("meta")
    assert metric.sums.device.type == metric.device.type == "meta"


def test_update_while_synced_is_refused_and_leaves_no_trace() -> None:
    metric = Level()
    metric.update(levels(1))
    metric.sync(dist_sync_fn=lambda x, group: [x, x], distributed_available=lambda: True)
    before = bookkeeping(metric)
    with pytest.raises(Exception, match="sync"):
        metric.update(levels(2))
    assert bookkeeping(metric) == before
    metric.unsync()
    metric.update(levels(2))
    assert metric.compute() == 1.5


def test_a_sync_between_processes_adds_up_and_is_undone() -> None:
    metric = Level(
        dist_sync_fn=lambda x, group: [x, 2 * x], distributed_available_fn=lambda: True, sync_on_compute=True
    )
    metric.update(levels(3, 5))
    assert metric.compute() == 4
    assert metric.named(metric.sums).scored == 2
    assert metric.coverage == 1


@pytest.mark.filterwarnings("ignore:Metric `SpearmanCorrcoef` will save")
class TestAllOrNone:
    """Torchmetrics' own metrics of every kind of state."""

    @staticmethod
    def made() -> dict[str, Any]:
        return {
            "mean": MeanMetric(),
            "max": MaxMetric(),
            "cat": CatMetric(),
            "rank": SpearmanCorrCoef(),
            "wrapped": MinMaxMetric(MeanMetric()),
            "nested": MetricCollection({"mean": MeanMetric(), "cat": CatMetric()}),
            "ours": Level(),
        }

    @staticmethod
    def fill(metrics: dict[str, Any], *values: float) -> None:
        row = torch.tensor(values)
        for name, metric in metrics.items():
            if name == "ours":
                metric.update(levels(*map(int, values)))
            elif name == "rank":
                metric.update(row, row.flip(0))
            else:
                metric.update(row)

    @staticmethod
    def values(metrics: dict[str, Any]) -> dict[str, Any]:
        return {
            name: {key: each.tolist() for key, each in value.items()} if isinstance(value, dict) else value.tolist()
            for name, value in ((name, metric.compute()) for name, metric in metrics.items())
        }

    def test_a_block_that_raises_changes_none(self) -> None:
        metrics, reference = self.made(), self.made()
        for each in (metrics, reference):
            self.fill(each, 1.0, 4.0, 2.0)
        with pytest.raises(ZeroDivisionError), all_or_none(metrics.values()):  # noqa: PT012
            self.fill(metrics, 9.0, 8.0, 7.0)
            raise ZeroDivisionError
        for each in (metrics, reference):
            self.fill(each, 3.0, 5.0, 7.0)
        assert self.values(metrics) == self.values(reference)

    def test_a_block_that_ends_well_changes_all(self) -> None:
        metrics, reference = self.made(), self.made()
        with all_or_none(metrics.values()):
            self.fill(metrics, 1.0, 4.0, 2.0)
        self.fill(reference, 1.0, 4.0, 2.0)
        assert self.values(metrics) == self.values(reference)
