"""A cache is a folder of entries, each of them one file that is there whole or not at all.

An entry is a safetensors file: arrays, and in its header, as JSON, the key that it was made for, a value and a hash of
all of it. Nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import safetensors.torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.whole_file import whole_file

Key: TypeAlias = Mapping[str, Any]
Arrays: TypeAlias = Mapping[str, Tensor]

TAG = "CACHEDIR.TAG"
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
_TAG_TEXT = f"{_SIGNATURE}\n# A cache of thm_torchmetrics; `thm cache info` shows what it holds.\n"
"""See https://bford.info/cachedir; programs that back files up leave such a folder out."""

_KINDS = ("clips", "features")
"""Entries are what a metric found of a clip, or what an extractor found in a video."""

_SUFFIX = ".safetensors"
_UNFINISHED_DAYS = 1
"""Days after which what a killed process left unfinished is removed."""


class Entry(NamedTuple):
    """An entry holds a value of JSON and arrays by name."""

    value: Any
    arrays: dict[str, Tensor]


class StoredFile(NamedTuple):
    """A file of a cache.

    Attributes:
        path: where it is.
        kind: ``clips``, ``features``, or ``unfinished``.
        size: bytes.
        used: when it was last used, in seconds since 1970.
    """

    path: Path
    kind: str
    size: int
    used: float


class CacheFolder:
    """A folder of entries by kind and key.

    Several processes may use one folder at once. A folder that cannot be written, or that is full, is still read. An
    entry that is damaged, or that was made for another key, is taken for absent, and made again.

    Args:
        path: the folder; it is made if it is absent.
        note: receives a remark on a folder that cannot be written and on damaged entries, once each.

    Attributes:
        counts: entries found, made and damaged, by kind.

    Raises:
        InputError: if it is no folder, cannot be made, or holds files that are not a cache's.
    """

    def __init__(self, path: Path, note: Callable[[str], None]) -> None:
        self.path = path
        self.counts: Counter[tuple[str, str]] = Counter()
        self._note = note
        self._told: set[str] = set()
        self._writable = True
        if not is_cache(path):
            self._make()

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            foreign = any(not each.name.startswith((TAG, f".{TAG}")) for each in self.path.iterdir())
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be used as a cache: {error.strerror or error}; name another folder"
            ) from error
        if foreign and not is_cache(self.path):  # another process may be making it
            raise InputError(f"{self.path} holds other files and is no cache; name an empty folder, or one to be made")
        try:
            with whole_file(self.path / TAG) as file:
                file.write(_TAG_TEXT)
        except OSError as error:
            self._stop_writing(error)

    def read(self, kind: str, key: Key) -> Entry | None:
        """Return the entry of a key; None if there is none, or none that is sound."""
        path = self._place(kind, key)
        try:
            entry = _parsed(path.read_bytes(), key)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever a damaged file brings forth
            self._tell_damaged(kind, key, error)
            return None
        self.counts[kind, "found"] += 1
        with suppress(OSError):
            os.utime(path)  # the time of last use, by which `prune` removes
        return entry

    def reject(self, kind: str, key: Key, error: Exception) -> None:
        """Take an entry that was read for damaged, because its content is not what the reader needs."""
        self.counts[kind, "found"] -= 1
        self._tell_damaged(kind, key, error)

    def write(self, kind: str, key: Key, value: Any, arrays: Arrays) -> None:
        """Store an entry, unless the folder cannot be written."""
        self.counts[kind, "made"] += 1
        if not self._writable:
            return
        path = self._place(kind, key)
        plain = storable(arrays)
        about = json.loads(json.dumps({"key": key, "value": value}))  # numbers among the names of a mapping become text
        about["sha256"] = _digest(about["key"], about["value"], plain)
        data = safetensors.torch.save(plain, {"thm": json.dumps(about)})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, "wb") as file:
                file.write(data)
        except OSError as error:
            self._stop_writing(error)

    def report(self) -> dict[str, Any]:
        """Return what was found, made and damaged, for the provenance of the result."""
        report: dict[str, Any] = {"folder": str(self.path)}
        for (kind, what), count in sorted(self.counts.items()):
            report.setdefault(kind, {"found": 0, "made": 0})[what] = count
        return report | ({} if self._writable else {"written": False})

    def summary(self) -> str:
        """Return in one line what was found and what was made."""
        of_kind = {kind: (self.counts[kind, "found"], self.counts[kind, "made"]) for kind in _KINDS}
        (found, made), (known, extracted) = of_kind.values()
        return (
            f"cache {self.path}: {found} of {found + made} measurements of clips were found, and {known} of "
            f"{known + extracted} sets of features"
        )

    def _place(self, kind: str, key: Key) -> Path:
        name = hashlib.sha256(_canonical(key)).hexdigest()
        return self.path / kind / name[:2] / f"{name}{_SUFFIX}"

    def _stop_writing(self, error: OSError) -> None:
        self._writable = False
        self._tell("written", f"the cache {self.path} is read and no more written: {error.strerror or error}")

    def _tell_damaged(self, kind: str, key: Key, error: Exception) -> None:
        self.counts[kind, "damaged"] += 1
        self._tell("damaged", f"the cache entry {self._place(kind, key)} cannot be used and is made again: {error}")

    def _tell(self, about: str, text: str) -> None:
        if about not in self._told:
            self._told.add(about)
            self._note(text)


