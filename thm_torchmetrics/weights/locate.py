"""The place of a checkpoint on disk, and whether it is the published one. Nothing here downloads."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.environment import weights_dir
from thm_torchmetrics.weights.file_type import describe_wrong_body, file_type, read_head
from thm_torchmetrics.weights.licenses import check_license
from thm_torchmetrics.weights.registry import WeightEntry, get_entry, owner_of_hash, shares_file_name


@dataclass(frozen=True)
class Found:
    """A checkpoint on disk.

    Attributes:
        path: the file.
        sha256: its hash.
        custom: whether it is the user's own: given by path, or one that no published hash verifies.
    """

    path: Path
    sha256: str
    custom: bool


@dataclass(frozen=True)
class Status:
    """The outcome of a search.

    Attributes:
        name: name in the registry.
        state: `available`, `missing`, or `corrupt`: there, but not the published bytes.
        found: the file, where one is available.
        detail: the reason, where none is.
    """

    name: str
    state: Literal["available", "missing", "corrupt"]
    found: Found | None
    detail: str


def _user_cache() -> Path:
    import pooch

    return Path(pooch.os_cache("thm_torchmetrics"))


def cache_dir() -> Path:
    """Return the folder of downloads: `$THM_WEIGHTS_DIR` if it is set, else the user's cache."""
    return weights_dir() or _user_cache()


def places() -> tuple[Path, ...]:
    """Return the folders that are searched, in this order: `$THM_WEIGHTS_DIR`, `./weights`, the user's cache.

    In each a checkpoint may lie under its file name, or in a folder of its name: `deep3d/epoch_20.pth`.
    """
    chosen = weights_dir()
    return (*([chosen] if chosen else []), Path.cwd() / "weights", _user_cache())


