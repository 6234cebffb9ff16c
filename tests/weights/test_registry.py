import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch
from click.testing import CliRunner
from weights.server import Server, make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.registry import parse_registry, shares_file_name

NAMES = [
    "syncnet",
    "s3fd",
    "fan2d",
    "fan-s3fd",
    "inception-fid",
    "alexnet",
    "vgg16",
    "squeezenet1_1",
    "arcface-r100",
    "arcface-r50",
    "arcface-r18",
    "emonet8",
    "emonet5",
    "deep3d",
    "deep3d-2023",
    "buffalo_l",
]


def test_every_checkpoint_of_the_design_is_registered() -> None:
    assert set(NAMES) <= set(weights.registry())


def test_hashes_are_whole_and_no_two_checkpoints_share_one() -> None:
    hashes = [entry.sha256 for entry in weights.registry().values() if entry.sha256]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes)
    assert len(set(hashes)) == len(hashes)


def test_hash_in_a_file_name_is_the_beginning_of_the_hash() -> None:
    # torch.hub's convention: NAME-PREFIX.SUFFIX
    named = {entry: re.search(r"-([0-9a-f]{8,})\.", entry.file) for entry in weights.registry().values()}
    named = {entry: found[1] for entry, found in named.items() if found}
    assert len(named) == 7
    assert all((entry.sha256 or entry.sha256_prefix).startswith(prefix) for entry, prefix in named.items())


def test_only_those_with_no_known_hash_are_not_verifiable() -> None:
    unknown = {name for name, entry in weights.registry().items() if not entry.verifiable}
    assert unknown == {"arcface-r50", "arcface-r18", "deep3d-2023"}


def test_addresses_give_files_over_https() -> None:
    for entry in weights.registry().values():
        for url in entry.addresses:
            parts = urlsplit(url)
            assert parts.scheme == "https"
            assert not re.search(r"drive\.google|1drv|/blob/", url)
            files = (entry.file, *entry.aliases, *(part.file for part in entry.parts))
            assert parts.path.rsplit("/", 1)[1] in files
        assert entry.addresses or entry.page or entry.package


def test_huggingface_addresses_are_downloads_of_a_revision() -> None:
    urls = [url for entry in weights.registry().values() for url in entry.urls if "huggingface" in url]
    assert len(urls) > 5
    assert all(re.match(r"https://huggingface\.co/[\w.-]+/[\w.-]+/resolve/(main|[0-9a-f]{40})/", url) for url in urls)


def test_licenses_that_exclude_commercial_use() -> None:
    refused = {name for name, entry in weights.registry().items() if entry.commercial is False}
    insightface = {"arcface-r100", "arcface-r50", "arcface-r18", "arcface-r100-glint360k", "buffalo_l"}
    of_units = {"openface-au", "openface-au-static", "libreface", "libreface-resnet18"}
    assert refused == insightface | of_units | {"emonet8", "emonet5", "dlib-68"}


def test_checkpoints_that_share_a_file_name() -> None:
    sharing = {name for name, entry in weights.registry().items() if shares_file_name(entry)}
    assert sharing == {"deep3d", "deep3d-2023"}


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'synknet'; did you mean 'syncnet'\?"):
        weights.locate("synknet")


def test_heads_of_lpips_come_with_the_package() -> None:
    heads = [weights.registry()[f"lpips-{net}"] for net in ("alex", "vgg", "squeeze")]
    assert {(entry.package, entry.extra, entry.commercial) for entry in heads} == {("lpips/weights/v0.1", None, True)}


def test_verification_is_one_sentence_that_names_its_weights() -> None:
    for entry in weights.registry().values():
        assert re.fullmatch(r"[A-Zi][^.]+\.", entry.verified)
        assert entry.verified_with in ("published", "seeded", None)
        assert ("seeded" in entry.verified) == (entry.verified_with == "seeded")
    unverified = {name for name, entry in weights.registry().items() if entry.verified_with is None}
    assert unverified == {"buffalo_l", "dlib-5", "i3d-torchscript"}


def test_mistyped_field_of_a_registry_is_refused() -> None:
    with pytest.raises(TypeError, match="licens"):
        parse_registry('[a]\nfile = "a"\nurls = []\nlicens = "x"\ncommercial = true')


