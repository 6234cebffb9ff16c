"""The licenses of the checkpoints: a check of the use, and the text that tells the user."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.environment import is_commercial
from thm_torchmetrics.weights.folders import cache_dir, is_file, places
from thm_torchmetrics.weights.registry import WeightEntry, get_entry

COMMERCIAL_USE = {True: "commercial use allowed", False: "no commercial use", None: "commercial use not settled"}
"""What a license says of commercial use, in words."""


def check_license(name: str, commercial: bool | None = None) -> None:
    """Refuse a checkpoint whose license excludes commercial use, if the use is commercial.

    One whose publisher states no terms is not refused; its notice says so.

    Args:
        name: name in the registry.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.

    Raises:
        InputError: if the registry has no such name.
        WeightsError: if the license excludes this use.
    """
    entry = get_entry(name)
    if entry.commercial is False and is_commercial(commercial):
        raise WeightsError(
            f"the checkpoint {name!r} is refused under commercial use (`commercial`, --commercial, THM_COMMERCIAL=1); "
            f"its license: {entry.license}{_source(entry)}. Leave out the metrics that need it, choose another "
            f"extractor, or give a file of your own that you may use (weights= in Python, --weights {name}=FILE)"
        )


def accept_license(name: str, commercial: bool | None = None) -> Path:
    """Remember that the user accepts the terms of a checkpoint, which is not downloaded before.

    The answer is a text file beside the downloads; remove it to withdraw.

    Args:
        name: name in the registry.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.

    Returns:
        The file.

    Raises:
        InputError: if the registry has no such name.
        WeightsError: if the license excludes this use, or the file cannot be written.
    """
    check_license(name, commercial)
    entry, path = get_entry(name), _answer(cache_dir(), name)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"Accepted on {now} for {name}: {entry.license}\n{entry.terms}\nRemove this file to withdraw.\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be written: {error.strerror or error}. Set THM_WEIGHTS_DIR to a folder that can"
        ) from error
    return path


def is_accepted(entry: WeightEntry) -> bool:
    """Return whether the user has accepted the terms of a checkpoint, in any of the folders of checkpoints."""
    return any(is_file(_answer(folder, entry.name)) for folder in places())


def _answer(folder: Path, name: str) -> Path:
    return folder / f"{name}.license-accepted.txt"


def license_notice(name: str) -> str:
    """Return the license of a checkpoint in one line, for callers with a console to print once.

    Args:
        name: name in the registry.

    Raises:
        InputError: if the registry has no such name.

    Example:
        >>> license_notice("emonet8")
        'emonet8: license: CC BY-NC-ND 4.0; no commercial use (https://github.com/face-analysis/emonet)'
    """
    entry = get_entry(name)
    return f"{name}: license: {entry.license}; {COMMERCIAL_USE[entry.commercial]}{_source(entry)}"


def _source(entry: WeightEntry) -> str:
    return f" ({entry.source})" if entry.source else ""
