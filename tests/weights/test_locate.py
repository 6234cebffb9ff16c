import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
import torch
from weights.server import make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError

BODY = bytes(range(256)) * 40
OTHER = BODY[::-1]


def put(path: Path, body: bytes = BODY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_import_and_listing_are_light() -> None:
    code = (
        "import sys; from thm_torchmetrics import weights; weights.registry()\n"
        "assert not {'torch', 'requests', 'pooch', 'socket'} & set(sys.modules)\n"
        "[weights.status(name) for name in weights.registry()]\n"
        "assert not {'torch', 'face_recognition_models'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_order_of_the_places(machine: Path, use_registry: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    use_registry(make_entry("net", BODY))
    chosen = machine / "chosen"
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(chosen))
    found = []
    for folder in (machine / "cache", machine / "work" / "weights", chosen):
        put(folder / "net.pth")
        found.append(weights.locate("net").path)
    assert found == [machine / "cache/net.pth", machine / "work/weights/net.pth", chosen / "net.pth"]
    own = put(machine / "mine.pth", OTHER)
    assert weights.locate("net", own) == weights.Found(own, hashlib.sha256(OTHER).hexdigest(), custom=True)


def test_found_file_has_its_hash_and_is_not_custom(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY))
    path = put(machine / "cache/net.pth")
    assert weights.locate("net") == weights.Found(path, hashlib.sha256(BODY).hexdigest(), custom=False)


def test_missing_file_says_all_that_is_needed(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, "https://example.org/net.pth"))
    with pytest.raises(WeightsNotFoundError) as error:
        weights.locate("net")
    for said in (
        "'net' is missing: net.pth (10,240 bytes",
        hashlib.sha256(BODY).hexdigest(),
        str(machine / "work" / "weights"),
        str(machine / "cache"),
        "https://example.org/net.pth",
        "`thm weights fetch net`",
    ):
        assert said in str(error.value)


def test_one_wrong_byte(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY))
    path = put(machine / "cache/net.pth", BODY[:5000] + b"\xff" + BODY[5001:])
    with pytest.raises(WeightsError, match=r"net\.pth is not the checkpoint 'net'.*but not the published one: SHA256"):
        weights.locate("net")
    put(path)
    assert not weights.locate("net").custom


def test_change_of_a_file_that_was_verified_before_is_noticed(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY))
    path = put(machine / "cache/net.pth")
    assert weights.locate("net").path == path
    put(path, OTHER + b"x")
    with pytest.raises(WeightsError):
        weights.locate("net")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!DOCTYPE html><html><body>Quota exceeded</body></html>", "an HTML page"),
        (b"\n <html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"", "empty"),
        (BODY[:-1], "cut short: 10,239 bytes instead of 10,240"),
        (BODY + b"x", "too long: 10,241 bytes instead of 10,240"),
    ],
)
def test_wrong_file_is_named(machine: Path, use_registry: Callable, body: bytes, said: str) -> None:
    use_registry(make_entry("net", BODY))
    put(machine / "work/weights/net.pth", body)
    with pytest.raises(WeightsError, match=f"it is {said}") as error:
        weights.locate("net")
    assert not isinstance(error.value, WeightsNotFoundError)
    assert "--weights net=FILE" in str(error.value)
    assert weights.status("net").state == "corrupt"


def test_detector_saved_under_the_name_of_another_is_named(machine: Path, use_registry: Callable) -> None:
    use_registry(
        make_entry("s3fd", BODY, file="sfd_face.pth"), make_entry("fan-s3fd", OTHER, file="s3fd-619a316812.pth")
    )
    put(machine / "cache/sfd_face.pth", OTHER)
    with pytest.raises(WeightsError, match=r"it is the checkpoint 'fan-s3fd' \(s3fd-619a316812\.pth\)"):
        weights.locate("s3fd")


def test_two_files_of_one_name_are_told_apart_by_hash(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("deep3d", BODY, file="epoch_20.pth"), make_entry("deep3d-2023", OTHER, file="epoch_20.pth"))
    first, second = put(machine / "work/weights/epoch_20.pth", OTHER), machine / "cache/deep3d/epoch_20.pth"
    with pytest.raises(WeightsNotFoundError, match=r"Passed over: .* is the checkpoint 'deep3d-2023'"):
        weights.locate("deep3d")
    assert weights.locate("deep3d-2023").path == first
    put(second)
    assert weights.locate("deep3d").path == second
    put(first, OTHER[:-1])
    with pytest.raises(WeightsError, match="cut short"):
        weights.locate("deep3d")


