"""Downloads from a server on the loopback that does what servers do."""

import hashlib
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from weights.server import Server, make_entry, obtain_elsewhere

from thm_torchmetrics import weights
from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights import download

BODY = numpy.random.default_rng(0).bytes(3 << 20)
HALF = len(BODY) // 2
PAGE = b"<!DOCTYPE html>\n<html><title>Sign in</title></html>" * 1000


@pytest.fixture
def target(machine: Path) -> Path:
    return machine / "cache" / "net.pth"


def leftovers(target: Path) -> set[str]:
    """Files beside the checkpoint, but for the lock."""
    return {path.name for path in target.parent.iterdir()} - {f".{target.name}.lock"}


def test_file_is_downloaded_once_and_progress_reaches_the_end(
    target: Path, server: Server, use_registry: Callable
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    seen: list[tuple[int, int | None]] = []
    found = weights.obtain("net", progress=lambda done, total: seen.append((done, total)))
    assert found == weights.Found(target, hashlib.sha256(BODY).hexdigest(), custom=False)
    assert target.read_bytes() == BODY
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (len(BODY), len(BODY))
    assert leftovers(target) == {"net.pth"}
    weights.obtain("net")
    assert len(server.requests) == 1


def test_chosen_folder_receives_the_file(
    machine: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(machine / "deep" / "chosen"))
    assert weights.obtain("net").path == machine / "deep" / "chosen" / "net.pth"


def test_files_of_one_name_do_not_overwrite_each_other(machine: Path, server: Server, use_registry: Callable) -> None:
    bodies = {"first": BODY, "second": BODY[::-1]}
    use_registry(*(make_entry(name, body, server.put(name, body), file="e.pth") for name, body in bodies.items()))
    assert {name: weights.obtain(name).path.read_bytes() for name in bodies} == bodies
    assert weights.locate("first").path != weights.locate("second").path


def test_one_wrong_byte_is_noticed_and_removed(target: Path, server: Server, use_registry: Callable) -> None:
    wrong = BODY[:HALF] + bytes([BODY[HALF] ^ 1]) + BODY[HALF + 1 :]
    use_registry(make_entry("net", BODY, server.put("net.pth", wrong)))
    with pytest.raises(
        WeightsNotFoundError, match=f"but not the published one: SHA256 {hashlib.sha256(wrong).hexdigest()}"
    ):
        weights.obtain("net")
    assert leftovers(target) == set()


@pytest.mark.parametrize("size", [len(BODY), None])
def test_html_page_is_called_that_and_not_kept(target: Path, server: Server, use_registry: Callable, size: int) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", PAGE), size=size))
    with pytest.raises(WeightsNotFoundError, match="the body is an HTML page"):
        weights.obtain("net")
    assert leftovers(target) == set()


def test_page_does_not_cost_a_part_that_was_received_before(
    target: Path, server: Server, use_registry: Callable
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", PAGE, ranges=False)))
    target.parent.mkdir()
    part = target.with_name("net.pth.part")
    part.write_bytes(BODY[:HALF])
    with pytest.raises(WeightsNotFoundError, match="an HTML page"):
        weights.obtain("net")
    assert part.read_bytes() == BODY[:HALF]


@pytest.mark.parametrize(("length", "said"), [(True, "announced"), (False, "the body is cut short:")])
def test_short_body_is_called_that_and_not_kept(
    target: Path, server: Server, use_registry: Callable, length: bool, said: str
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY[:HALF], length=length)))
    with pytest.raises(WeightsNotFoundError, match=f"{said} {HALF:,} bytes instead of {len(BODY):,}"):
        weights.obtain("net")
    assert leftovers(target) == set()


@pytest.mark.parametrize("begun", [0, HALF])
def test_body_that_does_not_end_is_left(target: Path, server: Server, use_registry: Callable, begun: int) -> None:
    """Ten times the file without an announced length; the server stops when the connection is closed."""
    endless = BODY * 10
    use_registry(make_entry("net", BODY, server.put("net.pth", endless, length=False)))
    target.parent.mkdir()
    if begun:
        target.with_name("net.pth.part").write_bytes(BODY[:begun])
    with pytest.raises(WeightsNotFoundError, match=f"sends more than the {len(BODY):,} bytes of the file"):
        weights.obtain("net")
    assert leftovers(target) == set()
    assert [request.sent < len(endless) - begun for request in server.requests] == [True]


def test_mirror_is_asked_when_a_body_does_not_end(target: Path, server: Server, use_registry: Callable) -> None:
    endless, mirror = server.put("endless", BODY * 10, length=False), server.put("mirror", BODY)
    use_registry(make_entry("net", BODY, endless, mirror))
    assert weights.obtain("net").path.read_bytes() == BODY


