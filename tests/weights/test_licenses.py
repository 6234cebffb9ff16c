import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from weights.server import Server, make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError

BODY = b"checkpoint"


@pytest.mark.parametrize("name", ["emonet8", "emonet5", "arcface-r100", "buffalo_l", "dlib-68"])
def test_non_commercial_checkpoint_is_refused_under_commercial_use(name: str) -> None:
    weights.check_license(name, commercial=False)
    with pytest.raises(WeightsError, match=f"'{name}' is refused under commercial use"):
        weights.check_license(name, commercial=True)


@pytest.mark.parametrize("name", ["inception-fid", "syncnet", "deep3d", "dlib-resnet"])
def test_others_are_not_refused(name: str) -> None:
    weights.check_license(name, commercial=True)


def test_notice_of_each_kind() -> None:
    assert "CC BY-NC-ND 4.0; no commercial use" in weights.license_notice("emonet8")
    assert "Apache-2.0" in weights.license_notice("inception-fid")
    assert "commercial use allowed" in weights.license_notice("inception-fid")
    assert "none stated; commercial use not settled" in weights.license_notice("s3fd")


@pytest.fixture
def restricted(machine: Path, use_registry: Callable) -> Path:
    use_registry(
        make_entry("net", BODY, commercial=False, license="CC BY-NC 4.0"),
        make_entry("unhashed", b"", commercial=False, sha256=None),
        make_entry("free", b"free"),
    )
    (machine / "cache").mkdir()
    path = machine / "cache" / "net.pth"
    path.write_bytes(BODY)
    return path


def test_variable_refuses_what_was_found(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.locate("net").path == restricted
    monkeypatch.setenv("THM_COMMERCIAL", "0")
    assert weights.locate("net").path == restricted
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    for ask in (weights.locate, weights.obtain, weights.load):
        with pytest.raises(WeightsError, match=r"its license: CC BY-NC 4\.0"):
            ask("net")
    assert weights.status("net").state == "available"


def test_restricted_bytes_are_refused_under_any_name(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    renamed = restricted.rename(restricted.with_name("mine.pth"))
    with pytest.raises(WeightsError, match="'net' is refused"):
        weights.locate("free", renamed)
    with pytest.raises(WeightsError, match="'unhashed' is refused"):  # it may be that file: no hash tells
        weights.locate("unhashed", restricted.parent / own(restricted.parent))


def test_argument_is_stronger_than_the_variable(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    before = dict(os.environ)
    torch.save({"a": torch.zeros(1)}, restricted.with_name("mine.pth"))
    weights.check_license("net", commercial=False)
    for ask in (weights.locate, weights.obtain):
        assert ask("net", commercial=False).path == restricted
        assert ask("unhashed", restricted.with_name("mine.pth"), commercial=False).custom
    assert list(weights.load("unhashed", restricted.with_name("mine.pth"), commercial=False)) == ["a"]
    assert dict(os.environ) == before
    monkeypatch.setenv("THM_COMMERCIAL", "0")
    for ask in (weights.locate, weights.obtain, weights.load):
        with pytest.raises(WeightsError, match="'net' is refused"):
            ask("net", commercial=True)
        with pytest.raises(WeightsError, match="'net' is refused"):  # the same bytes under another name
            ask("free", restricted, commercial=True)


def test_refused_checkpoint_is_not_downloaded(machine: Path, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY), commercial=False))
    with pytest.raises(WeightsError, match="'net' is refused"):
        weights.obtain("net", commercial=True)
    assert server.requests == []


def test_notice_without_a_page_of_the_publisher_has_no_empty_brackets(use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, source="", commercial=None))
    assert weights.license_notice("net") == "net: license: CC0-1.0; commercial use not settled"


def own(folder: Path) -> str:
    (folder / "own.pth").write_bytes(b"trained by the user")
    return "own.pth"


def test_users_own_bytes_are_not_refused(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    assert weights.locate("net", restricted.parent / own(restricted.parent)).custom


def test_an_answer_that_cannot_be_kept_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path / "file" / "weights"))
    with pytest.raises(WeightsError, match=r"license-accepted\.txt cannot be written: .*Set THM_WEIGHTS_DIR"):
        weights.accept_license("openface-au")
