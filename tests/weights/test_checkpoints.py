"""The source of a metric's checkpoints: custom files, arguments instead of variables, and who is told."""

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from weights.server import Server, make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights import Checkpoint, Checkpoints

BODY = bytes(range(256)) * 4


@pytest.fixture
def known(machine: Path, server: Server, use_registry: Callable) -> dict[str, weights.WeightEntry]:
    """`net` and `open` can be downloaded; `closed` excludes commercial use."""
    return use_registry(
        make_entry("net", BODY, server.put("net.pth", BODY), commercial=None),
        make_entry("open", BODY[1:], server.put("open.pth", BODY[1:])),
        make_entry("closed", BODY[2:], server.put("closed.pth", BODY[2:]), commercial=False),
    )


def test_published_checkpoint_has_no_file(known: dict[str, weights.WeightEntry]) -> None:
    assert Checkpoints().obtain("net") == Checkpoint("net", None, known["net"].sha256)


def test_custom_file_is_used_for_its_name_only(known: dict[str, weights.WeightEntry], machine: Path) -> None:
    mine = machine / "mine.pth"
    mine.write_bytes(b"mine")
    checkpoints = Checkpoints({"net": mine})
    assert checkpoints.obtain("net") == Checkpoint("net", str(mine), weights.locate("net", mine).sha256)
    assert checkpoints.obtain("open").file is None
    with pytest.raises(WeightsNotFoundError, match="does not exist"):
        Checkpoints({"net": machine / "absent.pth"}).obtain("net")


def test_every_form_of_the_argument(known: dict[str, weights.WeightEntry]) -> None:
    given = Checkpoints({"open": "o"}, offline=True)
    assert Checkpoints.of(None, "net") == Checkpoints()
    assert Checkpoints.of("a.pth", "net") == Checkpoints({"net": "a.pth"})
    assert Checkpoints.of(Path("a.pth"), "net") == Checkpoints({"net": "a.pth"})
    assert Checkpoints.of({"open": "b.pth", "net": Path("a.pth")}, "net").files == {"net": "a.pth", "open": "b.pth"}
    assert Checkpoints.of(given, "net") is given
    with pytest.raises(InputError, match="`weights` is a int, needs a path"):
        Checkpoints.of(3, "net")  # type: ignore[arg-type]


def test_unknown_names_are_refused(known: dict[str, weights.WeightEntry]) -> None:
    with pytest.raises(InputError, match=r"'nett'; did you mean 'net'\?"):
        Checkpoints.of({"nett": "a.pth"}, "net")
    with pytest.raises(InputError, match="'nett'"):
        Checkpoints({"nett": "a.pth"})
    with pytest.raises(InputError, match="'nett'"):
        Checkpoints().obtain("nett")


def test_equality_is_that_of_the_files_and_not_of_the_callbacks(known: dict[str, weights.WeightEntry]) -> None:
    first = Checkpoints({"net": "a", "open": Path("b")}, offline=True, on_license=print, on_download=print)
    second = Checkpoints({"open": "b", "net": "a"}, offline=True)
    assert first == second
    assert hash(first) == hash(second)
    others = [
        Checkpoints({"net": "a"}, offline=True),
        Checkpoints({"net": "a", "open": "c"}, offline=True),
        Checkpoints({"net": "a", "open": "b"}),
        Checkpoints({"net": "a", "open": "b"}, offline=True, commercial=True),
    ]
    assert len({first, second, *others}) == 5
    assert repr(first) == "Checkpoints(files={'net': 'a', 'open': 'b'}, offline=True, commercial=None)"


def test_files_do_not_follow_the_mapping_that_was_given(known: dict[str, weights.WeightEntry]) -> None:
    given = {"net": "a"}
    checkpoints = Checkpoints(given)
    given["net"] = "b"
    assert checkpoints.files == {"net": "a"}
    with pytest.raises(TypeError):
        checkpoints.files["net"] = "b"  # type: ignore[index]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])  # noqa: S301
def test_copies_are_equal(known: dict[str, weights.WeightEntry], copied: Callable) -> None:
    checkpoints = Checkpoints({"open": "b", "net": Path("a")}, commercial=False)
    again = copied(checkpoints)
    assert again == checkpoints
    assert hash(again) == hash(checkpoints)
    assert again.files["net"] == "a"


def test_offline_and_commercial_need_no_variable(
    known: dict[str, weights.WeightEntry], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    with pytest.raises(WeightsNotFoundError, match="`offline` is True"):
        Checkpoints(offline=True).obtain("net")
    with pytest.raises(WeightsError, match="'closed' is refused under commercial use"):
        Checkpoints(commercial=True).obtain("closed")
    assert server.requests == []
    assert dict(os.environ) == before
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    with pytest.raises(WeightsNotFoundError, match="THM_OFFLINE is set"):
        Checkpoints().obtain("net")
    with pytest.raises(WeightsError, match="'closed' is refused"):
        Checkpoints().obtain("closed")
    allowed = Checkpoints(offline=False, commercial=False)
    assert allowed.obtain("closed").sha256 == known["closed"].sha256


def test_downloads_are_told_by_name(known: dict[str, weights.WeightEntry]) -> None:
    seen: list[tuple[str, int, int | None]] = []
    checkpoints = Checkpoints(on_download=lambda *told: seen.append(told))
    for _ in range(2):
        checkpoints.obtain("net")
    checkpoints.obtain("open")
    assert seen == [("net", len(BODY), len(BODY)), ("open", len(BODY) - 1, len(BODY) - 1)]


def test_license_is_told_once_unless_it_allows_commercial_use(
    known: dict[str, weights.WeightEntry], machine: Path
) -> None:
    seen: list[str] = []
    mine = machine / "mine.pth"
    mine.write_bytes(b"mine")
    for files in ({}, {"closed": mine}):
        checkpoints = Checkpoints(files, on_license=seen.append)
        for name in ("net", "open", "closed", "net", "closed"):
            checkpoints.obtain(name)
        assert seen == [weights.license_notice("net"), weights.license_notice("closed")]
        seen.clear()


def test_license_of_a_checkpoint_that_was_not_obtained_is_not_told(known: dict[str, weights.WeightEntry]) -> None:
    seen: list[str] = []
    with pytest.raises(WeightsNotFoundError):
        Checkpoints(offline=True, on_license=seen.append).obtain("net")
    assert seen == []
