from collections.abc import Callable
from pathlib import Path

import pytest
from weights.server import weight

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError

BODY = b"checkpoint"


@pytest.mark.parametrize("name", ["emonet8", "emonet5", "arcface-r100", "buffalo_l", "dlib-68"])
def test_non_commercial_checkpoint_is_refused_under_commercial_use(name: str) -> None:
    weights.allow(name, commercial=False)
    with pytest.raises(WeightsError, match=f"'{name}' is refused under commercial use"):
        weights.allow(name, commercial=True)


@pytest.mark.parametrize("name", ["inception-fid", "syncnet", "deep3d", "dlib-resnet"])
def test_others_are_not_refused(name: str) -> None:
    weights.allow(name, commercial=True)


def test_notice_of_each_kind() -> None:
    assert "CC BY-NC-ND 4.0; no commercial use" in weights.license_notice("emonet8")
    assert "Apache-2.0" in weights.license_notice("inception-fid")
    assert "commercial use allowed" in weights.license_notice("inception-fid")
    assert "none stated; commercial use not settled" in weights.license_notice("s3fd")


@pytest.fixture
def restricted(machine: Path, register: Callable) -> Path:
    register(
        weight("net", BODY, commercial=False, license="CC BY-NC 4.0"),
        weight("unhashed", b"", commercial=False, sha256=None),
        weight("free", b"free"),
    )
    (machine / "cache").mkdir()
    path = machine / "cache" / "net.pth"
    path.write_bytes(BODY)
    return path


def test_variable_refuses_what_was_found(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.find("net").path == restricted
    monkeypatch.setenv("THM_COMMERCIAL", "0")
    assert weights.find("net").path == restricted
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    for ask in (weights.find, weights.obtain, weights.load):
        with pytest.raises(WeightsError, match=r"its license: CC BY-NC 4\.0"):
            ask("net")
    assert weights.status("net").state == "available"


def test_restricted_bytes_are_refused_under_any_name(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    renamed = restricted.rename(restricted.with_name("mine.pth"))
    with pytest.raises(WeightsError, match="'net' is refused"):
        weights.find("free", renamed)
    with pytest.raises(WeightsError, match="'unhashed' is refused"):  # it may be that file: no hash tells
        weights.find("unhashed", restricted.parent / own(restricted.parent))


def own(folder: Path) -> str:
    (folder / "own.pth").write_bytes(b"trained by the user")
    return "own.pth"


def test_users_own_bytes_are_not_refused(restricted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    assert weights.find("net", restricted.parent / own(restricted.parent)).custom
