"""Checkpoints from the network: resumed, verified, moved into place in one step, one process at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from thm_torchmetrics.errors import ThmError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.environment import is_offline
from thm_torchmetrics.weights.file_type import describe_wrong_body
from thm_torchmetrics.weights.locate import Found, cache_dir, explain_mismatch, hash_file, locate, places
from thm_torchmetrics.weights.registry import WeightEntry, get_entry, shares_file_name

if TYPE_CHECKING:
    import requests

Progress: TypeAlias = Callable[[int, int | None], None]

_BLOCK = 1 << 18
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte
_LARGEST = 16 << 30  # bytes of a file whose size is not registered
_TRIES = 5  # of one address, as long as each brings the file forward


class _Refused(Exception):
    """An address does not give the file; the message says why."""


def _total(response: requests.Response, start: int) -> int | None:
    """Return the bytes of the whole file as the server announces them."""
    length = response.headers.get("Content-Length")
    return start + int(length) if length and length.isdigit() else None


def _start(response: requests.Response, asked: int) -> int:
    """Return where in the file the answer begins: 0 unless the server continues where it was asked to."""
    if response.status_code != 206:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {asked}-"):
        raise _Refused("answered another range than the one asked for")
    return asked


def _receive(url: str, part: Path, entry: WeightEntry, progress: Progress | None) -> None:
    """Add to the part of the file what is missing of it; a server without ranges makes it start again.

    A body that goes on after the file should have ended is not received further, and is removed.
    """
    import requests

    asked = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={asked}-"} if asked else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == 416:  # nothing lies beyond the part, so it is whole, or wrong; its hash will tell
            return
        response.raise_for_status()
        done = _start(response, asked)
        total = _total(response, done)
        blocks = response.iter_content(_BLOCK)
        block = next(blocks, b"")
        if not done and (wrong := describe_wrong_body(block)) is not None:
            raise _Refused(f"answered something else: the body is {wrong}")
        if entry.size and total not in (None, entry.size):
            raise _Refused(f"announced {total:,} bytes instead of {entry.size:,}")
        most = entry.size or _LARGEST
        with part.open("ab" if done else "wb") as file:
            while block:
                done += len(block)
                if done > most:
                    break
                file.write(block)
                if progress is not None:
                    progress(done, total or entry.size)
                block = next(blocks, b"")
            file.flush()
            os.fsync(file.fileno())
    if done > most:
        part.unlink()
        limit = (
            f"the {most:,} bytes of the file" if entry.size else f"{most:,} bytes, the limit of a file of unknown size"
        )
        raise _Refused(f"sends more than {limit}")


def _fetch(url: str, part: Path, entry: WeightEntry, progress: Progress | None) -> None:
    """Fetch one address into the part until it is the published file.

    Raises:
        _Refused: if it does not become that; what was received is kept if it may be the file's beginning.
    """
    import requests

    for _ in range(_TRIES):
        before = part.stat().st_size if part.exists() else 0
        try:
            _receive(url, part, entry, progress)
        except requests.HTTPError as error:
            raise _Refused(str(error)) from error
        except requests.RequestException as error:
            if not part.exists() or part.stat().st_size <= before:
                raise _Refused(f"no connection, or it broke off: {error}") from error
            continue
        if entry.matches(hash_file(part)):
            return
        reason = explain_mismatch(part, entry)
        part.unlink()
        # A part that another server or an earlier run began may be what is wrong: once more, from the start.
        if not before:
            raise _Refused(f"the body is {reason}")
    raise _Refused(f"the connection broke off {_TRIES} times")


def _from_any(entry: WeightEntry, part: Path, progress: Progress | None) -> None:
    """Fetch the addresses in turn until one gives the file."""
    failures = []
    for url in entry.urls:
        try:
            return _fetch(url, part, entry, progress)
        except _Refused as refused:
            failures.append(f"{url}: {refused}")
    by_hand = f" or from {entry.page}" if entry.page else ""
    raise WeightsNotFoundError(
        f"the checkpoint {entry.name!r} could not be downloaded. {'; '.join(failures)}. Try again later, or get "
        f"{entry.file} on another machine{by_hand}, put it into {part.parent}, and it is found there"
    )


def _target(entry: WeightEntry) -> Path:
    """Return where the file goes: a folder of its own, if another checkpoint has the same file name."""
    folder = cache_dir()
    return folder / entry.name / entry.file if shares_file_name(entry) else folder / entry.file


def _download(entry: WeightEntry, commercial: bool | None, progress: Progress | None) -> Found:
    """Download under a lock; a process that had to wait finds the file that the other one has fetched."""
    from filelock import FileLock

    target = _target(entry)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(f".{target.name}.lock")
        lock.touch()  # filelock would wait for ever in some folders that take no file
        with FileLock(lock):
            try:
                return locate(entry.name, commercial=commercial)
            except WeightsNotFoundError:
                part = target.with_name(f"{target.name}.part")
                _from_any(entry, part, progress)
                part.replace(target)
    except ThmError:
        raise
    except OSError as error:
        raise WeightsError(
            f"{target} cannot be written: {error.strerror or error}. Set THM_WEIGHTS_DIR to a folder that can, or put "
            f"{entry.file} into one of {', '.join(map(str, places()))}"
        ) from error
    return locate(entry.name, commercial=commercial)


def obtain(
    name: str,
    file: str | Path | None = None,
    *,
    offline: bool | None = None,
    commercial: bool | None = None,
    progress: Progress | None = None,
) -> Found:
    """Return the checkpoint on disk, downloaded if it is not there yet.

    A download that breaks off is continued by the next one, from the file `FILE.part`. Of several processes one
    downloads, the others wait for it.

    Args:
        name: name in the registry.
        file: the user's own file, which is used whatever its hash; then nothing is downloaded.
        offline: whether downloads are off; None reads the variable `THM_OFFLINE`.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.
        progress: called with the bytes that are there and the bytes in all (None if the server does not say).

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is nowhere and downloads are off, no hash could verify it, or no address gives it.
        WeightsError: if a file of its name is there but holds other bytes, if the folder for downloads cannot be
            written, or if its license excludes this use.
    """
    try:
        return locate(name, file, commercial=commercial)
    except WeightsNotFoundError as error:
        entry = get_entry(name)
        if file is not None or not entry.fetchable:
            raise
        if is_offline(offline):
            cause = "THM_OFFLINE is set" if offline is None else "`offline` is True (--offline)"
            raise WeightsNotFoundError(f"{error}. Nothing is downloaded, because {cause}") from error
    return _download(entry, commercial, progress)