def test_body_of_unknown_size_has_a_limit_too(
    target: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_LARGEST", 2 * len(BODY))
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY * 10, length=False), size=None))
    with pytest.raises(WeightsNotFoundError, match=f"sends more than {2 * len(BODY):,} bytes, the limit"):
        weights.obtain("net")
    assert leftovers(target) == set()


@pytest.mark.parametrize("wrong", ["404", "page", "bytes", "nobody"])
def test_mirror_is_asked_when_upstream_fails(target: Path, server: Server, use_registry: Callable, wrong: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        first = {
            "404": server.url("absent"),
            "page": server.put("page", PAGE),
            "bytes": server.put("bytes", BODY[::-1]),
            "nobody": f"http://127.0.0.1:{unused.getsockname()[1]}/",
        }[wrong]
        use_registry(make_entry("net", BODY, first, server.put("mirror", BODY)))
        assert weights.obtain("net").path.read_bytes() == BODY
    assert server.requests[-1].path == "mirror"


def test_all_failures_are_listed_with_the_way_by_hand(target: Path, server: Server, use_registry: Callable) -> None:
    urls = server.url("absent"), server.put("page", PAGE)
    use_registry(make_entry("net", BODY, *urls, page="https://example.org/folder"))
    with pytest.raises(WeightsNotFoundError) as error:
        weights.obtain("net")
    for said in (*urls, "404", "HTML page", "https://example.org/folder", str(target.parent)):
        assert said in str(error.value)


def test_connection_that_drops_is_continued(target: Path, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY, breaks=[HALF])))
    assert weights.obtain("net").path.read_bytes() == BODY
    assert len(server.requests) == 2
    assert int(server.requests[1].range.strip("bytes=-")) > HALF // 2


def test_connection_that_drops_every_time_keeps_its_part_for_the_next_run(
    target: Path, server: Server, use_registry: Callable
) -> None:
    block = 1 << 18
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY, breaks=[(n + 2) * block for n in range(5)])))
    with pytest.raises(WeightsNotFoundError, match="the connection broke off 5 times"):
        weights.obtain("net")
    (part,) = leftovers(target)
    size = (target.parent / part).stat().st_size
    assert (target.parent / part).read_bytes() == BODY[:size]
    assert weights.obtain("net").path.read_bytes() == BODY
    assert server.requests[-1].range == f"bytes={size}-"


def test_process_killed_half_way_is_continued_by_the_next(target: Path, server: Server, use_registry: Callable) -> None:
    stalls = threading.Event()
    known = use_registry(make_entry("net", BODY, server.put("net.pth", BODY, stalls=stalls)))
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Event()
    process = spawn.Process(target=obtain_elsewhere, args=(known, "net", str(target.parent), start))
    process.start()
    start.set()
    part = target.with_name("net.pth.part")
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > HALF // 2):
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.join()
    stalls.set()
    size = part.stat().st_size
    assert 0 < size < len(BODY)
    assert not target.exists()
    assert weights.obtain("net").path.read_bytes() == BODY
    assert server.requests[-1].range == f"bytes={size}-"
    assert server.requests[-1].sent == len(BODY) - size
    assert leftovers(target) == {"net.pth"}


def test_server_without_ranges_starts_again(target: Path, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY, ranges=False, breaks=[HALF])))
    assert weights.obtain("net").path.read_bytes() == BODY
    assert [request.range is None for request in server.requests] == [True, False]