def test_registered_checkpoint_is_used_like_those_of_the_package(
    machine: Path, server: Server, use_registry: Callable
) -> None:
    use_registry()
    buffer = io.BytesIO()
    torch.save({"module.weight": torch.arange(3.0)}, buffer)
    body = buffer.getvalue()
    sha256 = hashlib.sha256(body).hexdigest()
    entry = weights.WeightEntry(
        name="openness", file="openness.pth", urls=(server.put("openness.pth", body),), sha256=sha256, license="MIT"
    )
    with pytest.raises(InputError, match="no checkpoint is called 'openness'"):
        weights.locate("openness")
    weights.register(entry)
    assert weights.registry()["openness"] is entry
    assert weights.status("openness").state == "missing"
    with pytest.raises(WeightsNotFoundError, match="`thm weights fetch openness`"):
        weights.locate("openness")
    path = machine / "cache" / "openness.pth"
    assert weights.obtain("openness") == weights.Found(path, sha256, custom=False)
    assert weights.verify("openness").state == "available"
    assert weights.load("openness")["weight"].tolist() == [0, 1, 2]
    assert weights.license_notice("openness") == "openness: license: MIT; commercial use not settled"
    shown = CliRunner().invoke(main, ["weights", "list"]).stdout
    assert re.search(r"openness +openness\.pth +\? +available +- +not settled +MIT", shown)
    path.write_bytes(body[:-1])
    assert weights.verify("openness").state == "corrupt"


def test_registered_checkpoint_whose_download_is_another_file(
    machine: Path, server: Server, use_registry: Callable
) -> None:
    use_registry()
    entry = make_entry("openness", b"right", server.put("openness.pth", b"wrong"), size=None)
    weights.register(entry)
    with pytest.raises(WeightsNotFoundError, match="not the published one"):
        weights.obtain("openness")
    assert not (machine / "cache" / "openness.pth").exists()


def test_name_is_registered_with_one_set_of_facts(use_registry: Callable) -> None:
    use_registry()
    entry = make_entry("net", b"net")
    weights.register(entry)
    weights.register(replace(entry))
    assert dict(weights.registry()) == {"net": entry}
    for field in fields(entry):
        if field.name not in ("name", "urls", "aliases", "file", "sha256", "sha256_prefix", "git_blob"):
            with pytest.raises(InputError, match="'net' is already registered with other facts"):
                weights.register(replace(entry, **{field.name: "other"}))
    assert dict(weights.registry()) == {"net": entry}


def test_entry_of_the_package_cannot_be_replaced() -> None:
    before = weights.registry()["syncnet"]
    with pytest.raises(InputError, match=r"'syncnet' is already registered.*give yours another `name`"):
        weights.register(make_entry("syncnet", b"mine"))
    weights.register(before)
    assert weights.registry()["syncnet"] is before


def test_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        weights.registry()["net"] = make_entry("net", b"")  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "../net"}, "`name` is '../net', needs a plain name"),
        ({"name": "a=b"}, "`name` is 'a=b'"),
        ({"name": ""}, "`name` is ''"),
        ({"file": "folder/net.pth"}, "`file` is 'folder/net.pth'"),
        ({"file": ".."}, r"`file` is '\.\.'"),
        ({"aliases": ("ok.pth", "a/b")}, "`aliases` is 'a/b'"),
        ({"urls": "https://example.org/net.pth"}, "`urls` is a str, needs a tuple of strings"),
        ({"sha256": "ABC"}, "`sha256` is 'ABC', needs .*`sha256sum net.pth` prints the hash"),
        ({"sha256_prefix": "12"}, "`sha256_prefix` is '12'"),
        ({"git_blob": "AB"}, "`git_blob` is 'AB', needs .*`git hash-object net.pth` prints the hash"),
    ],
)
def test_entry_that_cannot_work_is_refused(use_registry: Callable, given: dict[str, object], said: str) -> None:
    use_registry()
    with pytest.raises(InputError, match=said):
        weights.register(replace(make_entry("net", b"net"), **given))
    assert not weights.registry()


def test_license_of_a_registered_checkpoint_is_kept(use_registry: Callable) -> None:
    use_registry()
    weights.register(make_entry("net", b"net", commercial=False))
    with pytest.raises(WeightsError, match="'net' is refused under commercial use"):
        weights.locate("net", commercial=True)
