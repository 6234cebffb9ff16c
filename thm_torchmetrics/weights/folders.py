"""The folders in which checkpoints lie."""

from __future__ import annotations

from pathlib import Path

from thm_torchmetrics.weights.environment import expanded, torch_home, weights_dir
from thm_torchmetrics.weights.registry import WeightEntry, shares_file_name


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


def other_caches() -> tuple[Path, ...]:
    """Return the caches of other programs, which are searched after `places`: those of torch.hub and of insightface.

    A file there is used if its SHA256 is the published one, and passed over if not. Nothing is written there.
    """
    return torch_home() / "hub" / "checkpoints", expanded("~/.insightface/models").absolute()


def path_within(entry: WeightEntry) -> Path:
    """Return where a checkpoint lies in a folder: in one of its own, if another one has the same file name."""
    return Path(entry.name) / entry.file if shares_file_name(entry) else Path(entry.file)


def is_file(path: Path) -> bool:
    """Return whether there is a file; not so where the path cannot be looked at, e.g. in a folder of another user."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Return whether there is a folder; not so where the path cannot be looked at."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
