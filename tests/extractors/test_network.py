"""The pool: one network per checkpoint and device, invisible to whoever uses it."""

import copy
import pickle
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.core.one_pass import stream
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import choose, network as pool, release


class Mean(nn.Module):
    """A network that counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1))
        self.passes: list[int] = []
        self.limit = 1000

    def forward(self, frames: Tensor) -> Tensor:
        if len(frames) > self.limit:
            raise torch.OutOfMemoryError("too many")
        self.passes.append(len(frames))
        return frames.mean(dim=(2, 3)) * self.gain


@dataclass(frozen=True)
class MeanHandle(pool.FrozenNetwork):
    """A handle whose checkpoint is a number."""

    def build(self) -> nn.Module:
        return Mean()

    def fill(self, network: nn.Module) -> None:
        network.load_state_dict({"gain": torch.tensor([float(self.sha256)])})

    def extract(self, chunk: Chunk) -> Tensor:
        return self.in_batches(self.network(chunk.rows.device), chunk.as_float())


class Distance(FrameMean):
    """Mean difference of two features."""

    def __init__(self, handle: object, power: int = 1, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.extractor = choose(handle, {}) if isinstance(handle, nn.Module) else handle
        self.power = power
        self._allocate(1, "distance", power=power)

    def _per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (self._features(preds) - self._features(target)).abs().pow(self.power).mean(dim=1)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


def handle(gain: str = "1", batch_size: int = 32) -> MeanHandle:
    return MeanHandle("mean", None, gain, batch_size)


def videos(frames: int = 70) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    preds, target = torch.randint(0, 256, (2, frames, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return preds, target


def network(of: MeanHandle) -> Mean:
    made = of.network(torch.device("cpu"))
    assert isinstance(made, Mean)
    return made


def test_several_metrics_share_each_pass() -> None:
    members = {f"p{power}": Distance(handle(), power) for power in (1, 2, 3)}
    preds, target = videos()
    stream(members, Clip(preds), Clip(target))
    assert sum(network(handle()).passes) == 140  # 70 frames a side, whoever asked
    means = [side.double().div(255).mean(dim=(2, 3)) for side in (preds, target)]
    for power in (1, 2, 3):
        expected = (means[0] - means[1]).abs().pow(power).mean()
        assert members[f"p{power}"].compute().item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_clip_keeps_its_features_for_the_next_metric() -> None:
    preds, target = (Clip(side) for side in videos())
    for power in (1, 2):
        Distance(handle(), power).update(preds, target)
    assert sum(network(handle()).passes) == 140


def test_handles_and_devices_keep_their_own_networks() -> None:
    assert handle("1").network(torch.device("cpu")) is handle("1", 4).network(torch.device("cpu"))
    assert handle("1").network(torch.device("cpu")) is not handle("2").network(torch.device("cpu"))
    assert handle("1").network(torch.device("cpu")) is not handle("1").network(torch.device("meta"))


def test_networks_are_frozen_and_in_float32() -> None:
    parent = nn.ModuleList([Distance(handle())])
    made = network(handle())
    parent.train()
    parent.to(torch.bfloat16)
    assert not made.training
    assert [p.requires_grad for p in made.parameters()] == [False]
    assert made.gain.dtype == torch.float32


def test_copies_carry_no_network() -> None:
    metric = Distance(handle())
    metric.update(*videos())
    for copied in (copy.deepcopy(metric), metric.clone(), pickle.loads(pickle.dumps(metric))):  # noqa: S301
        assert list(copied.parameters()) == []
        assert copied.extractor.network(torch.device("cpu")) is network(handle())
    assert len(pickle.dumps(metric)) < 5000


def test_batches_halve_when_memory_runs_out_and_stay_halved() -> None:
    network(handle()).limit = 10
    metric = Distance(handle())
    metric.update(*videos())
    assert max(network(handle()).passes) == 8
    first = len(network(handle()).passes)
    metric.update(*videos())
    assert len(network(handle()).passes) == 2 * first
    expected = Distance(handle("1"))
    network(handle()).limit = 1000
    expected.update(*videos())
    assert metric.compute().item() == pytest.approx(expected.compute().item(), rel=1e-6)


def test_a_frame_that_does_not_fit_is_an_error() -> None:
    network(handle()).limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        Distance(handle()).update(*videos())


def test_release_frees_the_networks() -> None:
    made = network(handle())
    release()
    assert network(handle()) is not made


def test_an_own_module_is_used_as_it_is_and_stays_out_of_the_checkpoint() -> None:
    module = Mean().requires_grad_(False)
    module.gain.fill_(2.0)
    metric, reference = Distance(module), Distance(handle("2"))
    for each in (metric, reference):
        each.update(*videos())
    assert metric.compute() == reference.compute()
    assert module.training
    assert nn.ModuleList([metric]).state_dict() == {}


def test_unknown_names_are_rejected() -> None:
    with pytest.raises(InputError, match="'inception', a torch module or None, got 'inceptoin'"):
        choose("inceptoin", {"inception": handle})
