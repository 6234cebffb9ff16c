"""Connections to the hosts of checkpoints: a host that cannot be reached is tried once in a run.

This module imports requests; download.py imports it only where a download is due.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from thm_torchmetrics.weights.attempts import Refused

CONNECT = 10.0
"""Seconds in which a host must take the connection."""
SILENCE = 60.0
"""Seconds without a byte after which a host is given up."""


class _Adapter(HTTPAdapter):
    """Remember the hosts that cannot be reached, redirections included, and fail at once when they come again."""

    def __init__(self, unreachable: dict[str, str]) -> None:
        super().__init__()
        self._unreachable = unreachable

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host = host_of(request.url or "")
        if host in self._unreachable:
            raise Refused(self._unreachable[host])
        try:
            return super().send(request, *args, **kwargs)
        except requests.RequestException as error:
            reason = explain(error, host)
            if not any(isinstance(cause, (RemoteDisconnected, ConnectionResetError)) for cause in _causes(error)):
                self._unreachable[host] = reason
            raise Refused(reason) from error


def open_session(unreachable: dict[str, str]) -> requests.Session:
    """Return a session of requests.

    Args:
        unreachable: the reasons by host for those that could not be reached, which the session reads and adds to.
    """
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(unreachable))
    return session


def host_of(url: str) -> str:
    """Return the host in an address, with its port if that is given."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def explain(error: requests.RequestException, host: str) -> str:
    """Say in one line why a request failed."""
    causes = list(_causes(error))
    match error:
        case requests.ConnectTimeout():
            return f"no connection to {host}: timed out after {CONNECT:g} s"
        case requests.ReadTimeout():
            return f"no answer from {host}: timed out after {SILENCE:g} s"
        case requests.exceptions.ProxyError():
            answer = re.search(r"Tunnel connection failed: (\d+)", str(error))
            return f"no connection to {host}: the proxy " + (
                f"answers HTTP {answer[1]}" if answer else f"cannot be reached{_system_error(causes)}"
            )
        case requests.exceptions.SSLError():
            said = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
            why = getattr(said, "verify_message", "") or getattr(said, "reason", "") or "TLS failed"
            return f"no secure connection to {host}: {str(why).replace('_', ' ').lower()}"
        case requests.ConnectionError():
            return f"no connection to {host}{_system_error(causes)}"
        case requests.TooManyRedirects():
            return f"{host} redirects without end"
    return f"no answer from {host} that can be read: {type(error).__name__}"


def _system_error(causes: list[BaseException]) -> str:
    """Return the words of the operating system for what went wrong."""
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return ": its name has no address"
        if isinstance(cause, RemoteDisconnected):
            return ": it closed the connection"
        if isinstance(cause, OSError) and cause.strerror:
            return f": {cause.strerror.lower()}"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that led to it; requests and urllib3 wrap them several times."""
    seen: list[BaseException] = [error]
    for each in seen:
        yield each
        for cause in (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__):
            if isinstance(cause, BaseException) and cause not in seen:
                seen.append(cause)
