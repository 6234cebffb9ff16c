"""The real side of set metrics: measured alone, kept between epochs, saved to a file."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from metrics.cases import CASES, Case
from metrics.cases.case import ClipInputs
from metrics.pixel_metrics import ClipMeans
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torchmetrics import MetricCollection

from thm_torchmetrics import (
    ExpressionFrechetDistance,
    FrechetInceptionDistance,
    FrechetVideoDistance,
    TalkingHeadMetrics,
)
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.errors import InputError

SETS = {name: case for name, case in CASES.items() if isinstance(case.make(), SetDistance)}


@pytest.fixture(params=SETS.values(), ids=SETS.keys())
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


def epoch(case: Case, number: int) -> list[ClipInputs]:
    """The clips of one epoch: other predictions of the same real clips."""
    return [{**clip, "preds": clip["preds"] * (1 + 0.1 * number)} for clip in case.clips]


def value(case: Case, clips: list[ClipInputs]) -> float:
    return case.reference(clips)


def test_one_side_at_a_time_is_both_at_once(case: Case) -> None:
    metric = case.make()
    for clip in case.clips:
        metric.update([], clip["target"])
    metric.update([clip["preds"] for clip in case.clips], [])
    assert metric.compute().item() == pytest.approx(value(case, case.clips), rel=max(case.tolerance, 1e-9))


def test_the_real_side_is_kept_between_epochs(case: Case) -> None:
    metric = case.make(reset_target=False)
    for clip in case.clips:
        metric.update([], clip["target"])
    for number in range(3):
        for clip in epoch(case, number):
            metric.update(clip["preds"], [])
        found = metric.compute().item()
        assert found == pytest.approx(value(case, epoch(case, number)), rel=max(case.tolerance, 1e-7), abs=1e-9)
        assert metric.coverage == case_coverage(case)
        metric.reset()


def case_coverage(case: Case) -> float:
    metric = case.make()
    for clip in case.clips:
        metric.update(**clip)
    metric.compute()
    return metric.coverage


def test_the_value_of_a_batch_does_not_count_the_kept_side_twice(case: Case) -> None:
    metric, plain = case.make(reset_target=False), case.make()
    for clip in case.clips:
        assert metric(**clip).item() == pytest.approx(plain(**clip).item(), rel=1e-9, abs=1e-12)
    assert metric.compute().item() == pytest.approx(plain.compute().item(), rel=1e-9)
    metric.reset()
    metric.update([clip["preds"] for clip in case.clips], [])
    assert metric.compute().item() == pytest.approx(plain.compute().item(), rel=1e-9)


def test_saved_statistics_take_the_place_of_the_real_side(case: Case, tmp_path: Path) -> None:
    first = case.make()
    for clip in case.clips:
        first.update(**clip)
    first.save_target(tmp_path / "stats.safetensors", "these clips")
    metric = case.make(target=tmp_path / "stats.safetensors")
    assert metric.inputs == ("preds",)
    parts = [case.make(target=tmp_path / "stats.safetensors") for _ in range(2)]
    for i, clip in enumerate(case.clips):
        metric.update(clip["preds"])
        parts[i % 2].update(clip["preds"])
    assert metric.compute().item() == pytest.approx(first.compute().item(), rel=1e-9)
    assert metric.detail()["target_data"] == "these clips"
    parts[0].merge_state(parts[1])  # as two processes add up: the saved side counts once
    assert parts[0].compute().item() == pytest.approx(first.compute().item(), rel=1e-9)
    assert metric.clone().compute().item() == pytest.approx(first.compute().item(), rel=1e-9)


def test_the_file_says_what_it_stands_for(tmp_path: Path) -> None:
    metric = FrechetInceptionDistance(extractor=None, num_features=2)
    metric.update([], torch.rand(9, 2))
    metric.save_target(tmp_path / "a.safetensors", "nine")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
    assert facts.pop("version")
    assert facts.pop("options")["num_features"] == 2
    assert facts == {
        "metric": "fid", "protocol": "pytorch-fid", "extractor": "", "weights": {}, "data": "nine", "frames": 9,
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


class Shifted(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(by))

    def forward(self, frames: Tensor) -> Tensor:
        return frames.mean(dim=(2, 3)) + self.by


def test_statistics_of_other_settings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "stats.safetensors"
    metric = FrechetInceptionDistance(extractor=Shifted(1.0), num_features=3)
    metric.update([], torch.rand(9, 3, 8, 8))
    metric.save_target(path)
    FrechetInceptionDistance(extractor=Shifted(1.0), num_features=3, target=path)
    fid, shifted = FrechetInceptionDistance, Shifted(1.0)
    others: list[tuple[type[SetDistance], dict[str, Any], str]] = [
        (fid, {"extractor": Shifted(2.0)}, "are of the weights module .*and the metric has module "),
        (fid, {"extractor": shifted, "protocol": "torch-fidelity"}, "of the protocol 'pytorch-fid'"),
        (fid, {"extractor": None}, "of the network 'Shifted'"),
        (FrechetVideoDistance, {"extractor": ClipMeans()}, "of the metric 'fid', and the metric has 'fvd'"),
        (ExpressionFrechetDistance, {"protocol": "features"}, "of the metric 'fid'"),
    ]
    for cls, options, message in others:
        with pytest.raises(InputError, match=message):
            cls(num_features=3, target=path, **options)
    with pytest.raises(InputError, match=r"of the options .*num_features 3.*num_features 4"):
        FrechetInceptionDistance(extractor=shifted, num_features=4, target=path)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    save_file({"target": torch.zeros(3, 3)}, tmp_path / "plain.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name in ("plain", "text", "absent"):
        with pytest.raises(InputError, match=rf"{name}\.safetensors holds no saved statistics: "):
            FrechetInceptionDistance(extractor=None, num_features=2, target=tmp_path / f"{name}.safetensors")
    metric = FrechetInceptionDistance(extractor=None, num_features=2)
    with pytest.raises(InputError, match="cannot be written"):
        metric.save_target(tmp_path / "absent" / "stats.safetensors")


def test_a_collection_keeps_the_real_side_of_every_member() -> None:
    rows = torch.randn(3, 300, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for make in (TalkingHeadMetrics, MetricCollection):
        members = {
            protocol: FrechetVideoDistance(
                protocol=protocol, extractor=None, num_features=4, frames=None, reset_target=False
            )
            for protocol in ("videogpt", "fastvideo")
        }
        metrics = make(dict(members))
        metrics.update([], rows[0])
        found = []
        for side in rows[1:]:
            metrics.update(side, [])
            found.append({name: float(each) for name, each in metrics.compute().items()})
            metrics.reset()
        for name, side in ((name, i) for name in members for i in (0, 1)):
            alone = FrechetVideoDistance(protocol=name, extractor=None, num_features=4)
            assert found[side][name] == pytest.approx(alone(rows[1 + side], rows[0]).item(), rel=1e-9)
