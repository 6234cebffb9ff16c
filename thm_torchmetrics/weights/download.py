"""Checkpoints from the network: resumed, verified, moved into place in one step, one process at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from thm_torchmetrics.errors import ThmError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.attempts import Attempts, Refused
from thm_torchmetrics.weights.environment import is_offline
from thm_torchmetrics.weights.file_type import describe_wrong_body
from thm_torchmetrics.weights.folders import cache_dir, path_within, places
from thm_torchmetrics.weights.hashes import hash_file, is_published
from thm_torchmetrics.weights.licenses import is_accepted
from thm_torchmetrics.weights.locate import Found, explain_mismatch, search
from thm_torchmetrics.weights.missing import Missing, explain_missing
from thm_torchmetrics.weights.registry import WeightEntry

if TYPE_CHECKING:
    import requests

Progress: TypeAlias = Callable[[int, int | None], None]

_BLOCK = 1 << 18
_LARGEST = 16 << 30  # bytes of a file whose size is not registered
_TRIES = 5  # of one address, as long as each brings the file forward


def _total(response: requests.Response, start: int) -> int | None:
    """Return the bytes of the whole file as the server announces them."""
    length = response.headers.get("Content-Length")
    return start + int(length) if length and length.isdigit() else None


def _start(response: requests.Response, url: str, asked: int) -> int:
    """Return where in the file the answer begins: 0 unless the server continues where it was asked to."""
    if response.status_code != 206:
        return 0
    if not response.headers.get("Content-Range", "").startswith(f"bytes {asked}-"):
        raise Refused(f"{url} answers another range than the one asked for")
    return asked


def _ask(session: requests.Session, url: str, start: int) -> requests.Response:
    """Ask for the file from this byte on.

    Raises:
        Refused: if the host cannot be reached or answers something else.
    """
    import requests

    from thm_torchmetrics.weights import connection

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return session.get(url, headers=headers, stream=True, timeout=(connection.CONNECT, connection.SILENCE))
    except requests.RequestException as error:
        raise Refused(connection.explain(error, connection.host_of(url))) from error


def _receive(session: requests.Session, url: str, part: Path, entry: WeightEntry, progress: Progress | None) -> None:
    """Add to the part of the file what is missing of it; a server without ranges makes it start again.

    A body that goes on after the file should have ended is not received further, and is removed.
    """
    asked = part.stat().st_size if part.exists() else 0
    with _ask(session, url, asked) as response:
        if response.status_code == 416:  # nothing lies beyond the part, so it is whole, or wrong; its hash will tell
            return
        if not response.ok:
            raise Refused(f"HTTP {response.status_code} from {url}")
        done = _start(response, url, asked)
        total = _total(response, done)
        blocks = response.iter_content(_BLOCK)
        block = next(blocks, b"")
        if not done and (wrong := describe_wrong_body(block)) is not None:
            raise Refused(f"{url}: the body is {wrong}")
        if entry.size and total not in (None, entry.size):
            raise Refused(f"{url} announced {total:,} bytes instead of {entry.size:,}")
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
        raise Refused(f"{url} sends more than {limit}")


def _fetch(session: requests.Session, url: str, part: Path, entry: WeightEntry, progress: Progress | None) -> None:
    """Fetch one address into the part until it is the published file.

    Raises:
        Refused: if it does not become that; what was received is kept if it may be the file's beginning.
    """
    import requests

    for _ in range(_TRIES):
        before = part.stat().st_size if part.exists() else 0
        try:
            _receive(session, url, part, entry, progress)
        except requests.RequestException as error:
            if not part.exists() or part.stat().st_size <= before:
                raise Refused(f"{url}: the connection broke off") from error
            continue
        if is_published(part, entry):
            return
        reason = explain_mismatch(part, entry)
        part.unlink()
        # A part that another server or an earlier run began may be what is wrong: once more, from the start.
        if not before:
            raise Refused(f"{url}: the body is {reason}")
    raise Refused(f"{url}: the connection broke off {_TRIES} times")


def _from_any(
    entry: WeightEntry, part: Path, progress: Progress | None, unreachable: dict[str, str]
) -> tuple[str, ...]:
    """Fetch the addresses in turn until one gives the file; return why they failed if none does."""
    from thm_torchmetrics.weights.connection import open_session

    failures = []
    with open_session(unreachable) as session:
        for url in entry.urls:
            try:
                _fetch(session, url, part, entry, progress)
            except Refused as refused:
                failures.append(str(refused))
            else:
                return ()
    return tuple(dict.fromkeys(failures))  # two addresses of one host that cannot be reached are one reason


def _from_all(
    entry: WeightEntry, folder: Path, progress: Progress | None, unreachable: dict[str, str]
) -> tuple[str, ...]:
    """Fetch what a folder lacks of a checkpoint's files; return why the first that cannot be had failed."""
    folder.mkdir(exist_ok=True)
    done = 0
    for part in entry.parts:
        path = folder / part.file
        if not path.is_file() or hash_file(path) != part.sha256:
            alone = WeightEntry(
                f"{entry.name}/{part.file}", part.file, urls=(part.url,), sha256=part.sha256, size=part.size
            )
            unfinished = path.with_name(f"{part.file}.part")
            _check_own(unfinished)
            if failures := _from_any(alone, unfinished, _shifted(progress, done, entry.size), unreachable):
                return failures
            unfinished.replace(path)
        done += part.size
    return ()


