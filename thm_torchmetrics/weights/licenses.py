"""What the licenses of the checkpoints allow, and the text that tells the user."""

from __future__ import annotations

import os

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights import registry as entries


def switched_on(variable: str) -> bool:
    """Whether an environment variable is set to something other than nothing and 0."""
    return os.environ.get(variable, "") not in ("", "0")


def allow(name: str, commercial: bool | None = None) -> None:
    """Refuse a checkpoint whose license excludes commercial use, if the use is commercial.

    One whose publisher states no terms is not refused; its notice says so.

    Args:
        name: name in the registry.
        commercial: whether the use is commercial; None asks the variable ``THM_COMMERCIAL``.

    Raises:
        WeightsError: if the license excludes this use.
    """
    weight = entries.entry(name)
    if commercial is None:
        commercial = switched_on("THM_COMMERCIAL")
    if commercial and weight.commercial is False:
        raise WeightsError(
            f"the checkpoint {name!r} is refused under commercial use (--commercial, THM_COMMERCIAL=1); its license: "
            f"{weight.license} ({weight.source}). Leave out the metrics that need it, choose another extractor, or "
            f"give a file of your own that you may use (weights= in Python, --weights {name}=FILE)."
        )


def license_notice(name: str) -> str:
    """The license of a checkpoint in one line, for whoever has a console to print once.

    Example:
        >>> license_notice("emonet8")
        'emonet8: CC BY-NC-ND 4.0; no commercial use (https://github.com/face-analysis/emonet)'
    """
    weight = entries.entry(name)
    use = {True: "commercial use allowed", False: "no commercial use", None: "commercial use not settled"}
    return f"{name}: {weight.license}; {use[weight.commercial]} ({weight.source})"
