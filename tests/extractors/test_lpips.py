"""LPIPS beside the ``lpips`` package, with seeded classifiers and the package's own channel weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lpips
import pytest
import torch
from extractors.lpips_reference import checkpoint, theirs
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.lpips import CustomDistance, LpipsNetwork

NETS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


def frames(seed: int, count: int = 2, size: int = 72) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("net", NETS)
def test_distances_are_the_package_s(net: str, tmp_path: Path) -> None:
    network = theirs(net)
    ours = make_extractor("lpips", "lpips", checkpoint(network, tmp_path / "backbone.pth"), net=net)
    preds, target = frames(1), frames(2)
    with torch.no_grad():
        expected = network(preds, target, normalize=True).flatten()
    torch.testing.assert_close(ours.distance(preds, target), expected, rtol=1e-4, atol=1e-5)
    assert ours.distance(target, target).tolist() == [0, 0]


@pytest.mark.parametrize("net", NETS)
def test_the_channel_weights_are_a_checkpoint_of_the_package(net: str, tmp_path: Path) -> None:
    """They were read past the registry: unverified, and missing from what a report names."""
    assert LpipsNetwork.required(net) == (NETS[net], f"lpips-{net}")
    file = checkpoint(theirs(net), tmp_path / "backbone.pth")
    backbone, heads = make_extractor("lpips", "lpips", file, net=net).checkpoints
    assert (backbone.name, backbone.file) == (NETS[net], str(file))
    assert (heads.name, heads.file) == (f"lpips-{net}", None)
    assert heads.sha256 == weights.registry()[f"lpips-{net}"].sha256
    package = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    assert weights.locate(f"lpips-{net}").path == package


def test_custom_channel_weights_change_the_distance_in_closed_form(tmp_path: Path) -> None:
    network = theirs("alex")
    file = checkpoint(network, tmp_path / "backbone.pth")
    held = torch.load(Path(lpips.__file__).parent / "weights" / "v0.1" / "alex.pth", "cpu", weights_only=True)
    torch.save({key: 2 * value for key, value in held.items()}, tmp_path / "heads.pth")
    plain = make_extractor("lpips", "lpips", file, net="alex")
    doubled = make_extractor("lpips", "lpips", {"alexnet": file, "lpips-alex": tmp_path / "heads.pth"}, net="alex")
    assert plain != doubled
    preds, target = frames(1), frames(2)
    torch.testing.assert_close(doubled.distance(preds, target), 2 * plain.distance(preds, target))


def test_a_custom_distance_is_used_as_it_is() -> None:
    class Largest(nn.Module):
        def forward(self, preds: Tensor, target: Tensor) -> Tensor:
            return (preds - target).abs().amax(dim=(1, 2, 3), keepdim=True)

    made = make_extractor("lpips", Largest())
    assert isinstance(made, CustomDistance)
    preds, target = frames(1), frames(2)
    assert torch.equal(made.distance(preds, target), (preds - target).abs().flatten(1).amax(dim=1))
    assert (str(made), made.checkpoints) == ("Largest", ())


@pytest.mark.parametrize(("net", "least"), [("alex", 31), ("vgg", 16), ("squeeze", 17)])
def test_frames_too_small_for_the_classifier_are_named_with_the_least_size(
    net: str, least: int, tmp_path: Path
) -> None:
    """They ended in "Given input size: (192x1x1)". The package's own network has the same bound."""
    network = theirs(net)
    ours = make_extractor("lpips", "lpips", checkpoint(network, tmp_path / "backbone.pth"), net=net)
    for height, width in ((least, least), (least, 50), (50, least)):
        preds, target = torch.rand(2, 1, 3, height, width, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected = network(preds, target, normalize=True).flatten()
        torch.testing.assert_close(ours.distance(preds, target), expected, rtol=1e-4, atol=1e-5)
    for height, width in ((least - 1, 50), (50, least - 1), (1, 1)):
        small = torch.rand(1, 3, height, width)
        with pytest.raises(RuntimeError, match=r"too small|greater than actual input size"), torch.no_grad():
            network(small, small, normalize=True)
        with pytest.raises(
            InputError, match=f"LPIPS {net} needs frames of at least {least}x{least} .*{width}x{height}"
        ):
            ours.distance(small, small)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda x: (x, x), "got a tuple"),
        (lambda x: x.numpy(), "got a ndarray"),
        (lambda x: None, "got a NoneType"),
        (lambda x: x.mean(), r"got \(\)"),
        (lambda x: x[:1, 0, 0, 0], r"each of 2 frames, got \(1,\)"),
        (lambda x: x, r"one number per pair of frames, got \(2, 3, 72, 72\)"),
        (lambda x: x[:, 0, 0, 0] * 1j, "complex64"),
    ],
)
def test_a_custom_distance_that_gives_something_else_is_named(output: Callable[[Tensor], Any], words: str) -> None:
    class Odd(nn.Module):
        def forward(self, preds: Tensor, target: Tensor) -> Any:
            return output(preds)

    with pytest.raises(InputError, match=words):
        make_extractor("lpips", Odd()).distance(frames(1), frames(2))
