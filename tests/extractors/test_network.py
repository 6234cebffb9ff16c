"""The pool: one network per checkpoint and device, invisible to whoever uses it."""

import copy
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from parity.seeded import seeded_state
from torch import Tensor, nn

from thm_torchmetrics import FrameMean
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import FaceNetwork, FrozenNetwork, make_extractor, network as pool, release
from thm_torchmetrics.extractors.identity import ArcFace
from thm_torchmetrics.weights import Checkpoint


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
class MeanNetwork(FrozenNetwork):
    """A network whose checkpoint is a number."""

    def build(self) -> nn.Module:
        return Mean()

    def load_weights(self, network: nn.Module) -> None:
        network.load_state_dict({"gain": torch.tensor([float(self.checkpoint.sha256)])})

    def extract(self, chunk: Chunk) -> Tensor:
        return self.in_batches(self.network(chunk.rows.device), chunk.as_float())


@dataclass(frozen=True)
class TwiceMeanNetwork(MeanNetwork):
    """Another architecture on the same checkpoint."""

    def build(self) -> nn.Module:
        return nn.Sequential(Mean())

    def load_weights(self, network: nn.Module) -> None:
        network.load_state_dict({"0.gain": torch.tensor([2 * float(self.checkpoint.sha256)])})


class Distance(FrameMean):
    """Mean difference of two features."""

    def __init__(self, network: Any, power: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extractor = make_extractor("mean", network) if isinstance(network, nn.Module) else network
        self.power = power

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        return (self.features(preds) - self.features(target)).abs().pow(self.power).mean(dim=1)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


CPU = torch.device("cpu")


def mean(gain: str = "1", batch_size: int = 32) -> MeanNetwork:
    return MeanNetwork(Checkpoint("mean", None, gain), batch_size)


def videos(frames: int = 70) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    preds, target = torch.randint(0, 256, (2, frames, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return preds, target


def network(of: MeanNetwork) -> Mean:
    made = of.network(CPU)
    assert isinstance(made, Mean)
    return made


def test_several_metrics_share_each_pass() -> None:
    members = {f"p{power}": Distance(mean(), power) for power in (1, 2, 3)}
    preds, target = videos()
    for name, run in measure_clip(members, Clip(preds), Clip(target)).items():
        members[name].add(run.sums)
    assert sum(network(mean()).passes) == 140  # 70 frames a side, whoever asked
    means = [side.double().div(255).mean(dim=(2, 3)) for side in (preds, target)]
    for power in (1, 2, 3):
        expected = (means[0] - means[1]).abs().pow(power).mean()
        assert members[f"p{power}"].compute().item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_clip_keeps_its_features_for_the_next_metric() -> None:
    preds, target = (Clip(side) for side in videos())
    for power in (1, 2):
        Distance(mean(), power).update(preds, target)
    assert sum(network(mean()).passes) == 140


def test_checkpoints_code_and_devices_have_their_own_networks() -> None:
    assert mean("1").network(CPU) is mean("1", batch_size=4).network(CPU)
    assert mean("1").network(CPU) is not mean("2").network(CPU)
    assert mean("1").network(CPU) is not mean("1").network(torch.device("meta"))
    other = TwiceMeanNetwork(Checkpoint("mean", None, "1"))
    assert mean("1").network(CPU) is not other.network(CPU)
    frames = Chunk(videos(2)[0])
    torch.testing.assert_close(other.extract(frames), 2 * mean("1").extract(frames))


def test_two_networks_of_one_class_keep_their_own_features_in_a_chunk() -> None:
    frames = Chunk(videos(2)[0])
    torch.testing.assert_close(frames.features(mean("3")), 3 * frames.features(mean("1")))
    assert frames.features(mean("3")) is frames.features(mean("3"))


def test_networks_are_frozen_and_in_float32() -> None:
    parent = nn.ModuleList([Distance(mean())])
    made = network(mean())
    parent.train()
    parent.to(torch.bfloat16)
    assert not made.training
    assert [p.requires_grad for p in made.parameters()] == [False]
    assert made.gain.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_building_draws_no_random_numbers_and_keeps_every_bit_of_the_file(tmp_path: Path, dtype: torch.dtype) -> None:
    torch.save(seeded_state("iresnet18"), tmp_path / "r18.pth")
    state = torch.get_rng_state()
    torch.set_default_dtype(dtype)  # as Lightning's bf16-true does
    try:
        made = ArcFace.make("arcface-r18", tmp_path / "r18.pth").network(CPU)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    held = made.state_dict()
    assert all(torch.equal(held[key], value) for key, value in seeded_state("iresnet18").items())


def test_copies_carry_no_network() -> None:
    metric = Distance(mean())
    metric.update(*videos())
    for copied in (copy.deepcopy(metric), metric.clone(), pickle.loads(pickle.dumps(metric))):  # noqa: S301
        assert list(copied.parameters()) == []
        assert copied.extractor.network(CPU) is network(mean())
    assert len(pickle.dumps(metric)) < 5000


def test_batches_halve_when_memory_runs_out_and_stay_halved() -> None:
    network(mean()).limit = 10
    metric = Distance(mean())
    metric.update(*videos())
    assert max(network(mean()).passes) == 8
    first = len(network(mean()).passes)
    metric.update(*videos())
    assert len(network(mean()).passes) == 2 * first
    expected = Distance(mean("1"))
    network(mean()).limit = 1000
    expected.update(*videos())
    assert metric.compute().item() == pytest.approx(expected.compute().item(), rel=1e-6)


def test_a_frame_that_does_not_fit_is_an_error() -> None:
    network(mean()).limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        Distance(mean()).update(*videos())


def test_release_frees_the_networks() -> None:
    made = network(mean())
    release()
    assert network(mean()) is not made


def test_a_custom_module_is_used_as_it_is_and_stays_out_of_the_checkpoint() -> None:
    module = Mean().requires_grad_(False)
    module.gain.fill_(2.0)
    metric, reference = Distance(module), Distance(mean("2"))
    for each in (metric, reference):
        each.update(*videos())
    assert metric.compute() == reference.compute()
    assert module.training
    assert nn.ModuleList([metric]).state_dict() == {}


def test_options_that_a_network_lacks_are_ignored_and_its_own_are_taken(tmp_path: Path) -> None:
    torch.save(seeded_state("iresnet18"), tmp_path / "r18.pth")
    made = ArcFace.make("arcface-r18", tmp_path / "r18.pth", batch_size=3, mirror=True)
    assert made.batch_size == 3
    assert (made.name, str(made)) == ("arcface-r18", "arcface-r18")
    assert made.checkpoints == (made.checkpoint,)
    assert made.checkpoint.file == str(tmp_path / "r18.pth")


def test_a_face_network_without_landmarks_says_so() -> None:
    @dataclass(frozen=True)
    class Cut(FaceNetwork):
        def build(self) -> nn.Module:
            raise AssertionError

        def extract(self, chunk: Chunk) -> Tensor:
            return self.points(chunk)

    with pytest.raises(InputError, match="'cut' needs landmarks"):
        Cut(Checkpoint("cut", None, "")).extract(Chunk(videos(1)[0]))


@dataclass(frozen=True)
class Pointed(MeanNetwork):
    """A network beside the landmarks that it needs."""

    landmarks: Any = None


def test_loading_makes_the_network_and_those_of_its_parts() -> None:
    inner = mean("2")
    outer = Pointed(Checkpoint("outer", None, "3"), landmarks=inner)
    assert outer.parts() == (inner,)
    outer.load(CPU)
    assert len(pool._networks) == 2
    made = outer.network(CPU), inner.network(CPU)
    outer.load(CPU)
    assert (outer.network(CPU), inner.network(CPU)) == made
    assert len(pool._networks) == 2


def test_loading_onto_a_device_without_a_number_is_loading_onto_that_of_its_tensors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames are on ``cuda:0``; a network on ``cuda`` would be made twice."""
    places: list[torch.device] = []
    monkeypatch.setattr(MeanNetwork, "network", lambda self, device: places.append(device))
    empty = torch.empty
    monkeypatch.setattr(
        torch, "empty", lambda size, device: empty(size, device="meta") if device.index is None else None
    )
    mean().load(torch.device("cuda"))
    assert places == [empty(0, device="meta").device]


def test_a_custom_module_has_nothing_to_load() -> None:
    extractor = make_extractor("mean", Mean())
    extractor.load(CPU)
    assert (extractor.parts(), pool._networks) == ((), {})