def _shifted(progress: Progress | None, done: int, total: int | None) -> Progress | None:
    """Return the progress of one file as that of all."""
    return None if progress is None else lambda now, _: progress(done + now, total)


def _check_own(path: Path, folder: bool = False) -> None:
    """Refuse a link in the place of a file, or folder, that is to be written: its target is somebody else's.

    Raises:
        WeightsError: if there is anything but a regular file, or a folder.
    """
    if path.is_symlink() or (path.exists() and not (path.is_dir() if folder else path.is_file())):
        fault = "a link" if path.is_symlink() else "no folder" if folder else "no file"
        raise WeightsError(f"{path} is {fault}, and is not written to; remove it")


def _download(
    entry: WeightEntry, commercial: bool | None, progress: Progress | None, unreachable: dict[str, str]
) -> Found | Missing:
    """Download under a lock; a process that had to wait finds the file that the other one has fetched."""
    from filelock import FileLock

    target = cache_dir() / path_within(entry)
    lock, part = target.with_name(f".{target.name}.lock"), target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_own(lock)
        lock.touch()  # filelock would wait for ever in some folders that take no file
        with FileLock(lock):
            found = search(entry.name, commercial=commercial)
            if isinstance(found, Found):
                return found
            _check_own(part, bool(entry.parts))
            fetch = _from_all if entry.parts else _from_any
            if failures := fetch(entry, part, progress, unreachable):
                return replace(found, failures=failures)
            part.replace(target)
    except ThmError:
        raise
    except OSError as error:
        raise WeightsError(
            f"{target} cannot be written: {error.strerror or error}. Set THM_WEIGHTS_DIR to a folder that can, or put "
            f"{entry.file} into one of {', '.join(map(str, places()))}"
        ) from error
    return search(entry.name, commercial=commercial)


def _download_once(
    entry: WeightEntry, commercial: bool | None, progress: Progress | None, attempts: Attempts
) -> Found | Missing:
    """Download unless that failed before in this run; then it fails as it did.

    Raises:
        WeightsError: if the file cannot be written.
    """
    failed = attempts.failed.get(entry.name)
    if isinstance(failed, str):
        raise WeightsError(failed)
    if failed is not None:
        return failed
    try:
        found = _download(entry, commercial, progress, attempts.unreachable)
    except WeightsError as error:
        attempts.failed[entry.name] = str(error)
        raise
    if isinstance(found, Missing):
        attempts.failed[entry.name] = found
    return found


def try_to_obtain(
    name: str,
    file: str | Path | None,
    *,
    offline: bool | None,
    commercial: bool | None,
    progress: Progress | None,
    attempts: Attempts,
) -> Found | Missing:
    """Return the checkpoint, or the fact that it cannot be had; otherwise as `obtain`.

    Args:
        name: name in the registry.
        file: the user's own file.
        offline: whether downloads are off.
        commercial: whether the use is commercial.
        progress: as in `obtain`.
        attempts: what failed before in this run and is not tried again.
    """
    found = search(name, file, commercial=commercial)
    if isinstance(found, Found) or not found.entry.fetchable:
        return found
    if found.entry.terms and not is_accepted(found.entry):
        return replace(found, forbidden=f"the terms of {name} are not accepted yet")
    if is_offline(offline):
        return replace(found, forbidden="THM_OFFLINE is set" if offline is None else "`offline` is True (--offline)")
    return _download_once(found.entry, commercial, progress, attempts)


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
        WeightsNotFoundError: if it is nowhere, and downloads are off, no hash could verify it, its terms are not
            accepted (`accept_license`), or no address gives it.
        WeightsError: if a file of its name is there but holds other bytes, if the folder for downloads cannot be
            written, or if its license excludes this use.
    """
    found = try_to_obtain(name, file, offline=offline, commercial=commercial, progress=progress, attempts=Attempts())
    if isinstance(found, Missing):
        raise WeightsNotFoundError(explain_missing(found))
    return found
