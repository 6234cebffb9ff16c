"""A user's own folder of checkpoints, by name in the registry."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from thm_torchmetrics.errors import InputError, MediaWarning
from thm_torchmetrics.weights.custom_checks import some
from thm_torchmetrics.weights.environment import expanded
from thm_torchmetrics.weights.registry import WeightEntry, registry

_SUFFIXES = (
    ".pth", ".pt", ".pth.tar", ".pt.tar", ".tar", ".ckpt", ".bin", ".model", ".pkl", ".th", ".dat", ".zip", ".npz",
)  # fmt: skip
"""The suffixes under which checkpoints are saved, those of the registry included."""


def files_in(folder: str | Path) -> dict[str, Path]:
    """Return the user's own checkpoints in a folder, by name in the registry; they are used whatever their hash.

    A checkpoint NAME that is published as FILE is recognized as `FILE`, `NAME/FILE`, or `NAME` with the suffix of a
    checkpoint, such as `NAME.pth`. A FILE that several checkpoints share counts as `NAME/FILE` only. Other files are
    left out; those with the suffix of a checkpoint with a warning.

    Args:
        folder: the folder.

    Raises:
        InputError: if there is no such folder, if it holds no checkpoint, or two files for one.

    Example::

        checkpoints = Checkpoints(files_in("my_weights"))
    """
    root = expanded(folder)
    try:
        held = {entry.name: _files_for(root, entry) for entry in registry().values()}
        folders = [root / entry.name for entry in registry().values() if not entry.parts]
        saved = _checkpoints_in(root, [root, *folders])
    except OSError as error:
        raise InputError(
            f"the folder of checkpoints cannot be read: {error.filename or root}, {error.strerror or error}; give "
            "yourself the permission"
        ) from error
    for name, paths in held.items():
        if len({path.resolve() for path in paths}) > 1:
            listed = " and ".join(str(path.relative_to(root)) for path in paths)
            raise InputError(f"{root} holds several files for the checkpoint {name!r}: {listed}; leave one")
    others = sorted(str(path.relative_to(root)) for path in saved.difference(*held.values()))
    listed = some(others)
    if not any(held.values()):
        beside = f" (but {listed})" if others else ""
        raise InputError(f"{root} holds no checkpoint by a name that is known{beside}. Known: {_known()}")
    if others:
        warnings.warn(
            f"{listed} in {root} is not used: no checkpoint is called so. Names are those of `thm weights list`: "
            "NAME.pth, FILE, or NAME/FILE where several checkpoints share a FILE",
            MediaWarning,
            stacklevel=2,
        )
    return {name: paths[0] for name, paths in held.items() if paths}


def _files_for(root: Path, entry: WeightEntry) -> list[Path]:
    """Return the files, or the folder, that stand for a checkpoint."""
    if entry.parts:
        return [path for path in (root / entry.file,) if path.is_dir()]
    published = (entry.file, *entry.aliases)
    paths = [root / entry.name / file for file in published]
    paths += [root / file for file in published if not _is_shared(file)]
    paths += [root / f"{entry.name}{suffix}" for suffix in _SUFFIXES]
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def _is_shared(file: str) -> bool:
    """Return whether several checkpoints are published under a file name."""
    return sum(file in (entry.file, *entry.aliases) for entry in registry().values()) > 1


def _checkpoints_in(root: Path, folders: Iterable[Path]) -> set[Path]:
    """Return the files in a folder and in some folders of it that are checkpoints by their suffix."""
    return {
        path
        for folder in folders
        if folder == root or folder.is_dir()
        for path in folder.iterdir()
        if path.name.lower().endswith(_SUFFIXES) and not path.name.startswith(".") and path.is_file()
    }


def _known() -> str:
    """List the names under which all checkpoints are recognized."""
    return ", ".join(map(_names, registry().values()))


def _names(entry: WeightEntry) -> str:
    """Return the names under which a checkpoint is recognized."""
    if entry.parts:
        return f"the folder {entry.file}"
    file = f"{entry.name}/{entry.file}" if _is_shared(entry.file) else entry.file
    return f"{file} or {entry.name}.pth"
