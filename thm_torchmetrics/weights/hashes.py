"""The hashes of checkpoints on disk, and whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.folders import is_file
from thm_torchmetrics.weights.registry import WeightEntry, digest_of_parts, owner_of_hash, registry

_BLOCK = 1 << 20


@cache
def _sha256(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _git_blob(path: Path, size: int, modified: int) -> str:
    # SHA1, as git has it; a forged file could do no more than any custom one, which is read as tensors alone
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA256 of a file, read once per process as long as its size and time of modification stay.

    Raises:
        WeightsError: if the file cannot be read.
    """
    return _hashed(path, _sha256)


def git_blob_of(path: Path) -> str:
    """Return the id that git gives a file, read once per process likewise.

    Raises:
        WeightsError: if the file cannot be read.
    """
    return _hashed(path, _git_blob)


def _hashed(path: Path, digest: Callable[[Path, int, int], str]) -> str:
    try:
        facts = path.stat()
        return digest(path.absolute(), facts.st_size, facts.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}; copy it again") from error


def forget_hashes() -> None:
    """Read every file anew, when it is next hashed."""
    _sha256.cache_clear()
    _git_blob.cache_clear()


def hash_of(path: Path, entry: WeightEntry) -> str:
    """Return the SHA256 of a checkpoint's file, or of its folder; files that the folder lacks are left out.

    Raises:
        WeightsError: if a file cannot be read.
    """
    if not entry.parts:
        return hash_file(path)
    files = (part.file for part in entry.parts)
    return digest_of_parts({file: hash_file(path / file) for file in files if is_file(path / file)})


def is_published(path: Path, entry: WeightEntry) -> bool:
    """Return whether a file, or a folder, is the published one: by its SHA256, or by git's id where no SHA256 is known.

    Raises:
        WeightsError: if it cannot be read.
    """
    if entry.sha256 is None and entry.sha256_prefix is None and entry.git_blob is not None:
        return git_blob_of(path) == entry.git_blob
    return entry.matches(hash_of(path, entry))


def owner_of(path: Path, entry: WeightEntry) -> WeightEntry | None:
    """Return the checkpoint whose published file lies in the place of another; None if it is none.

    Raises:
        WeightsError: if it cannot be read.
    """
    by_hash = owner_of_hash(hash_of(path, entry))
    if by_hash is not None or entry.parts:
        return by_hash
    return next((each for each in registry().values() if each.git_blob and is_published(path, each)), None)
