"""The licenses of the checkpoints: a check of the use, and the text that tells the user."""

from __future__ import annotations

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.environment import is_commercial
from thm_torchmetrics.weights.registry import WeightEntry, get_entry

_USE = {True: "commercial use allowed", False: "no commercial use", None: "commercial use not settled"}


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
    return f"{name}: license: {entry.license}; {_USE[entry.commercial]}{_source(entry)}"


def _source(entry: WeightEntry) -> str:
    return f" ({entry.source})" if entry.source else ""
