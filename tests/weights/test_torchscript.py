"""TorchScript archives run only if they are the published bytes."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.hashes import hash_file


class Doubled(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "doubled.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Doubled(), torch.ones(1)).save(str(path))
    return path


def test_the_published_archive_is_loaded_and_no_other_is(archive: Path, use_registry: Callable) -> None:
    use_registry()
    weights.register(weights.WeightEntry(name="doubled", file="doubled.pt", sha256=hash_file(archive), license="MIT"))
    assert weights.load_torchscript("doubled", archive)(torch.ones(1)).item() == 2
    other = archive.with_name("other.pt")
    other.write_bytes(archive.read_bytes() + b" ")
    with pytest.raises(WeightsError, match=r"has not the hash of the checkpoint 'doubled'.*nothing in it was run"):
        weights.load_torchscript("doubled", other)
    with pytest.raises(WeightsError, match="TorchScript archive, which runs code"):
        weights.load("doubled", archive)


def test_a_published_state_dict_is_no_archive(tmp_path: Path, use_registry: Callable) -> None:
    use_registry()
    path = tmp_path / "state.pt"
    torch.save({"weight": torch.ones(1)}, path)
    weights.register(weights.WeightEntry(name="state", file="state.pt", sha256=hash_file(path), license="MIT"))
    with pytest.raises(WeightsError, match="not a TorchScript archive"):
        weights.load_torchscript("state", path)
