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
    return Path(folder).expanduser().absolute() if folder else None


def _is_set(variable: str) -> bool:
    """Return whether a variable holds something other than nothing and 0."""
    return os.environ.get(variable, "") not in ("", "0")
