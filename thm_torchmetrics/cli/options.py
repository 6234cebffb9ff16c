"""TITLE cli/options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    import torch


def assignments(option: str, texts: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a dict.

    Raises:
        InputError: if one is not of that form or its key is not known.
    """
    pairs = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not value:
            raise InputError(f"{option} wants KEY=VALUE, got {text!r}")
        if key not in known:
            raise InputError(f"{option} {text}: {key!r} is none of {', '.join(known)}")
        pairs[key] = value
    return pairs


def device_named(name: str) -> torch.device:
    """The device of a name.

    Raises:
        InputError: if it is none, or not there.
    """
    import torch

    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device {name}: {str(error).splitlines()[0]}") from error
