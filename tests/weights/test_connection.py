"""Hosts that cannot be reached: told in one short line, and tried once in a run."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from weights.server import Answer, Server, make_entry

from thm_torchmetrics.errors import WeightsNotFoundError
from thm_torchmetrics.weights import Checkpoints, connection

BODIES = {"one": b"1" * 3000, "two": b"2" * 3000}


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does one thing with every connection; yields its host."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            while True:
                try:
                    taken, _ = server.accept()
                except OSError:
                    return
                answer(taken)

        threading.Thread(target=run, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def refusing() -> Iterator[str]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@contextmanager
def unknown() -> Iterator[str]:
    yield "https://no-such-host.invalid"


@contextmanager
def full() -> Iterator[str]:
    """Its queue is full, so that nothing answers, as behind a firewall."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for each in waiting:
            each.close()


@contextmanager
def silent() -> Iterator[str]:
    held: list[socket.socket] = []
    with listener(held.append) as host:
        yield f"http://{host}"
    for each in held:
        each.close()


@contextmanager
def no_tls() -> Iterator[str]:
    def answer(taken: socket.socket) -> None:
        taken.recv(1 << 12)
        taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        taken.close()

    with listener(answer) as host:
        yield f"https://{host}"


@contextmanager
def proxy() -> Iterator[str]:
    def answer(taken: socket.socket) -> None:
        taken.recv(1 << 12)
        taken.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        taken.close()

    with listener(answer) as host, pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_PROXY", raising=False)
        patch.delenv("no_proxy", raising=False)
        patch.setenv("HTTPS_PROXY", f"http://{host}")
        yield "https://weights.invalid"


FAULTS = {
    refusing: "no connection to {host}: connection refused",
    unknown: "no connection to {host}: its name has no address",
    full: "no connection to {host}: timed out after 0.3 s",
    silent: "no answer from {host}: timed out after 0.4 s",
    no_tls: "no secure connection to {host}: ",  # OpenSSL's words differ by version
    proxy: "no connection to {host}: the proxy answers HTTP 503",
}


@pytest.fixture(autouse=True)
def _impatient(machine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT", 0.3)
    monkeypatch.setattr(connection, "SILENCE", 0.4)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each host was really asked."""
    really, counted = HTTPAdapter.send, Counter[str]()

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **options: object) -> requests.Response:
        counted[urlsplit(request.url).netloc] += 1
        return really(self, request, **options)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return counted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_host_that_cannot_be_reached_is_tried_once_in_a_run(
    fault: Callable, use_registry: Callable, tried: Counter[str]
) -> None:
    with fault() as base:
        host = urlsplit(base).netloc
        use_registry(
            *(make_entry(name, body, f"{base}/{name}", f"{base}/mirror/{name}") for name, body in BODIES.items())
        )
        checkpoints = Checkpoints()
        messages = []
        for name in ("one", "two", "one", "two"):
            with pytest.raises(WeightsNotFoundError) as error:
                checkpoints.obtain(name)
            messages.append(str(error.value))
        assert tried == {host: 1}
    assert messages[:2] == messages[2:]
    for message in messages:
        assert message.count(FAULTS[fault].format(host=host)) == 1  # one line for both addresses
        assert not re.search(r"urllib3|Pool|object at|Max retries|Errno|\(_ssl", message)
        assert "\n" not in message


def test_other_host_is_asked_all_the_same(server: Server, use_registry: Callable, tried: Counter[str]) -> None:
    with refusing() as base:
        use_registry(*(make_entry(name, body, f"{base}/", server.put(name, body)) for name, body in BODIES.items()))
        checkpoints = Checkpoints()
        for name in BODIES:
            checkpoints.obtain(name)
        assert tried[urlsplit(base).netloc] == 1


def test_host_behind_a_redirection_is_remembered_by_its_own_name(
    machine: object, use_registry: Callable, tried: Counter[str]
) -> None:
    """huggingface.co and github.com send everyone on to other hosts."""
    with refusing() as base:

        def redirect(taken: socket.socket) -> None:
            taken.recv(1 << 12)
            taken.sendall(f"HTTP/1.1 302 Found\r\nLocation: {base}/x\r\nContent-Length: 0\r\n\r\n".encode())
            taken.close()

        with listener(redirect) as front:
            use_registry(*(make_entry(name, body, f"http://{front}/{name}") for name, body in BODIES.items()))
            checkpoints = Checkpoints()
            for name in BODIES:
                with pytest.raises(WeightsNotFoundError, match=f"no connection to {urlsplit(base).netloc}"):
                    checkpoints.obtain(name)
    assert tried == {front: 2, urlsplit(base).netloc: 1}


def test_another_run_tries_again(server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("one", BODIES["one"], server.url("one")))
    checkpoints = Checkpoints()
    for _ in range(3):
        with pytest.raises(WeightsNotFoundError, match=f"HTTP 404 from {re.escape(server.url('one'))}"):
            checkpoints.obtain("one")
    assert len(server.requests) == 1
    server.put("one", BODIES["one"])
    assert Checkpoints().obtain("one").file is None


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_refusal_of_one_file_does_not_condemn_the_host(server: Server, use_registry: Callable, status: int) -> None:
    server.answers["one"] = Answer(b"no", status=status)
    use_registry(
        make_entry("one", BODIES["one"], server.url("one")),
        make_entry("two", BODIES["two"], server.put("two", BODIES["two"])),
    )
    checkpoints = Checkpoints()
    with pytest.raises(WeightsNotFoundError, match=f"HTTP {status} from"):
        checkpoints.obtain("one")
    checkpoints.obtain("two")


def test_connection_that_is_cut_may_work_for_the_next_file(use_registry: Callable, tried: Counter[str]) -> None:
    with listener(socket.socket.close) as host:
        use_registry(*(make_entry(name, body, f"http://{host}/{name}") for name, body in BODIES.items()))
        checkpoints = Checkpoints()
        for name in BODIES:
            with pytest.raises(WeightsNotFoundError, match=f"no connection to {host}: "):
                checkpoints.obtain(name)
    assert tried == {host: 2}


def test_address_of_another_kind_is_told_without_a_trace(machine: object, use_registry: Callable) -> None:
    use_registry(make_entry("one", BODIES["one"], "ftp://example.org/one"))
    with pytest.raises(WeightsNotFoundError, match=r"no answer from example\.org that can be read: InvalidSchema"):
        Checkpoints().obtain("one")


def test_file_that_appears_meanwhile_is_used(machine: object, server: Server, use_registry: Callable) -> None:
    use_registry(make_entry("one", BODIES["one"], server.url("one")))
    checkpoints = Checkpoints()
    with pytest.raises(WeightsNotFoundError):
        checkpoints.obtain("one")
    (machine / "cache" / "one.pth").write_bytes(BODIES["one"])
    assert checkpoints.obtain("one").file is None
    assert len(server.requests) == 1