@cache
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA256 of a file, read once per process as long as its size and time of modification stay.

    Raises:
        WeightsError: if the file cannot be read.
    """
    try:
        stat = path.stat()
        return _digest(path.absolute(), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from error


def explain_mismatch(path: Path, entry: WeightEntry) -> str:
    """Say why a file is not the published one, in words that complete "the file is ..."."""
    sha256 = hash_file(path)
    if (other := owner_of_hash(sha256)) is not None:
        return f"the checkpoint {other.name!r} ({other.file})"
    if (wrong := describe_wrong_body(read_head(path))) is not None:
        return wrong
    if not entry.verifiable:
        return f"of unknown origin: SHA256 {sha256}"
    size = path.stat().st_size
    if entry.size is not None and size != entry.size:
        return f"{'cut short' if size < entry.size else 'too long'}: {size:,} bytes instead of {entry.size:,}"
    known = entry.sha256 or f"{entry.sha256_prefix}..."
    return f"{file_type(path)}, but not the published one: SHA256 {sha256} instead of {known}"


def _in_package(entry: WeightEntry) -> Path | None:
    """Return the file inside an installed package, which is not imported for it."""
    if entry.package is None:
        return None
    package, *folders = entry.package.split("/")
    spec = importlib.util.find_spec(package)
    roots = spec.submodule_search_locations if spec else None
    return Path(roots[0]).joinpath(*folders, entry.file) if roots else None


def _candidates(entry: WeightEntry) -> Iterator[tuple[Path, bool]]:
    """Yield files to look at, each with whether its place says that it is meant to be this checkpoint."""
    packaged = _in_package(entry)
    if packaged is not None and packaged.is_file() and entry.matches(hash_file(packaged)):
        yield packaged, True  # before the folders, where a file called `vgg.pth` may be anything
    named = not shares_file_name(entry)
    for folder in places():
        yield folder / entry.name / entry.file, True
        yield folder / entry.file, named
        for alias in entry.aliases:
            yield folder / entry.name / alias, True
            yield folder / alias, False
    if packaged is not None:
        yield packaged, True


def _search(entry: WeightEntry) -> Found:
    passed: list[str] = []
    for path, meant in _candidates(entry):
        if not path.is_file():
            continue
        sha256 = hash_file(path)
        if entry.matches(sha256):
            return Found(path, sha256, custom=False)
        other = owner_of_hash(sha256)
        if meant and not entry.verifiable and other is None:
            return Found(path, sha256, custom=True)
        # Under a name that several checkpoints share the file may be one of the others.
        others_file = other is not None or path.name != entry.file or not entry.verifiable
        if not meant and others_file:
            passed.append(f"{path} is {explain_mismatch(path, entry)}")
            continue
        mend = (
            f"Move it away and run `thm weights fetch {entry.name}`"
            if entry.fetchable
            else "Put the published file in its place"
        )
        raise WeightsError(
            f"{path} is not the checkpoint {entry.name!r}: it is {explain_mismatch(path, entry)}. {mend}, or, if you "
            f"mean this very file, give it by path (weights= in Python, --weights {entry.name}=FILE)"
        )
    raise WeightsNotFoundError(_missing(entry, passed))


def _missing(entry: WeightEntry, passed: list[str]) -> str:
    """Say which file is missing, where it was looked for, and what to do."""
    size = f"{entry.size:,} bytes" if entry.size else "size not known"
    digest = entry.sha256 or (f"{entry.sha256_prefix}..." if entry.sha256_prefix else "not known")
    sentences = [
        f"the checkpoint {entry.name!r} is missing: {entry.file} ({size}, SHA256 {digest})",
        f"Looked for in {', '.join(map(str, places()))}",
        *([f"Passed over: {'; '.join(passed)}"] if passed else []),
        _remedy(entry),
    ]
    return ". ".join(sentences)


def _remedy(entry: WeightEntry) -> str:
    """Say how to get a checkpoint that is missing."""
    if entry.package is not None and entry.extra is not None:
        return f"It comes with a package: pip install 'thm-torchmetrics[{entry.extra}]'"
    if entry.package is not None:
        package = entry.package.split("/")[0]
        return f"It comes with the package {package}: pip install --force-reinstall --no-deps {package}"
    by_path = f"give it by path (weights= in Python, --weights {entry.name}=FILE)"
    address = " or ".join(filter(None, (*entry.urls[:1], entry.page)))
    if entry.fetchable:
        return (
            f"Run `thm weights fetch {entry.name}`, or download {address} yourself and put it into one of these folders"
        )
    if entry.verifiable:
        return f"It has no address to fetch it from: put it into one of these folders, or {by_path}"
    download = f"download {address} yourself and " if address else ""
    return (
        f"It cannot be fetched automatically, because no published hash would verify it: {download}{by_path} or put it "
        f"into a folder {entry.name} in one of these folders; reports mark it as custom, with its SHA256"
    )


def _locate_custom(entry: WeightEntry, file: Path, commercial: bool | None) -> Found:
    """Return the user's own file, whatever its hash, but not against a license that is known to be the file's."""
    if not file.is_file():
        fault = "is a folder" if file.is_dir() else "does not exist"
        raise WeightsNotFoundError(f"the file given for the checkpoint {entry.name!r} {fault}: {file}")
    sha256 = hash_file(file)
    other = owner_of_hash(sha256)
    if other is not None:
        check_license(other.name, commercial)
    elif not entry.verifiable:
        check_license(entry.name, commercial)
    return Found(file, sha256, custom=True)


def locate(name: str, file: str | Path | None = None, *, commercial: bool | None = None) -> Found:
    """Return the checkpoint on disk, verified by its SHA256.

    Args:
        name: name in the registry.
        file: the user's own file, which is used whatever its hash.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is in none of `places`; nothing is downloaded.
        WeightsError: if a file of its name is there but holds other bytes, or if its license excludes this use.
    """
    entry = get_entry(name)
    if file is not None:
        return _locate_custom(entry, Path(file).expanduser(), commercial)
    check_license(name, commercial)
    return _search(entry)


def status(name: str) -> Status:
    """Return whether a checkpoint is there, whatever its license allows.

    Raises:
        InputError: if the registry has no such name; nothing else is raised.
    """
    try:
        return Status(name, "available", _search(get_entry(name)), "")
    except WeightsNotFoundError as error:
        return Status(name, "missing", None, str(error))
    except WeightsError as error:
        return Status(name, "corrupt", None, str(error))


def verify(name: str) -> Status:
    """Return the `status` after reading every file anew, even where this process has hashed it before.

    Raises:
        InputError: if the registry has no such name.
    """
    _digest.cache_clear()
    return status(name)
