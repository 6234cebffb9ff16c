"""Checkpoints that are a folder of files, and those whose terms must be accepted."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from weights.server import Server, make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights import Part, WeightEntry
from thm_torchmetrics.weights.registry import digest_of_parts

BODIES = {"b.dat": b"second" * 50, "a.dat": b"first" * 9, "c.txt": b"third"}
TERMS = "https://example.org/terms"


def hashed(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def folder_entry(url: Callable[[str], str], terms: str = "", **fields: object) -> WeightEntry:
    parts = tuple(Part(file, url(file), hashed(body), len(body)) for file, body in BODIES.items())
    digest = digest_of_parts({part.file: part.sha256 for part in parts})
    known = {"parts": parts, "terms": terms, "sha256": digest, "size": sum(part.size for part in parts)}
    return make_entry("models", b"", file="models", **(known | fields))


@pytest.fixture
def entry(machine: Path, server: Server, use_registry: Callable) -> WeightEntry:
    for file, body in BODIES.items():
        server.put(file, body)
    made = folder_entry(server.url)
    use_registry(made)
    return made


@pytest.fixture
def guarded(machine: Path, server: Server, use_registry: Callable) -> WeightEntry:
    for file, body in BODIES.items():
        server.put(file, body)
    made = folder_entry(server.url, TERMS, commercial=False, license="for research")
    use_registry(made, make_entry("net", b"net", server.put("net.pth", b"net")))
    return made


def write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for file, body in BODIES.items():
        (folder / file).write_bytes(body)
    return folder


def test_the_digest_is_what_sha256sum_gives(tmp_path: Path) -> None:
    write(tmp_path / "models")
    lines = subprocess.run("sha256sum a.dat b.dat c.txt", shell=True, cwd=tmp_path / "models", capture_output=True)  # noqa: S602
    digest = digest_of_parts({file: hashed(body) for file, body in BODIES.items()})
    assert hashlib.sha256(lines.stdout).hexdigest() == digest


def test_all_files_are_fetched_once_and_verified(entry: WeightEntry, machine: Path, server: Server) -> None:
    seen: list[tuple[int, int | None]] = []
    found = weights.obtain("models", progress=lambda done, total: seen.append((done, total)))
    assert found == weights.Found(machine / "cache" / "models", entry.sha256, custom=False)
    assert {path.name: path.read_bytes() for path in found.path.iterdir()} == BODIES
    assert seen == sorted(seen)
    assert seen[-1] == (entry.size, entry.size)
    asked = len(server.requests)
    assert asked == 3
    assert weights.obtain("models") == found
    assert len(server.requests) == asked
    assert sorted(path.name for path in found.path.parent.iterdir()) == [".models.lock", "models"]


def test_a_fetch_that_broke_off_goes_on_with_the_files_that_lack(
    entry: WeightEntry, machine: Path, server: Server
) -> None:
    body = server.answers.pop("c.txt")
    with pytest.raises(WeightsNotFoundError, match="HTTP 404"):
        weights.obtain("models")
    assert weights.status("models").state == "missing"
    assert not (machine / "cache" / "models").exists()
    server.answers["c.txt"] = body
    before = [request.path for request in server.requests]
    weights.obtain("models")
    assert [request.path for request in server.requests[len(before) :]] == ["c.txt"]


@pytest.mark.parametrize("file", BODIES)
def test_a_file_with_other_bytes_is_never_taken(entry: WeightEntry, machine: Path, server: Server, file: str) -> None:
    server.put(file, BODIES[file][:-1] + b"!")
    with pytest.raises(WeightsNotFoundError, match=f"{file}.*not the published one"):
        weights.obtain("models")
    assert not (machine / "cache" / "models").exists()


@pytest.mark.parametrize("file", BODIES)
def test_a_folder_that_is_not_the_published_one_is_refused_by_file(
    entry: WeightEntry, machine: Path, file: str
) -> None:
    folder = write(machine / "work" / "weights" / "models")
    assert weights.locate("models").path == folder
    (folder / "notes").write_text("anything else may lie there")
    assert weights.locate("models").path == folder
    (folder / file).write_bytes(b"other")
    with pytest.raises(WeightsError, match=f"a folder that holds other bytes in {file}"):
        weights.locate("models")
    assert weights.verify("models").state == "corrupt"
    (folder / file).unlink()
    with pytest.raises(WeightsError, match=f"a folder that lacks {file}"):
        weights.locate("models")


def test_a_folder_of_the_user_s_own(entry: WeightEntry, machine: Path) -> None:
    folder = write(machine / "mine" / "models")
    assert weights.locate("models", folder) == weights.Found(folder, entry.sha256, custom=False)
    (folder / "a.dat").write_bytes(b"my own")
    mine = weights.locate("models", folder)
    assert mine.custom
    assert mine.sha256 != entry.sha256
    assert weights.files_in(machine / "mine") == {"models": folder}
    assert weights.Checkpoints({"models": folder}).obtain("models").sha256 == mine.sha256
    (folder / "a.dat").unlink()
    with pytest.raises(WeightsNotFoundError, match=r"the folder given for the checkpoint 'models' lacks a\.dat"):
        weights.locate("models", folder)
    with pytest.raises(WeightsNotFoundError, match="is a folder of 3 files, and a file was given"):
        weights.locate("models", folder / "b.dat")
    with pytest.raises(InputError, match=r"lacks a\.dat"):
        weights.Checkpoints({"models": folder}).check_files()


def test_a_folder_holds_no_state_dict(entry: WeightEntry) -> None:
    weights.obtain("models")
    with pytest.raises(WeightsError, match="a folder of files that hold no state dict"):
        weights.load("models")


def test_nothing_is_fetched_before_the_terms_are_accepted(guarded: WeightEntry, machine: Path, server: Server) -> None:
    together = weights.Checkpoints()
    for attempt in (weights.obtain, weights.Checkpoints().obtain, lambda name: together.obtain_all([name])):
        with pytest.raises(WeightsNotFoundError) as error:
            attempt("models")
        assert TERMS in str(error.value)
        assert "`thm weights fetch models --accept-license`" in str(error.value)
        assert "for research" in str(error.value)
    assert not server.requests
    assert not (machine / "cache").exists()
    answer = weights.accept_license("models")
    assert TERMS in answer.read_text()
    weights.obtain("models")
    assert len(server.requests) == 3


def test_the_answer_is_kept_and_can_be_withdrawn(guarded: WeightEntry, machine: Path) -> None:
    answer = weights.accept_license("models")
    assert answer.parent == machine / "cache"
    assert weights.is_accepted(guarded)
    answer.unlink()
    assert not weights.is_accepted(guarded)


def test_files_that_are_there_need_no_answer(guarded: WeightEntry, machine: Path) -> None:
    folder = write(machine / "cache" / "models")
    assert weights.obtain("models").path == folder


def test_commercial_use_cannot_accept(
    guarded: WeightEntry, machine: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WeightsError, match="refused under commercial use"):
        weights.accept_license("models", commercial=True)
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    result = CliRunner().invoke(main, ["weights", "fetch", "models", "--accept-license"])
    assert result.exit_code == 3
    assert "refused under commercial use" in result.stderr
    assert not weights.is_accepted(guarded)
    assert not server.requests


def test_the_command_asks_once(guarded: WeightEntry, machine: Path, server: Server) -> None:
    refused = CliRunner().invoke(main, ["weights", "fetch", "models"])
    assert refused.exit_code == 3
    assert TERMS in refused.stderr
    assert "--accept-license" in refused.stderr
    assert not server.requests
    accepted = CliRunner().invoke(main, ["weights", "fetch", "models", "--accept-license"])
    assert accepted.exit_code == 0, accepted.stderr
    assert f"{machine / 'cache' / 'models.license-accepted.txt'} remembers it" in accepted.stderr
    assert "models: " in accepted.stdout
    again = CliRunner().invoke(main, ["weights", "fetch", "models", "--accept-license"])
    assert "remembers it" not in again.stderr
    assert len(server.requests) == 3


def test_others_are_fetched_beside_one_that_is_not_accepted(guarded: WeightEntry, machine: Path) -> None:
    result = CliRunner().invoke(main, ["weights", "fetch", "--all"])
    assert result.exit_code == 3
    assert (machine / "cache" / "net.pth").exists()
    assert not (machine / "cache" / "models").exists()
    assert "the checkpoint 'models' is missing" in result.stderr


def test_addresses_are_printed_once_the_terms_are_accepted(guarded: WeightEntry, server: Server) -> None:
    left = CliRunner().invoke(main, ["weights", "fetch", "--urls", "models", "net"])
    assert left.stdout.splitlines() == [f"{server.url('net.pth')}  net.pth  {hashed(b'net')}"]
    assert f"models is left out: read {TERMS}" in left.stderr
    shown = CliRunner().invoke(main, ["weights", "fetch", "--urls", "models", "--accept-license"])
    assert shown.stdout.splitlines() == [
        f"{server.url(file)}  models/{file}  {hashed(body)}" for file, body in BODIES.items()
    ]
    assert not server.requests


def test_openface_s_folders_are_those_of_the_published_release() -> None:
    for name in ("openface-au", "openface-au-static"):
        known = weights.registry()[name]
        assert len(known.parts) == 19
        assert known.commercial is False
        assert known.terms
        units = sorted(int(part.file.split("_")[1]) for part in known.parts if part.file.startswith("AU_"))
        assert units == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45]
        for part in known.parts:
            assert part.size == {"A": 75268, "I": 69023, "t": 1076}[part.file[0]] + 8 * ("dynamic" in part.file)
            assert part.url.startswith(
                "https://raw.githubusercontent.com/TadasBaltrusaitis/OpenFace/OpenFace_2.2.0/lib/"
            )
            assert part.url.endswith(f"/{part.file}")
