"""The place of a checkpoint on disk, and whether it is the published one. Nothing here downloads."""

from __future__ import annotations

import importlib.util
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from thm_torchmetrics.errors import WeightsError, WeightsNotFoundError
from thm_torchmetrics.weights.environment import expanded
from thm_torchmetrics.weights.file_type import describe_wrong_body, describe_wrong_file, file_type, read_head
from thm_torchmetrics.weights.folders import is_file, is_folder, other_caches, places
from thm_torchmetrics.weights.hashes import forget_hashes, git_blob_of, hash_file, hash_of, is_published, owner_of
from thm_torchmetrics.weights.licenses import check_license
from thm_torchmetrics.weights.missing import Missing, explain_missing
from thm_torchmetrics.weights.registry import WeightEntry, get_entry, shares_file_name


@dataclass(frozen=True)
class Found:
    """A checkpoint on disk.

    Attributes:
        path: the file.
        sha256: its hash.
        custom: whether it is the user's own, that is, whether no published hash verifies it.
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


def explain_mismatch(path: Path, entry: WeightEntry) -> str:
    """Say why a file is not the published one, in words that complete "the file is ..."."""
    if entry.parts:
        return _explain_folder(path, entry)
    sha256 = hash_file(path)
    if (other := owner_of(path, entry)) is not None:
        return f"the checkpoint {other.name!r} ({other.file})"
    if (wrong := describe_wrong_body(read_head(path))) is not None:
        return wrong
    if not entry.verifiable:
        return f"of unknown origin: SHA256 {sha256}"
    size = path.stat().st_size
    if entry.size is not None and size != entry.size:
        return f"{'cut short' if size < entry.size else 'too long'}: {size:,} bytes instead of {entry.size:,}"
    got, known = f"SHA256 {sha256}", entry.sha256 or f"{entry.sha256_prefix}..."
    if not (entry.sha256 or entry.sha256_prefix):
        got, known = f"git blob {git_blob_of(path)}", f"{entry.git_blob}"
    return f"{file_type(path)}, but not the published one: {got} instead of {known}"


def _explain_folder(path: Path, entry: WeightEntry) -> str:
    """Say which files of a folder are not the published ones."""
    absent = [part.file for part in entry.parts if not is_file(path / part.file)]
    wrong = [
        part.file for part in entry.parts if part.file not in absent and hash_file(path / part.file) != part.sha256
    ]
    faults = [f"lacks {', '.join(absent)}"] if absent else []
    faults += [f"holds other bytes in {', '.join(wrong)}"] if wrong else []
    return f"a folder that {' and '.join(faults)}"


def _is_there(path: Path, entry: WeightEntry) -> bool:
    """Return whether there is a file, or for a checkpoint of several files a folder."""
    return is_folder(path) if entry.parts else is_file(path)


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
    if packaged is not None and is_file(packaged) and is_published(packaged, entry):
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


def _in_other_caches(entry: WeightEntry) -> Iterator[Found]:
    """Yield the published files in the caches of other programs; whatever else lies there is no concern of ours."""
    for folder in other_caches():
        for path in (folder / name for name in (entry.file, *entry.aliases)):
            if not is_file(path):
                continue
            try:
                if entry.size in (None, path.stat().st_size) and is_published(path, entry):
                    yield Found(path, hash_file(path), custom=False)
            except (OSError, WeightsError):
                continue


def _search(entry: WeightEntry) -> Found | Missing:
    passed: list[str] = []
    for path, meant in _candidates(entry):
        if not _is_there(path, entry):
            continue
        sha256 = hash_of(path, entry)
        if is_published(path, entry):
            return Found(path, sha256, custom=False)
        other = owner_of(path, entry)
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
    return next(_in_other_caches(entry), Missing(entry, tuple(passed)))


def find_fault(name: str, file: str | Path) -> str:
    """Say why a user's own file cannot be read, whatever it holds; empty if it can."""
    path, parts = expanded(file), get_entry(name).parts
    try:
        mode = path.stat().st_mode
        if parts and stat.S_ISDIR(mode):
            absent = [part.file for part in parts if not is_file(path / part.file)]
            return f"the folder given for the checkpoint {name!r} lacks {', '.join(absent)}: {path}" if absent else ""
        if parts and stat.S_ISREG(mode):
            return f"the checkpoint {name!r} is a folder of {len(parts)} files, and a file was given: {path}"
        if stat.S_ISREG(mode):
            path.open("rb").close()
            return ""
        fault = "is a folder" if stat.S_ISDIR(mode) else "is no file"
    except (FileNotFoundError, NotADirectoryError):
        fault = "does not exist"
    except (OSError, ValueError) as error:
        fault = f"cannot be read, {getattr(error, 'strerror', None) or error}"
    return f"the file given for the checkpoint {name!r} {fault}: {path}"


def _locate_custom(entry: WeightEntry, file: Path, commercial: bool | None) -> Found:
    """Return the user's own file, whatever its hash, but not against a license that is known to be the file's."""
    if fault := find_fault(entry.name, file):
        raise WeightsNotFoundError(fault)
    sha256 = hash_of(file, entry)
    other = owner_of(file, entry)
    if other is not None:
        check_license(other.name, commercial)
    elif not entry.verifiable:
        check_license(entry.name, commercial)
    if not entry.parts and (wrong := describe_wrong_file(file, entry.file)) is not None:
        raise WeightsError(
            f"the file given for the checkpoint {entry.name!r} is {wrong}: {file}; give the checkpoint itself"
        )
    return Found(file, sha256, custom=not is_published(file, entry))


def search(name: str, file: str | Path | None = None, *, commercial: bool | None = None) -> Found | Missing:
    """Return the checkpoint on disk, or the fact that it is missing; otherwise as `locate`."""
    entry = get_entry(name)
    if file is not None:
        return _locate_custom(entry, expanded(file), commercial)
    check_license(name, commercial)
    return _search(entry)


def locate(name: str, file: str | Path | None = None, *, commercial: bool | None = None) -> Found:
    """Return the checkpoint on disk, verified by its SHA256.

    Args:
        name: name in the registry.
        file: the user's own file, which is used whatever its hash.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is in none of `places` and `other_caches`; nothing is downloaded.
        WeightsError: if a file of its name is there but holds other bytes, if the user's own file is something else
            than a checkpoint, or if its license excludes this use.
    """
    found = search(name, file, commercial=commercial)
    if isinstance(found, Missing):
        raise WeightsNotFoundError(explain_missing(found))
    return found


def status(name: str) -> Status:
    """Return whether a checkpoint is there, whatever its license allows.

    Raises:
        InputError: if the registry has no such name; nothing else is raised.
    """
    try:
        found = _search(get_entry(name))
    except WeightsError as error:
        return Status(name, "corrupt", None, str(error))
    if isinstance(found, Missing):
        return Status(name, "missing", None, explain_missing(found))
    return Status(name, "available", found, "")


def verify(name: str) -> Status:
    """Return the `status` after reading every file anew, even where this process has hashed it before.

    Raises:
        InputError: if the registry has no such name.
    """
    forget_hashes()
    return status(name)
