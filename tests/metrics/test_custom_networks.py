"""Networks of a user's own: two of one class keep their own values, wherever their metrics stand."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection

from thm_torchmetrics import (
    Clip,
    EmotionSimilarityDistance,
    FrechetInceptionDistance,
    IdentitySimilarity,
    LearnedPerceptualSimilarity,
    LipSyncDistance,
    TalkingHeadMetrics,
)
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:FID of")

GENERATOR = torch.Generator().manual_seed(0)
FRAMES = torch.randint(0, 256, (2, 12, 3, 16, 16), dtype=torch.uint8, generator=GENERATOR)
SOUND = torch.randn(12 * 640, generator=GENERATOR).clamp(-1, 1)


class Embedding(nn.Module):
    """Four numbers of a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 4)

    def forward(self, frames: Tensor) -> Tensor:
        rows: Tensor = self.mix(frames[:, :, ::5, ::5].flatten(2).mean(dim=2) + frames[:, :, 0, 0])
        return rows


class Distance(nn.Module):
    """A weighted mean difference."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.rand(3))

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        return ((preds - target).abs().mean(dim=(2, 3)) * self.weights).sum(dim=1)


class Sync(nn.Module):
    """Six numbers of a window of lips or of sound."""

    def __init__(self) -> None:
        super().__init__()
        self.lip, self.audio = nn.Linear(15, 6), nn.Linear(15, 6)

    def forward_lip(self, windows: Tensor) -> Tensor:
        rows: Tensor = self.lip(windows[..., ::56, ::56].mean(dim=(3, 4)).flatten(1) / 255)
        return rows

    def forward_audio(self, windows: Tensor) -> Tensor:
        rows: Tensor = self.audio(windows.flatten(1)[:, :15])
        return rows


Make = Callable[[nn.Module], TalkingHeadMetric]
METRICS: dict[str, tuple[type[nn.Module], Make]] = {
    "csim": (Embedding, lambda module: IdentitySimilarity(extractor=module)),
    "esd": (Embedding, lambda module: EmotionSimilarityDistance(extractor=module)),
    "fid": (Embedding, lambda module: FrechetInceptionDistance(extractor=module, num_features=4)),
    "lpips": (Distance, lambda module: LearnedPerceptualSimilarity(extractor=module)),
    "lse-d": (Sync, lambda module: LipSyncDistance(extractor=module, protocol="wav2lip-lrs")),
}


def seeded(cls: type[nn.Module], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return cls()


def drift(module: nn.Module) -> None:
    """What training does to a network."""
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.add_(torch.linspace(0.2, 1.1, parameter.numel()).view_as(parameter) * (1 + index))


def inputs(key: str) -> dict[str, Any]:
    return {"preds": FRAMES[0], "target": FRAMES[1]} | ({"audio": SOUND} if key == "lse-d" else {})


def value(metric: TalkingHeadMetric, key: str) -> float:
    metric.update(**inputs(key))
    return metric.compute().item()


@pytest.fixture(params=METRICS)
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[TalkingHeadMetrics, MetricCollection])
def collection(request: pytest.FixtureRequest) -> type[MetricCollection]:
    kind: type[MetricCollection] = request.param
    return kind


def together(
    collection: type[MetricCollection], key: str, metrics: dict[str, TalkingHeadMetric], updates: int = 1
) -> dict[str, float]:
    made = collection(dict(metrics))
    for _ in range(updates):
        made.update(**inputs(key))
    return {name: value.item() for name, value in made.compute().items()}


@pytest.mark.parametrize("updates", [1, 2])
def test_two_networks_of_one_class_keep_their_own_values(
    collection: type[MetricCollection], key: str, updates: int
) -> None:
    """The state was named by the layers of a network, not by its weights: both had the value of the first."""
    cls, make = METRICS[key]
    modules = {"one": seeded(cls, 1), "other": seeded(cls, 2)}
    alone = {name: value(make(module), key) for name, module in modules.items()}
    assert alone["one"] != pytest.approx(alone["other"], rel=1e-4)
    members = {name: make(module) for name, module in modules.items()}
    found = together(collection, key, members, updates)
    if key != "fid" or updates == 1:  # twice the frames have another unbiased covariance
        assert found == pytest.approx(alone, rel=1e-9)
    assert found["one"] != pytest.approx(found["other"], rel=1e-4)


def drifting(update: Callable[..., None], key: str, module: nn.Module) -> None:
    """Update twice, and train the module in between."""
    update(**inputs(key))
    drift(module)
    update(**inputs(key))


def test_networks_equal_at_first_and_trained_apart_keep_their_own_values(
    collection: type[MetricCollection], key: str
) -> None:
    """A running average of a network starts as its copy: equal weights, and an equal first batch, do not make one."""
    cls, make = METRICS[key]
    module = seeded(cls, 1)
    average = copy.deepcopy(module)
    alone = {"net": make(copy.deepcopy(module)), "average": make(copy.deepcopy(average))}
    for _ in range(2):
        alone["net"].update(**inputs(key))
    drifting(alone["average"].update, key, alone["average"].extractor.module)
    made = collection({"net": make(module), "average": make(average)})
    drifting(made.update, key, average)
    found = {name: each.item() for name, each in made.compute().items()}
    assert found == pytest.approx({name: metric.compute().item() for name, metric in alone.items()}, rel=1e-9)
    assert found["net"] != pytest.approx(found["average"], rel=1e-4)


@pytest.mark.parametrize("way", ["deepcopy", "clone"])
def test_copies_of_a_metric_whose_networks_are_trained_apart_keep_their_own_values(
    collection: type[MetricCollection], key: str, way: str
) -> None:
    cls, make = METRICS[key]
    metric = make(seeded(cls, 1))
    copied = copy.deepcopy(metric) if way == "deepcopy" else metric.clone()
    assert copied.extractor.module is not metric.extractor.module
    made = collection({"net": metric, "average": copied})
    drifting(made.update, key, copied.extractor.module)
    net, average = (each.item() for each in made.compute().values())
    assert net != pytest.approx(average, rel=1e-4)


def test_metrics_of_one_network_share_one_state(key: str) -> None:
    cls, make = METRICS[key]
    module = seeded(cls, 1)
    metrics = TalkingHeadMetrics({"one": make(module), "again": make(module)})
    assert list(metrics.compute_groups.values()) == [["one", "again"]]
    metrics.update(**inputs(key))
    assert metrics.members()["one"].sums is metrics.members()["again"].sums


def test_two_networks_keep_their_own_values_in_one_pass_over_a_clip(key: str) -> None:
    cls, make = METRICS[key]
    modules = {"one": seeded(cls, 1), "other": seeded(cls, 2)}
    metrics = TalkingHeadMetrics({name: make(module) for name, module in modules.items()})
    metrics.add_clip(list(modules), Clip(FRAMES[0], audio=SOUND), Clip(FRAMES[1]))
    alone = {name: value(make(module), key) for name, module in modules.items()}
    assert {name: each.item() for name, each in metrics.compute().items()} == pytest.approx(alone, rel=1e-9)


def test_a_collection_s_copy_keeps_its_two_networks_apart(key: str) -> None:
    cls, make = METRICS[key]
    metrics = TalkingHeadMetrics({name: make(seeded(cls, seed)) for seed, name in enumerate(("one", "other"))})
    alone = together(TalkingHeadMetrics, key, {name: make(seeded(cls, i)) for i, name in enumerate(("one", "other"))})
    copied = metrics.clone(prefix="copy/")
    copied.update(**inputs(key))
    assert {name: each.item() for name, each in copied.compute().items()} == pytest.approx(
        {f"copy/{name}": each for name, each in alone.items()}, rel=1e-9
    )


@pytest.mark.parametrize("wrong", [255.0, -0.1, torch.nan])
def test_float_frames_out_of_range_are_an_error_before_the_network_sees_them(key: str, wrong: float) -> None:
    """They were taken as they came: only the metrics without a network looked at values."""
    cls, make = METRICS[key]
    metric = make(seeded(cls, 1))
    given = inputs(key) | {"preds": FRAMES[0] / 255, "target": FRAMES[1] / 255}
    given["preds"][3, 0, 1, 2] = wrong
    with pytest.raises(InputError, match=r"0\.\.1"):
        metric.update(**given)
    assert not metric.sums.any()


def test_float_frames_beyond_the_range_by_rounding_are_clamped(key: str) -> None:
    cls, make = METRICS[key]
    module = seeded(cls, 1)
    near = [FRAMES[i] / 255 for i in range(2)]
    for frames in near:
        frames[0, 0, 0, 0], frames[1, 1, 1, 1] = -5e-5, 1 + 5e-5
    clamped = [frames.clamp(0, 1) for frames in near]
    values = []
    for preds, target in (near, clamped):
        metric = make(module)
        metric.update(**(inputs(key) | {"preds": preds, "target": target}))
        values.append(metric.compute())
    assert values[0] == values[1]