def test_file_that_no_hash_verifies_is_custom(machine: Path, use_registry: Callable) -> None:
    known = make_entry("net", BODY, file="epoch_20.pth")
    unknown = make_entry("net-2023", b"", file="epoch_20.pth", sha256=None, size=None, page="https://example.org/page")
    use_registry(known, unknown)
    with pytest.raises(WeightsNotFoundError, match=r"no published hash would verify it: download https://example"):
        weights.locate("net-2023")
    put(machine / "cache/epoch_20.pth", OTHER)  # may be either file, or neither
    with pytest.raises(WeightsNotFoundError, match=r"Passed over: .* is of unknown origin"):
        weights.locate("net-2023")
    path = put(machine / "cache/net-2023/epoch_20.pth", OTHER)
    assert weights.locate("net-2023") == weights.Found(path, hashlib.sha256(OTHER).hexdigest(), custom=True)
    put(path, BODY)
    with pytest.raises(WeightsError, match="it is the checkpoint 'net'"):
        weights.locate("net-2023")


def test_prefix_verifies_where_the_whole_hash_is_unknown(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, sha256=None, sha256_prefix=hashlib.sha256(BODY).hexdigest()[:10]))
    path = put(machine / "cache/net.pth")
    assert not weights.locate("net").custom
    put(path, OTHER)
    with pytest.raises(WeightsError, match=r"instead of [0-9a-f]{10}\.\.\."):
        weights.locate("net")


def test_same_bytes_under_another_published_name(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, aliases=("backbone.pth",)))
    put(machine / "work/weights/backbone.pth", OTHER)  # of some other network, for all we know
    with pytest.raises(WeightsNotFoundError):
        weights.locate("net")
    path = put(machine / "cache/backbone.pth")
    assert weights.locate("net").path == path


def test_file_inside_an_installed_package(
    machine: Path, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("model", BODY, file="model.dat", package="brought_by/models", extra="dlib"))
    with pytest.raises(WeightsNotFoundError, match=r"pip install 'thm-torchmetrics\[dlib\]'"):
        weights.locate("model")
    put(machine / "site/brought_by/__init__.py", b"raise ImportError('was imported')")
    path = put(machine / "site/brought_by/models/model.dat")
    monkeypatch.syspath_prepend(machine / "site")
    assert weights.locate("model").path == path


def test_package_that_is_always_required_is_reinstalled(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("model", BODY, file="model.dat", package="brought_by/models"))
    with pytest.raises(WeightsNotFoundError, match="comes with the package brought_by: pip install --force-reinstall"):
        weights.locate("model")


def test_whole_file_of_a_package_goes_before_another_of_its_name(
    machine: Path, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("heads", BODY, file="vgg.pth", package="brought_by"))
    backbone = put(machine / "work/weights/vgg.pth", OTHER)
    with pytest.raises(WeightsError, match=r"not the checkpoint 'heads'.*Put the published file in its place"):
        weights.locate("heads")
    put(machine / "site/brought_by/__init__.py", b"raise ImportError('was imported')")
    path = put(machine / "site/brought_by/vgg.pth")
    monkeypatch.syspath_prepend(machine / "site")
    assert weights.locate("heads").path == path
    put(path, OTHER[:-1])
    put(backbone)
    assert weights.locate("heads").path == backbone


@pytest.mark.parametrize(("net", "convolutions"), [("alex", 5), ("vgg", 5), ("squeeze", 7)])
def test_heads_of_lpips_are_verified_and_loaded(machine: Path, net: str, convolutions: int) -> None:
    name = f"lpips-{net}"
    assert weights.verify(name).state == "available"
    assert not weights.locate(name, commercial=True).custom
    state = weights.load(name)
    file = resources.files("lpips") / "weights" / "v0.1" / f"{net}.pth"
    theirs = torch.load(str(file), map_location="cpu", weights_only=True)
    assert list(state) == [f"lin{i}.model.1.weight" for i in range(convolutions)]
    assert all(torch.equal(state[key], theirs[key]) for key in theirs)


def test_own_file_that_is_not_there(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY))
    with pytest.raises(WeightsNotFoundError, match=r"given for the checkpoint 'net' does not exist: nowhere\.pth"):
        weights.locate("net", "nowhere.pth")
    with pytest.raises(WeightsNotFoundError, match="is a folder"):
        weights.locate("net", machine)


def test_status_and_verify(machine: Path, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY))
    assert weights.status("net").state == "missing"
    path = put(machine / "cache/net.pth")
    assert weights.status("net") == weights.Status("net", "available", weights.locate("net"), "")
    stat = path.stat()
    put(path, OTHER)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert weights.status("net").state == "available"  # same size and time: not read again
    assert weights.verify("net").state == "corrupt"


def test_downloads_go_to_the_chosen_folder(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.cache_dir() == machine / "cache"
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(machine / "chosen"))
    assert weights.cache_dir() == machine / "chosen"
    assert weights.places() == (machine / "chosen", machine / "work" / "weights", machine / "cache")
