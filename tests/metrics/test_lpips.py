"""LPIPS and FID through their networks, with seeded weights in place of the published ones."""

import warnings
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from parity import seeded
from torch import Tensor

from thm_torchmetrics import FrechetInceptionDistance, LearnedPerceptualSimilarity, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError, WeightsNotFoundError
from thm_torchmetrics.extractors import release


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


def frames(seed: int, count: int = 5, size: int = 72) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)


def theirs(net: str) -> lpips.LPIPS:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision, about the way the package asks for a model
        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False)


def checkpoint(network: lpips.LPIPS, path: Path) -> Path:
    """The backbone as torchvision's file would hold it."""
    state = {key.split(".", 1)[1]: value for key, value in network.net.state_dict().items()}
    torch.save(
        {f"features.{key}": value for key, value in state.items()} | {"classifier.1.weight": torch.ones(1)}, path
    )
    return path


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_lpips_equals_the_package(net: str, tmp_path: Path) -> None:
    network = theirs(net)
    metric = LearnedPerceptualSimilarity(protocol=net, weights=checkpoint(network, tmp_path / "backbone.pth"))
    preds, target = frames(1), frames(2)
    with torch.no_grad():
        expected = network(preds / 255, target / 255, normalize=True).flatten()
    assert metric(preds, target).item() == pytest.approx(expected.double().mean().item(), abs=1e-5)
    assert metric(target, target).item() == 0.0
    single = [metric(preds[i : i + 1], target[i : i + 1]).item() for i in range(5)]
    assert single == pytest.approx(expected.tolist(), abs=1e-5)


def test_building_a_network_draws_no_random_numbers(tmp_path: Path) -> None:
    path = checkpoint(theirs("alex"), tmp_path / "backbone.pth")
    state = torch.get_rng_state()
    LearnedPerceptualSimilarity(weights=path).update(frames(1), frames(2))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "inception.pth"
    torch.save(seeded.seeded_state("inception_fid"), path)
    return path


@pytest.mark.filterwarnings("ignore:FID of")
def test_fid_through_the_network(inception: Path) -> None:
    golden = seeded.golden("inception_fid")
    names = ("images", "other_images")
    preds, target = (seeded.as_batch(seeded.golden_input("inception_fid", name)).to(torch.uint8) for name in names)
    metric = FrechetInceptionDistance(weights=inception)
    assert metric(preds, target).item() == pytest.approx(float(golden["fid_pool3_exact"]), rel=1e-4)
    assert metric.detail() == {"frames_preds": len(preds), "frames_target": len(target)}


def test_fid_of_features_equals_pytorch_fid() -> None:
    golden, meta = seeded.golden("inception_fid"), seeded.golden_meta("inception_fid")
    x, y = (torch.from_numpy(seeded.golden_input("inception_fid", name)) for name in ("fid_x", "fid_y"))
    y = 0.5 * y + 0.25 * y.flip(1) + 0.125
    assert meta
    metric = FrechetInceptionDistance(extractor=None, num_features=x.shape[1])
    for part in zip(x.chunk(3), y.chunk(3), strict=True):
        metric.update(*part)
    assert metric.compute().item() == pytest.approx(float(golden["fid_full"]), rel=1e-6)
    metric.reset()
    metric.update(x, x)
    assert abs(metric.compute().item()) <= 1e-5


def test_sides_of_different_length() -> None:
    generator = np.random.default_rng(0)
    x, y = (torch.from_numpy(generator.normal(size=(n, 3))) for n in (50, 80))
    metric = FrechetInceptionDistance(extractor=None, num_features=3)
    metric.update([x[:20], x[20:]], [y])
    whole = FrechetInceptionDistance(extractor=None, num_features=3)
    assert metric.compute().item() == pytest.approx(whole(x, y).item(), rel=1e-12)
    assert metric.coverage == 1.0


def test_few_frames_are_warned_of() -> None:
    metric = FrechetInceptionDistance(extractor=None, num_features=8)
    metric.update(torch.rand(8, 8), torch.rand(9, 8))
    with pytest.warns(UserWarning, match="8 generated and 9 real frames: below 9 a side"):
        metric.compute()


def test_one_frame_is_nan() -> None:
    metric = FrechetInceptionDistance(extractor=None, num_features=2)
    metric.update(torch.rand(1, 2), torch.rand(5, 2))
    with pytest.warns(UserWarning, match="is NaN"):
        assert torch.isnan(metric.compute())


def test_wrong_use_is_named() -> None:
    with pytest.raises(InputError, match="num_features=3"):
        FrechetInceptionDistance(extractor=None, num_features=2).update(torch.rand(4, 3), torch.rand(4, 3))
    with pytest.raises(InputError, match="average"):
        FrechetInceptionDistance(extractor=None, average="clip")
    with pytest.raises(WeightsNotFoundError, match=r"nowhere\.pth"):
        FrechetInceptionDistance(weights="nowhere.pth")


def test_an_absent_checkpoint_is_an_error_at_construction(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsNotFoundError, match="thm weights fetch alexnet"):
        TalkingHeadMetrics(["lpips"])
