"""Checkpoints of which only git knows a hash; git itself says what it is."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from weights.server import Server, make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.hashes import git_blob_of
from thm_torchmetrics.weights.readme import readme

BODY, OTHER = b"PK\x03\x04 the network", b"PK\x03\x04 another one"


def blob(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def entry_of(body: bytes, *urls: str, name: str = "net", **facts: object) -> weights.WeightEntry:
    return replace(make_entry(name, body, *urls), sha256=None, size=None, git_blob=blob(body), **facts)


def put(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (5 << 20) + 3])
def test_the_id_is_git_s(tmp_path: Path, size: int) -> None:
    file = put(tmp_path / "file", bytes(range(256)) * (size // 256) + bytes(size % 256))
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    told = subprocess.run(["git", "hash-object", file], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert git_blob_of(file) == told.stdout.strip()


def test_a_file_with_the_id_is_the_published_one(machine: Path, use_registry: Callable) -> None:
    use_registry(entry_of(BODY))
    path = put(machine / "cache/net.pth", BODY)
    assert weights.locate("net") == weights.Found(path, hashlib.sha256(BODY).hexdigest(), custom=False)
    assert not weights.locate("net", path).custom
    put(path, OTHER)
    with pytest.raises(WeightsError, match=f"git blob {blob(OTHER)} instead of {blob(BODY)}"):
        weights.locate("net")
    assert weights.locate("net", path).custom


def test_it_is_downloaded_and_verified(machine: Path, server: Server, use_registry: Callable) -> None:
    use_registry(entry_of(BODY, server.put("net.pth", BODY)), entry_of(BODY, server.put("a.pth", OTHER), name="a"))
    assert weights.obtain("net").path.read_bytes() == BODY
    with pytest.raises(WeightsNotFoundError, match="not the published one"):
        weights.obtain("a")
    assert not (machine / "cache/a.pth").exists()


def test_its_license_holds_for_the_file_under_any_name(machine: Path, use_registry: Callable) -> None:
    use_registry(entry_of(BODY, commercial=False), make_entry("mine", OTHER))
    path = put(machine / "copy.pth", BODY)
    for name in ("net", "mine"):
        with pytest.raises(WeightsError, match="refused under commercial use"):
            weights.locate(name, path, commercial=True)
    put(machine / "cache/mine.pth", BODY)
    with pytest.raises(WeightsError, match="it is the checkpoint 'net'"):
        weights.locate("mine")


def test_a_known_sha256_decides(machine: Path, use_registry: Callable) -> None:
    use_registry(replace(entry_of(OTHER), sha256=hashlib.sha256(BODY).hexdigest()))
    path = put(machine / "cache/net.pth", BODY)
    assert weights.locate("net").path == path


def test_a_changed_file_is_read_again(machine: Path, use_registry: Callable) -> None:
    use_registry(entry_of(BODY))
    path = put(machine / "cache/net.pth", BODY)
    assert weights.status("net").state == "available"
    put(path, OTHER + b".")
    assert weights.status("net").state == "corrupt"
    assert weights.verify("net").state == "corrupt"


def test_what_is_missing_and_the_page_name_the_id(machine: Path, use_registry: Callable) -> None:
    assert all(f"`{weights.registry()[name].git_blob}`" in readme() for name in ("libreface", "libreface-resnet18"))
    use_registry(entry_of(BODY, "https://example.org/net.pth"))
    with pytest.raises(WeightsNotFoundError, match=f"git blob {blob(BODY)}"):
        weights.locate("net")
