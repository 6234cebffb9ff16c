"""Frames or audio in, features out: small handles, and the process-wide pool of networks behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.network import CustomModule, release

__all__ = ["choose", "release"]


def choose(given: Any, makers: Mapping[str, Callable[[], Any]], own: Callable[[nn.Module], Any] = CustomModule) -> Any:
    """The extractor that a metric was asked to use.

    Args:
        given: a name, the user's own module, or None where features are given instead.
        makers: by name, what makes the handle.
        own: what wraps the user's module.

    Raises:
        InputError: if there is no extractor of that name.
    """
    if isinstance(given, nn.Module):
        return own(given)
    if given is None:
        return None
    if given not in makers:
        raise InputError(f"extractor must be {', '.join(map(repr, makers))}, a torch module or None, got {given!r}")
    return makers[given]()
