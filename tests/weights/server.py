"""A web server on the loopback whose answers can be made wrong, and processes that fetch from it."""

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from thm_torchmetrics import weights
from thm_torchmetrics.weights import WeightEntry

BLOCK = 1 << 14


@dataclass
class Answer:
    """What the server says of one path.

    Attributes:
        body: the file.
        status: what is answered where it is not 200 or 206.
        ranges: whether a range that is asked for is honoured.
        length: whether the length is announced; if not, the connection's end is the body's.
        breaks: after how many bytes of the body the connection is dropped, one number per request, then never.
        stalls: if set, every byte after half of the body waits for this event.
    """

    body: bytes = b""
    status: int = 200
    ranges: bool = True
    length: bool = True
    breaks: list[int] = field(default_factory=list)
    stalls: threading.Event | None = None


@dataclass
class Request:
    """One request as it was answered."""

    path: str
    range: str | None
    sent: int = 0


class Server:
    """Answers by path, counts requests and the bytes of bodies."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/{path}"

    def put(self, path: str, body: bytes = b"", **options: object) -> str:
        self.answers[path] = Answer(body, **options)
        return self.url(path)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        answer = self.owner.answers.get(self.path[1:], Answer(b"no such file", status=404))
        request = Request(self.path[1:], self.headers["Range"])
        self.owner.requests.append(request)
        start = int(request.range[len("bytes=") : -1]) if request.range and answer.ranges else 0
        if start >= len(answer.body) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else answer.status)
        if answer.length:
            self.send_header("Content-Length", str(len(answer.body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}")
        self.end_headers()
        self._send(answer, request, start)

    def _send(self, answer: Answer, request: Request, start: int) -> None:
        stop = min(answer.breaks.pop(0) if answer.breaks else len(answer.body), len(answer.body))
        for at in range(start, stop, BLOCK):
            if answer.stalls is not None and at >= len(answer.body) // 2:
                answer.stalls.wait()
            block = answer.body[at : min(at + BLOCK, stop)]
            try:
                self.wfile.write(block)
            except OSError:  # the client is gone
                return
            request.sent += len(block)


def make_entry(name: str, body: bytes, *urls: str, **fields: object) -> WeightEntry:
    """An entry of a registry for these bytes."""
    known = {
        "file": f"{name}.pth",
        "sha256": hashlib.sha256(body).hexdigest(),
        "size": len(body),
        "license": "CC0-1.0",
        "commercial": True,
        "source": "https://example.org",
        "layout": "bare state dict",
        "note": "",
    }
    return WeightEntry(name=name, urls=urls, **(known | fields))


def obtain_elsewhere(known: Mapping[str, WeightEntry], name: str, folder: str, start: object) -> None:
    """Body of a process that fetches a checkpoint into a folder, once all of them are ready."""
    for entry in known.values():
        weights.register(entry)
    os.environ |= {"THM_WEIGHTS_DIR": folder, "NO_PROXY": "*"}
    start.wait()
    weights.obtain(name)
