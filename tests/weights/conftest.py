"""A machine of its own for each test: no checkpoints, no variables, a registry that the test fills."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pooch
import pytest
from weights.server import Server

from thm_torchmetrics.weights import WeightEntry


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty working directory ``work`` and a user's cache ``cache`` that does not exist yet.

    The caches of torch.hub and insightface lie in ``home``, which does not exist either.
    """
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("THM_WEIGHTS_DIR", "THM_OFFLINE", "THM_COMMERCIAL", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path


@pytest.fixture
def use_registry(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, WeightEntry]]:
    """Puts these entries in the place of the registry."""
    module = importlib.import_module("thm_torchmetrics.weights.registry")  # the package's `registry` is the function

    def replace(*known: WeightEntry) -> dict[str, WeightEntry]:
        entries = {entry.name: entry for entry in known}
        monkeypatch.setattr(module, "_entries", lambda: entries)
        return entries

    return replace


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()
