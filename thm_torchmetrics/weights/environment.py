"""The environment variables of this room: each is read in one function, none is ever written."""

from __future__ import annotations

import os
from pathlib import Path


def is_offline(offline: bool | None = None) -> bool:
    """Return whether downloads are off.

    Args:
        offline: the caller's choice; None reads the variable `THM_OFFLINE`.
    """
    return _is_set("THM_OFFLINE") if offline is None else offline


def is_commercial(commercial: bool | None = None) -> bool:
    """Return whether the use is commercial.

    Args:
        commercial: the caller's choice; None reads the variable `THM_COMMERCIAL`.
    """
    return _is_set("THM_COMMERCIAL") if commercial is None else commercial


def weights_dir() -> Path | None:
    """Return the folder in the variable `THM_WEIGHTS_DIR`, None if it is not set."""
    folder = os.environ.get("THM_WEIGHTS_DIR")
    return expanded(folder).absolute() if folder else None


def torch_home() -> Path:
    """Return the folder of PyTorch's cache: `$TORCH_HOME`, else `torch` in `$XDG_CACHE_HOME` or in `~/.cache`."""
    in_cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return expanded(os.environ.get("TORCH_HOME", in_cache)).absolute()


def expanded(path: str | Path) -> Path:
    """Return a path with the user's home for `~`, which stays where the machine knows of no home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  (Path.expanduser raises where there is no home)


def _is_set(variable: str) -> bool:
    """Return whether a variable holds something other than nothing and 0."""
    return os.environ.get(variable, "") not in ("", "0")