def is_cache(path: Path) -> bool:
    """Return whether a folder is a cache."""
    try:
        with (path / TAG).open("rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE.encode()
    except OSError:
        return False


def stored_files(path: Path) -> Iterator[StoredFile]:
    """Yield the files of a cache; links and other files are left alone.

    Raises:
        InputError: if the folder is no cache.
    """
    if not is_cache(path):
        raise InputError(f"{path} is no cache of thm; `thm score --cache DIR` makes one")
    for kind in _KINDS:
        for file in sorted((path / kind).glob("??/*")):
            unfinished = file.name.startswith(".") and file.name.endswith(".part")
            if file.is_symlink() or not file.is_file() or not (unfinished or file.suffix == _SUFFIX):
                continue
            with suppress(FileNotFoundError):  # another process removes it
                facts = file.stat()
                yield StoredFile(file, "unfinished" if unfinished else kind, facts.st_size, facts.st_mtime)


def prune(path: Path, older_than: float | None = None, max_size: int | None = None) -> list[StoredFile]:
    """Remove entries, those that were not used for the longest time first, and return them.

    What killed processes left unfinished for more than a day is removed, too.

    Args:
        path: the folder.
        older_than: remove entries that were last used more than this number of days ago.
        max_size: then remove entries until the rest has at most this number of bytes.

    Raises:
        InputError: if the folder is no cache.
        OSError: if a file cannot be removed.
    """
    now, removed = time.time(), []
    files = sorted(stored_files(path), key=lambda file: file.used)
    total = sum(file.size for file in files)
    for file in files:
        days = _UNFINISHED_DAYS if file.kind == "unfinished" else older_than
        too_old = days is not None and now - file.used > days * 86400
        too_much = file.kind != "unfinished" and max_size is not None and total > max_size
        if too_old or too_much:
            file.path.unlink(missing_ok=True)
            total -= file.size
            removed.append(file)
    return removed


def _parsed(data: bytes, key: Key) -> Entry:
    """Return the entry in a file.

    Raises:
        ValueError: if it is damaged, or of another key.
    """
    arrays = safetensors.torch.load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    about = json.loads(header["__metadata__"]["thm"])
    if about["sha256"] != _digest(about["key"], about["value"], arrays):
        raise ValueError("its content does not fit its hash")
    if _canonical(about["key"]) != _canonical(key):
        raise ValueError("it was made for something else")
    return Entry(about["value"], arrays)


def _digest(key: Key, value: Any, arrays: Arrays) -> str:
    digest = hashlib.sha256(_canonical([key, value]))
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name!r} {array.dtype} {tuple(array.shape)}\n".encode())
        digest.update(array.reshape(-1).numpy().tobytes())
    return digest.hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def storable(arrays: Arrays) -> dict[str, Tensor]:
    """Return arrays as safetensors takes them: on the CPU, contiguous, and sharing no memory, as metrics' sums may."""
    return {name: array.detach().cpu().contiguous().clone() for name, array in arrays.items()}
