"""Checkpoints from the network: resumed, verified, moved into place in one step, one process at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from thm_torchmetrics.errors import ThmError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights import file_type as contents, licenses as licenses, locate as lookup, registry as entries
from thm_torchmetrics.weights.locate import Found
from thm_torchmetrics.weights.registry import Weight

if TYPE_CHECKING:
    import requests

Progress: TypeAlias = Callable[[int, int | None], None]

_BLOCK = 1 << 18
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte
_TRIES = 5  # of one address, as long as each brings the file forward


class _Refused(Exception):
    """An address does not give the file; the message says why."""


def _total(response: requests.Response, start: int) -> int | None:
    """Bytes of the whole file as the server announces them."""
    length = response.headers.get("Content-Length")
    return start + int(length) if length and length.isdigit() else None


def _start(response: requests.Response, asked: int) -> int:
    """Where in the file the answer begins: 0 unless the server continues where it was asked to."""
    if response.status_code != 206:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {asked}-"):
        raise _Refused("answered another range than the one asked for")
    return asked


def _receive(url: str, part: Path, weight: Weight, progress: Progress | None) -> None:
    """Add to the part of the file what is missing of it; a server without ranges makes it start again."""
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
        if not done and (wrong := contents.wrong_body(block)) is not None:
            raise _Refused(f"answered something else: the body is {wrong}")
        if weight.size and total not in (None, weight.size):
            raise _Refused(f"announced {total:,} bytes instead of {weight.size:,}")
        with part.open("ab" if done else "wb") as file:
            while block:
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total or weight.size)
                block = next(blocks, b"")
            file.flush()
            os.fsync(file.fileno())


def _fetch(url: str, part: Path, weight: Weight, progress: Progress | None) -> None:
    """Fetch one address into the part until it is the published file.

    Raises:
        _Refused: if it does not become that; what was received is kept if it may be the file's beginning.
    """
    import requests

    for _ in range(_TRIES):
        before = part.stat().st_size if part.exists() else 0
        try:
            _receive(url, part, weight, progress)
        except requests.HTTPError as error:
            raise _Refused(str(error)) from error
        except requests.RequestException as error:
            if not part.exists() or part.stat().st_size <= before:
                raise _Refused(f"no connection, or it broke off: {error}") from error
            continue
        if weight.matches(lookup.sha256_of(part)):
            return
        why = lookup.explain(part, weight)
        part.unlink()
        # A part that another server or an earlier run began may be what is wrong: once more, from the start.
        if not before:
            raise _Refused(f"the body is {why}")
    raise _Refused(f"the connection broke off {_TRIES} times")


def _from_any(weight: Weight, part: Path, progress: Progress | None) -> None:
    """Fetch the addresses in turn until one gives the file."""
    failures = []
    for url in weight.urls:
        try:
            return _fetch(url, part, weight, progress)
        except _Refused as refused:
            failures.append(f"{url}: {refused}")
    by_hand = f" or from {weight.page}" if weight.page else ""
    raise WeightsNotFoundError(
        f"the checkpoint {weight.name!r} could not be downloaded. {'; '.join(failures)}. Try again later, or get "
        f"{weight.file} on another machine{by_hand}, put it into {part.parent}, and it is found there."
    )


def _target(weight: Weight) -> Path:
    """Where the file goes: a folder of its own, if another checkpoint has the same file name."""
    folder = lookup.cache_dir()
    return folder / weight.name / weight.file if entries.shares_name(weight) else folder / weight.file


def _download(weight: Weight, progress: Progress | None) -> Found:
    """Download under a lock; a process that had to wait finds the file that the other one has fetched."""
    from filelock import FileLock

    target = _target(weight)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(f".{target.name}.lock")
        lock.touch()  # filelock would wait for ever in some folders that take no file
        with FileLock(lock):
            try:
                return lookup.find(weight.name)
            except WeightsNotFoundError:
                part = target.with_name(f"{target.name}.part")
                _from_any(weight, part, progress)
                part.replace(target)
    except ThmError:
        raise
    except OSError as error:
        raise WeightsError(
            f"{target} cannot be written: {error.strerror or error}. Set THM_WEIGHTS_DIR to a folder that can, or put "
            f"{weight.file} into one of {', '.join(map(str, lookup.places()))}."
        ) from error
    return lookup.find(weight.name)


def obtain(name: str, file: str | Path | None = None, *, progress: Progress | None = None) -> Found:
    """The checkpoint on disk, downloaded if it is not there yet.

    A download that breaks off is continued by the next one, from the file ``FILE.part``. Of several processes one
    downloads, the others wait for it.

    Args:
        name: name in the registry.
        file: the user's own file, which is used whatever its hash; then nothing is downloaded.
        progress: called with the bytes that are there and the bytes in all (None if the server does not say).

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is nowhere and ``THM_OFFLINE`` is set, no hash could verify it, or no address
            gives it.
        WeightsError: if a file of its name is there but holds other bytes, if the folder for downloads cannot be
            written, or if its license excludes this use.
    """
    try:
        return lookup.find(name, file)
    except WeightsNotFoundError as error:
        weight = entries.entry(name)
        if file is not None or not weight.fetchable:
            raise
        if licenses.switched_on("THM_OFFLINE"):
            raise WeightsNotFoundError(f"{error} Nothing is downloaded, because THM_OFFLINE is set.") from error
    return _download(weight, progress)
