"""Torchmetrics' own metrics as members: they get the tensors as they came, by their own signatures."""

import warnings
from typing import Any

import pytest
import torch
from metrics.torchmetrics_members import RealOrNot, Recorder
from torch import Tensor
from torchmetrics import CatMetric, MeanMetric, MetricCollection, SumMetric
from torchmetrics.image import PeakSignalNoiseRatio as TorchmetricsPsnr, StructuralSimilarityIndexMeasure

from thm_torchmetrics import PeakSignalNoiseRatio, StructuralSimilarity, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError

GENERATOR = torch.Generator().manual_seed(0)
PREDS, TARGET = torch.rand(2, 3, 5, 3, 20, 24, generator=GENERATOR).unbind()
"""Three clips of five frames a side, float."""


class Watched(TorchmetricsPsnr):
    """Remembers what it was given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(data_range=1.0, **kwargs)
        self.given: list[tuple[Tensor, Tensor]] = []

    def update(self, preds: Tensor, target: Tensor) -> None:
        self.given.append((preds, target))
        super().update(preds, target)


@pytest.mark.parametrize("names", [False, True], ids=["by position", "by name"])
def test_they_get_the_very_tensors_and_ours_get_clips(names: bool) -> None:
    metrics = TalkingHeadMetrics({"theirs": Watched(), "ours": PeakSignalNoiseRatio(protocol="global-mse")})
    for index in range(3):
        pair = (PREDS[index], TARGET[index])
        metrics.update(**dict(zip(("preds", "target"), pair, strict=True))) if names else metrics.update(*pair)
        assert metrics["theirs"].given[-1][0] is pair[0]
        assert metrics["theirs"].given[-1][1] is pair[1]
    values = metrics.compute()
    alone = TorchmetricsPsnr(data_range=1.0)
    for index in range(3):
        alone.update(PREDS[index], TARGET[index])
    assert values["theirs"] == alone.compute()
    assert values["ours"].item() == pytest.approx(values["theirs"].item(), rel=1e-5)


def test_forward_gives_each_its_own_batch() -> None:
    metrics = TalkingHeadMetrics({"theirs": TorchmetricsPsnr(data_range=1.0), "ours": PeakSignalNoiseRatio()})
    theirs, ours = TorchmetricsPsnr(data_range=1.0), PeakSignalNoiseRatio()
    for index in range(3):
        batch = metrics(PREDS[index], TARGET[index])
        assert batch == {"theirs": theirs(PREDS[index], TARGET[index]), "ours": ours(PREDS[index], TARGET[index])}
    assert metrics.compute() == {"theirs": theirs.compute(), "ours": ours.compute()}


def test_arguments_that_ours_do_not_have_go_to_theirs() -> None:
    """As torchmetrics' FID: ``update(imgs, real=...)``, beside a mean of a loss."""
    metrics = TalkingHeadMetrics({"sides": RealOrNot(), "loss": MeanMetric(), "psnr": PeakSignalNoiseRatio()})
    metrics.update(preds=PREDS, target=TARGET, imgs=PREDS[0], real=True, value=0.5)
    metrics.update(preds=PREDS, target=TARGET, imgs=TARGET[0], real=False, value=1.5)
    values = metrics.compute()
    assert values["sides"].item() == pytest.approx((PREDS[0].double().sum() - TARGET[0].double().sum()).item())
    assert values["loss"] == 1.0
    assert metrics["sides"].types == [Tensor, Tensor]
    assert metrics["psnr"].update_count == 2


def test_an_argument_that_no_member_has_is_named() -> None:
    metrics = TalkingHeadMetrics({"sides": RealOrNot(), "psnr": PeakSignalNoiseRatio()})
    with pytest.raises(InputError, match="no metric of this collection takes `value`"):
        metrics.update(preds=PREDS, target=TARGET, imgs=PREDS[0], real=True, value=1)
    assert not metrics["sides"].types


