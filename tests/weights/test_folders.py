"""The folders that are searched, and those of other programs, which are only read."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from weights.server import Server, make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsNotFoundError
from thm_torchmetrics.weights.environment import torch_home

BODY = bytes(range(256)) * 40
OTHER = BODY[::-1]
HUB, PACKS = "home/.cache/torch/hub/checkpoints", "home/.insightface/models"


def put(path: Path, body: bytes = BODY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_folder_of_torch_hub_is_that_of_torch(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("torch.hub")
    settings = [
        {},
        {"XDG_CACHE_HOME": str(machine / "xdg")},
        {"XDG_CACHE_HOME": str(machine / "xdg"), "TORCH_HOME": str(machine / "torch")},
        {"TORCH_HOME": "~/mine"},
    ]
    for variables in settings:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            assert weights.other_caches()[0] == Path(hub.get_dir()) / "checkpoints"
            assert torch_home() == Path(hub.get_dir()).parent


@pytest.mark.parametrize("folder", [HUB, PACKS])
def test_published_file_in_the_cache_of_another_program_is_used(
    machine: Path, server: Server, use_registry: Callable, folder: str
) -> None:
    use_registry(make_entry("net", BODY, server.url("net.pth"), aliases=("other.pth",)))
    path = put(machine / folder / "net.pth")
    assert weights.obtain("net") == weights.Found(path, hashlib.sha256(BODY).hexdigest(), custom=False)
    path = path.rename(path.with_name("other.pth"))
    assert weights.locate("net").path == path
    mine = put(machine / "cache/net.pth")
    assert weights.locate("net").path == mine
    assert server.requests == []


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("body", [OTHER, BODY[:-1], b"", b"<html>"])
def test_other_bytes_in_the_cache_of_another_program_are_passed_over(
    machine: Path, server: Server, use_registry: Callable, body: bytes, sized: bool
) -> None:
    size = {} if sized else {"size": None}
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY), **size), make_entry("other", OTHER))
    theirs = put(machine / HUB / "net.pth", body)
    before = theirs.stat()
    assert weights.status("net").state == "missing"
    assert weights.obtain("net").path == machine / "cache" / "net.pth"
    assert (theirs.read_bytes(), theirs.stat().st_mtime_ns) == (body, before.st_mtime_ns)
    assert sorted(path.name for path in theirs.parent.iterdir()) == ["net.pth"]


def test_file_that_no_hash_verifies_is_not_taken_from_another_program(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", b"", sha256=None, size=None))
    put(machine / HUB / "net.pth")
    put(machine / PACKS / "net/net.pth")
    with pytest.raises(WeightsNotFoundError):
        weights.locate("net")


def test_unpacked_pack_of_insightface_is_no_checkpoint(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("buffalo_l", BODY, file="buffalo_l.zip"))
    put(machine / PACKS / "buffalo_l/det_10g.onnx")
    assert weights.status("buffalo_l").state == "missing"
    path = put(machine / PACKS / "buffalo_l.zip")
    assert weights.locate("buffalo_l").path == path


@pytest.mark.parametrize(("where", "function"), [(os, "stat"), (Path, "open")])
def test_cache_of_another_program_that_cannot_be_read_is_passed_over(
    machine: Path, use_registry: Callable, monkeypatch: pytest.MonkeyPatch, where: object, function: str
) -> None:
    """Root may read everything, so that the refusal is simulated: of the folder, or of the file in it."""
    use_registry(make_entry("net", BODY))
    put(machine / HUB / "net.pth")
    put(machine / PACKS / "net.pth")
    really = getattr(where, function)

    def refuse(path: object, *arguments: object, **options: object) -> object:
        if ".cache/torch" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, *arguments, **options)

    monkeypatch.setattr(where, function, refuse)
    assert weights.locate("net").path == machine / PACKS / "net.pth"


def test_missing_checkpoint_names_every_folder_that_was_searched(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY))
    with pytest.raises(WeightsNotFoundError) as error:
        weights.locate("net")
    for folder in (*weights.places(), *weights.other_caches()):
        assert str(folder) in str(error.value)


def test_machine_without_a_home_is_searched_all_the_same(
    machine: Path, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may run under a number that no user has."""
    use_registry(make_entry("net", BODY))
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    assert weights.status("net").state == "missing"
