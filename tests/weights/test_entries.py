import re
from urllib.parse import urlsplit

import pytest

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.weights import registry as entries

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
    hashes = [weight.sha256 for weight in weights.registry().values() if weight.sha256]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes)
    assert len(set(hashes)) == len(hashes)


def test_hash_in_a_file_name_is_the_beginning_of_the_hash() -> None:
    # torch.hub's convention: NAME-PREFIX.SUFFIX
    named = {weight: re.search(r"-([0-9a-f]{8,})\.", weight.file) for weight in weights.registry().values()}
    named = {weight: found[1] for weight, found in named.items() if found}
    assert len(named) == 6
    assert all(weight.sha256.startswith(prefix) for weight, prefix in named.items())


def test_only_those_with_no_known_hash_are_not_verifiable() -> None:
    unknown = {name for name, weight in weights.registry().items() if not weight.verifiable}
    assert unknown == {"arcface-r50", "arcface-r18", "deep3d-2023"}


def test_addresses_give_files_over_https() -> None:
    for weight in weights.registry().values():
        for url in weight.urls:
            parts = urlsplit(url)
            assert parts.scheme == "https"
            assert not re.search(r"drive\.google|1drv|/blob/", url)
            assert parts.path.rsplit("/", 1)[1] in (weight.file, *weight.aliases)
        assert weight.urls or weight.page or weight.package


def test_huggingface_addresses_are_downloads_of_a_revision() -> None:
    urls = [url for weight in weights.registry().values() for url in weight.urls if "huggingface" in url]
    assert len(urls) > 5
    assert all(re.match(r"https://huggingface\.co/[\w.-]+/[\w.-]+/resolve/(main|[0-9a-f]{40})/", url) for url in urls)


def test_licenses_that_exclude_commercial_use() -> None:
    refused = {name for name, weight in weights.registry().items() if weight.commercial is False}
    insightface = {"arcface-r100", "arcface-r50", "arcface-r18", "arcface-r100-glint360k", "buffalo_l"}
    assert refused == insightface | {"emonet8", "emonet5", "dlib-68"}


def test_checkpoints_that_share_a_file_name() -> None:
    sharing = {name for name, weight in weights.registry().items() if entries.shares_name(weight)}
    assert sharing == {"deep3d", "deep3d-2023"}


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'synknet'; did you mean 'syncnet'\?"):
        weights.find("synknet")


def test_mistyped_field_of_a_registry_is_refused() -> None:
    with pytest.raises(TypeError, match="licens"):
        entries.read('[a]\nfile = "a"\nurls = []\nlicens = "x"\ncommercial = true')
