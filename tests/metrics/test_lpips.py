"""LPIPS through its networks, with seeded classifiers, and with a user's own distance."""

from pathlib import Path

import pytest
import torch
from extractors.lpips_reference import checkpoint, theirs
from torch import Tensor, nn

from thm_torchmetrics import LearnedPerceptualSimilarity, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError, MismatchError, WeightsNotFoundError
from thm_torchmetrics.extractors import release


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


def frames(seed: int, count: int = 5, size: int = 72) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_values_are_the_package_s(net: str, tmp_path: Path) -> None:
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


def test_two_classifiers_keep_their_own_values_in_a_collection(tmp_path: Path) -> None:
    files = {
        name: checkpoint(theirs(net), tmp_path / f"{name}.pth")
        for name, net in (("alexnet", "alex"), ("squeezenet1_1", "squeeze"))
    }
    metrics = TalkingHeadMetrics(["lpips", "lpips:squeeze"], weights=files)
    metrics.update(frames(1), frames(2))
    alone = [
        LearnedPerceptualSimilarity(protocol=net, weights=files[name])(frames(1), frames(2)).item()
        for net, name in (("alex", "alexnet"), ("squeeze", "squeezenet1_1"))
    ]
    assert [value.item() for value in metrics.compute().values()] == pytest.approx(alone, rel=1e-9)
    assert alone[0] != alone[1]


class MeanDistance(nn.Module):
    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        return (preds - target).abs().mean(dim=(1, 2, 3))


def test_frames_of_two_sizes_are_an_error_or_resized() -> None:
    preds, target = torch.full((2, 3, 20, 30), 0.75), torch.full((2, 3, 40, 50), 0.5)
    with pytest.raises(MismatchError, match="30x20 and the target 50x40"):
        LearnedPerceptualSimilarity(extractor=MeanDistance()).update(preds, target)
    metric = LearnedPerceptualSimilarity(extractor=MeanDistance(), resize="bicubic")
    assert metric(preds, target).item() == pytest.approx(0.25, rel=1e-6)


def test_wrong_use_is_named() -> None:
    with pytest.raises(InputError, match="extractor must be 'lpips', a torch module"):
        LearnedPerceptualSimilarity(extractor="vgg")
    with pytest.raises(InputError, match="takes no given features"):
        LearnedPerceptualSimilarity(extractor=None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="protocol must be one of 'alex', 'vgg', 'squeeze'"):
        LearnedPerceptualSimilarity(protocol="resnet")


def test_an_absent_checkpoint_is_an_error_at_construction(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsNotFoundError, match="thm weights fetch alexnet"):
        TalkingHeadMetrics(["lpips"])
