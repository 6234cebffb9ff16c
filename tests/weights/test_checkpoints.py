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


ENTRIES = {
    "net": make_entry("net", BODY, "https://a.invalid/net.pth", license="MIT"),
    "unsized": make_entry("unsized", BODY[1:], "https://a.invalid/unsized.pth", size=None),
    "unhashed": make_entry("unhashed", b"", sha256=None, size=None, page="https://example.org/page"),
    "packaged": make_entry("packaged", BODY[2:], package="brought_by/models", extra="dlib"),
    "required": make_entry("required", BODY[3:], package="brought_by/models"),
    "unaddressed": make_entry("unaddressed", BODY[4:]),
    "restricted": make_entry("restricted", BODY[5:], "https://b.invalid/r.pth", commercial=False),
}


@pytest.fixture
def absent(machine: Path, use_registry: Callable) -> dict[str, weights.WeightEntry]:
    return use_registry(*ENTRIES.values())


def test_every_missing_checkpoint_is_named_at_once(absent: dict[str, weights.WeightEntry], machine: Path) -> None:
    with pytest.raises(WeightsNotFoundError) as error:
        Checkpoints(offline=True).obtain_all(absent)
    message = str(error.value)
    for name, entry in absent.items():
        assert f"- {name}: {entry.file}, {f'{entry.size:,} bytes' if entry.size else 'size not known'}\n" in message
        for fact in (f"SHA256 {entry.sha256 or 'not known'}", f"license: {entry.license}", *entry.urls):
            assert fact in message.splitlines() or f"  {fact}" in message.splitlines()
    assert message.startswith("the checkpoints net, unsized, unhashed, packaged, required, unaddressed, restricted are")
    assert "https://example.org/page" in message
    for once in ("Looked for in ", "Nothing is downloaded, because `offline` is True", str(machine / "work/weights")):
        assert message.count(once) == 1
    assert "`thm weights fetch net unsized restricted`" in message
    assert max(map(len, message.splitlines())) < 700  # no line holds everything


@pytest.mark.parametrize("name", ENTRIES)
def test_single_missing_checkpoint_is_told_as_it_is_alone(
    absent: dict[str, weights.WeightEntry], machine: Path, name: str
) -> None:
    with pytest.raises(WeightsNotFoundError) as alone:
        Checkpoints(offline=True).obtain(name)
    with pytest.raises(WeightsNotFoundError) as among:
        Checkpoints(offline=True).obtain_all([name, name])
    assert str(among.value) == str(alone.value)
    assert "\n" not in str(alone.value)
    assert f"license: {absent[name].license}" in str(alone.value)


def test_every_kind_of_fault_is_named_with_the_others(absent: dict[str, weights.WeightEntry], machine: Path) -> None:
    (machine / "cache").mkdir()
    (machine / "cache" / "unsized.pth").write_bytes(b"<html>")
    files = {"packaged": machine / "typo.pth"}
    with pytest.raises(WeightsError) as error:
        Checkpoints(files, offline=True, commercial=True).obtain_all(absent)
    message = str(error.value)
    assert not isinstance(error.value, WeightsNotFoundError)
    assert message.splitlines()[0] == (
        "the checkpoints net, unhashed, required, unaddressed, unsized, packaged, restricted "
        "are missing or cannot be used"
    )
    for said in ("it is an HTML page", "typo.pth", "'restricted' is refused under commercial use"):
        assert message.count(said) == 1


def test_checkpoints_that_are_there_are_not_named(known: dict[str, weights.WeightEntry], server: Server) -> None:
    server.answers.pop("open.pth")
    with pytest.raises(WeightsNotFoundError, match="the checkpoint 'open' could not be downloaded") as error:
        Checkpoints().obtain_all(["net", "open", "closed"])
    assert "HTTP 404" in str(error.value)
    assert "'net'" not in str(error.value)
    assert sorted(request.path for request in server.requests) == ["closed.pth", "net.pth", "open.pth"]
    Checkpoints(offline=True).obtain_all(["net", "closed"])
    Checkpoints().obtain_all([])
    with pytest.raises(InputError, match="'nett'"):
        Checkpoints(offline=True).obtain_all(["open", "nett"])


def test_reason_that_all_share_is_told_once(absent: dict[str, weights.WeightEntry]) -> None:
    with pytest.raises(WeightsNotFoundError) as error:
        Checkpoints().obtain_all(["net", "unsized", "restricted"])
    lines = str(error.value).splitlines()
    assert [line for line in lines if line.startswith("Not downloaded: ")] == [
        f"Not downloaded: no connection to {host}: its name has no address" for host in ("a.invalid", "b.invalid")
    ]


def test_failure_that_is_not_the_networks_is_not_tried_again(
    known: dict[str, weights.WeightEntry], server: Server, machine: Path
) -> None:
    (machine / "cache").mkdir()
    (machine / "cache" / "net.pth.part").mkdir()
    checkpoints = Checkpoints()
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"net\.pth\.part is no file"):
            checkpoints.obtain("net")
        (machine / "cache" / "net.pth.part").exists() and (machine / "cache" / "net.pth.part").rmdir()
    assert server.requests == []
    Checkpoints().obtain("net")


def test_custom_files_are_checked_before_any_work(known: dict[str, weights.WeightEntry], machine: Path) -> None:
    mine = machine / "mine.pth"
    mine.write_bytes(b"mine")
    Checkpoints({"net": mine}).check_files()
    Checkpoints().check_files()
    bad = {"net": machine / "typo.pth", "open": machine, "closed": machine / ("x" * 300)}
    with pytest.raises(InputError) as error:
        Checkpoints(bad).check_files()
    for said in (
        f"the file given for the checkpoint 'net' does not exist: {machine / 'typo.pth'}",
        f"the file given for the checkpoint 'open' is a folder: {machine}",
        "the file given for the checkpoint 'closed' cannot be read",
    ):
        assert said in str(error.value)
    for odd in ("/dev/null", "a\0b", "mine.pth/inside", "~nobody-of-this-name/x"):
        with pytest.raises(InputError, match="given for the checkpoint 'net'"):
            Checkpoints({"net": odd}).check_files()
        with pytest.raises(WeightsNotFoundError, match="given for the checkpoint 'net'"):
            Checkpoints({"net": odd}).obtain("net")


def test_custom_file_with_the_published_bytes_is_not_custom(
    known: dict[str, weights.WeightEntry], machine: Path
) -> None:
    copy_of_net = machine / "renamed.bin"
    copy_of_net.write_bytes(BODY)
    assert not weights.locate("net", copy_of_net).custom
    assert weights.locate("open", copy_of_net).custom