@pytest.mark.parametrize("part", [BODY[::-1][:HALF], BODY[::-1], BODY + b"x"])
def test_part_with_wrong_bytes_costs_one_more_request(
    target: Path, server: Server, use_registry: Callable, part: bytes
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    target.parent.mkdir()
    target.with_name("net.pth.part").write_bytes(part)
    assert weights.obtain("net").path.read_bytes() == BODY
    assert len(server.requests) == 2


def test_part_that_is_whole_costs_no_body(target: Path, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    target.parent.mkdir()
    target.with_name("net.pth.part").write_bytes(BODY)
    assert weights.obtain("net").path.read_bytes() == BODY
    assert sum(request.sent for request in server.requests) == 0


def test_two_processes_at_once_transfer_one_body(target: Path, server: Server, use_registry: Callable) -> None:
    known = use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    processes = [
        spawn.Process(target=obtain_elsewhere, args=(known, "net", str(target.parent), start)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert [request.sent for request in server.requests] == [len(BODY)]
    assert target.read_bytes() == BODY


def test_two_threads_at_once_transfer_one_body(target: Path, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    threads = [threading.Thread(target=weights.obtain, args=("net",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [request.sent for request in server.requests] == [len(BODY)]


def test_offline_downloads_nothing(
    target: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    monkeypatch.setenv("THM_OFFLINE", "1")
    with pytest.raises(
        WeightsNotFoundError, match=r"'net' is missing: .* Nothing is downloaded, because THM_OFFLINE is"
    ):
        weights.obtain("net")
    assert server.requests == []
    monkeypatch.setenv("THM_OFFLINE", "0")
    assert weights.obtain("net").path == target


def test_offline_argument_is_stronger_than_the_variable(
    target: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    monkeypatch.setenv("THM_OFFLINE", "0")
    before = dict(os.environ)
    with pytest.raises(WeightsNotFoundError, match=r"Nothing is downloaded, because `offline` is True \(--offline\)$"):
        weights.obtain("net", offline=True)
    assert server.requests == []
    monkeypatch.setenv("THM_OFFLINE", "1")
    assert weights.obtain("net", offline=False).path == target
    monkeypatch.setenv("THM_OFFLINE", "0")
    assert dict(os.environ) == before


def test_nothing_is_downloaded_that_no_hash_verifies(target: Path, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY), sha256=None))
    with pytest.raises(WeightsNotFoundError, match="cannot be fetched automatically"):
        weights.obtain("net")
    assert server.requests == []


def test_nothing_is_downloaded_in_place_of_the_users_file_or_over_a_wrong_one(
    target: Path, server: Server, use_registry: Callable
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    with pytest.raises(WeightsNotFoundError, match="does not exist"):
        weights.obtain("net", "absent.pth")
    target.parent.mkdir()
    target.write_bytes(BODY[1:])
    with pytest.raises(WeightsError, match="cut short"):
        weights.obtain("net")
    assert server.requests == []
    assert target.read_bytes() == BODY[1:]


def test_folder_that_cannot_be_made(
    machine: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    (machine / "file").touch()
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(machine / "file" / "weights"))
    with pytest.raises(WeightsError, match=r"net\.pth cannot be written: .* Set THM_WEIGHTS_DIR to a folder that can"):
        weights.obtain("net")
    assert server.requests == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc, where even root cannot make a file")
def test_folder_that_exists_but_takes_no_file(
    machine: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    monkeypatch.setenv("THM_WEIGHTS_DIR", "/proc")
    with pytest.raises(WeightsError, match=r"/proc/net\.pth cannot be written"):
        weights.obtain("net")


def test_simulated_write_error_half_way_is_not_blamed_on_the_server(
    target: Path, server: Server, use_registry: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    really_open = Path.open

    def full(path: Path, mode: str = "r", **options: object) -> object:
        if path.name.endswith(".part") and mode[0] in "aw":
            raise OSError(28, "No space left on device")
        return really_open(path, mode, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(WeightsError, match="cannot be written: No space left on device"):
        weights.obtain("net")


def others(machine: Path) -> Path:
    """A file of another user, to which a link points."""
    path = machine / "others"
    path.write_bytes(BODY[:HALF])
    return path


@pytest.mark.parametrize("name", ["net.pth.part", ".net.pth.lock"])
@pytest.mark.parametrize("dangling", [False, True])
def test_link_in_the_place_of_a_file_is_not_written_through(
    target: Path, machine: Path, server: Server, use_registry: Callable, name: str, dangling: bool
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    target.parent.mkdir()
    theirs = others(machine)
    if dangling:
        theirs.unlink()
    (target.parent / name).symlink_to(theirs)
    with pytest.raises(WeightsError, match=rf"{name} is a link, and is not written to; remove it"):
        weights.obtain("net")
    assert (not theirs.exists()) if dangling else theirs.read_bytes() == BODY[:HALF]
    assert (target.parent / name).is_symlink()
    (target.parent / name).unlink()
    assert weights.obtain("net").path == target


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["net.pth.part", ".net.pth.lock"])
def test_pipe_in_the_place_of_a_file_does_not_stop_the_run(
    target: Path, server: Server, use_registry: Callable, name: str
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    target.parent.mkdir()
    os.mkfifo(target.parent / name)
    with pytest.raises(WeightsError, match=rf"{name} is no file"):
        weights.obtain("net")


def test_link_in_the_place_of_the_checkpoint_is_replaced_and_its_target_left(
    target: Path, machine: Path, server: Server, use_registry: Callable
) -> None:
    use_registry(make_entry("net", BODY, server.put("net.pth", BODY)))
    target.parent.mkdir()
    target.symlink_to(machine / "absent")
    assert weights.obtain("net").path == target
    assert not target.is_symlink()
    assert not (machine / "absent").exists()