def test_a_collection_of_theirs_alone_is_as_torchmetrics_own() -> None:
    def made() -> dict[str, Any]:
        return {"all": CatMetric(), "sum": SumMetric(), "mean": MeanMetric()}

    ours, theirs = TalkingHeadMetrics(made()), MetricCollection(made())
    for row in (torch.tensor([1.0, 2.0]), torch.tensor([5.0])):
        ours.update(row)
        theirs.update(row)
    for name, value in theirs.compute().items():
        assert torch.equal(ours.compute()[name], value)
    ours.reset()
    assert ours["sum"].compute_on_cpu is False
    assert ours["sum"].update_count == 0


def test_their_states_are_never_shared_by_us() -> None:
    """Equal at first, and different later: torchmetrics itself would merge them after the first batch."""
    metrics = TalkingHeadMetrics({"one": Watched(), "other": TorchmetricsPsnr(data_range=2.0)})
    assert sorted(metrics.compute_groups.values()) == [["one"], ["other"]]
    metrics.update(PREDS[0], TARGET[0])
    metrics.update(PREDS[1], TARGET[1])
    assert sorted(metrics.compute_groups.values()) == [["one"], ["other"]]
    one, other = metrics.compute().values()
    assert other.item() - one.item() == pytest.approx(20 * torch.tensor(2.0).log10().item(), rel=1e-4)


def test_what_they_keep_in_lists_is_theirs() -> None:
    metrics = TalkingHeadMetrics({"seen": Recorder(), "psnr": PeakSignalNoiseRatio(), "ssim": StructuralSimilarity()})
    for index in range(3):
        metrics.update(preds=PREDS[index], target=TARGET[index])
    assert metrics.compute()["seen"].item() == pytest.approx((PREDS.double().sum() + TARGET.double().sum()).item())
    assert len(metrics["seen"].seen) == 3


OPTIONS: dict[str, Any] = {
    "sync_on_compute": False, "compute_on_cpu": True, "dist_sync_on_step": True, "process_group": "a group",
    "compute_with_cache": False,
}  # fmt: skip


@pytest.mark.parametrize("option", OPTIONS)
def test_torchmetrics_options_go_with_keys(option: str) -> None:
    metrics = TalkingHeadMetrics(["psnr", "ssim"], **{option: OPTIONS[option]})
    attribute = {"compute_with_cache": "compute_with_cache"}.get(option, option)
    assert {getattr(member, attribute) for member in metrics.members().values()} == {OPTIONS[option]}
    one = TalkingHeadMetrics(["psnr", "ssim"], **{option: {"psnr": OPTIONS[option]}})
    defaults = getattr(StructuralSimilarity(), attribute)
    assert [getattr(member, attribute) for member in one.members().values()] == [OPTIONS[option], defaults]


def test_metrics_that_sync_in_different_ways_share_no_state() -> None:
    metrics = TalkingHeadMetrics(
        {"here": PeakSignalNoiseRatio(sync_on_compute=False), "everywhere": PeakSignalNoiseRatio()}
    )
    assert len(metrics.compute_groups) == 2


def test_compute_on_cpu_keeps_the_value() -> None:
    metrics, plain = TalkingHeadMetrics(["psnr"], compute_on_cpu=True), PeakSignalNoiseRatio()
    for index in range(2):
        metrics.update(PREDS[index], TARGET[index])
        plain.update(PREDS[index], TARGET[index])
    assert metrics.compute()["psnr"] == plain.compute()


def test_syncing_at_every_step_gives_the_batch_over_all_processes() -> None:
    twice = {"dist_sync_fn": lambda x, group: [x, x], "distributed_available_fn": lambda: True}
    metric = PeakSignalNoiseRatio(dist_sync_on_step=True, **twice)
    plain = PeakSignalNoiseRatio()
    assert metric(PREDS[0], TARGET[0]) == plain(PREDS[0], TARGET[0])
    assert metric.named(metric.sums).scored == 5  # synced for the batch alone


def test_torchmetrics_ssim_and_ours_agree_side_by_side() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = StructuralSimilarityIndexMeasure(data_range=1.0)
    metrics = TalkingHeadMetrics({"ours": StructuralSimilarity(protocol="torchmetrics"), "theirs": theirs})
    for index in range(3):
        metrics.update(PREDS[index], TARGET[index])
    ours, other = (value.item() for value in metrics.compute().values())
    assert ours == pytest.approx(other, abs=1e-5)
