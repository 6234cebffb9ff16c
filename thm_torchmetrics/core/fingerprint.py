"""Fingerprint the options of metrics; metrics of equal fingerprints share a state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_PLAIN = (type(None), bool, int, float, complex, str, bytes, PurePath, torch.dtype, torch.device, type)


def fingerprint(value: Any) -> str:
    """Return a text that is equal for two values only if a metric may treat them alike.

    Plain values, arrays, containers and dataclasses are compared by content. A module is compared by class, weights and
    identity, because two copies may be trained apart. Any other object is compared by identity.

    Args:
        value: the value of an option.

    Example:
        >>> fingerprint({"b": 1, "a": (2, "x")})
        "{'a': [2, 'x'], 'b': 1}"
        >>> first, second = nn.ReLU(), nn.ReLU()
        >>> fingerprint(first) == fingerprint(second)
        False
    """
    return _fingerprint(value, _by_identity)


def content_fingerprint(value: Any) -> str | None:
    """Return a text that is equal in any process for values of equal content; None where identity decides.

    Args:
        value: the value of an option.

    Example:
        >>> content_fingerprint({"b": 1, "a": (2, "x")})
        "{'a': [2, 'x'], 'b': 1}"
        >>> content_fingerprint([nn.ReLU()]) is None
        True
    """
    try:
        return _fingerprint(value, _refuse)
    except _IdentityError:
        return None


class _IdentityError(Exception):
    """A value has an object in it that is compared by identity."""


def _refuse(value: Any) -> str:
    raise _IdentityError


def _by_identity(value: Any) -> str:
    if isinstance(value, nn.Module):
        return f"{_class(value)} {weights_digest(value)} {id(value):x}"
    return f"{_class(value)} {id(value):x}"


def _fingerprint(value: Any, of_object: Callable[[Any], str]) -> str:
    """Return a text for a value, and for the objects in it that have no content what a function returns."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, nn.Module):
        return of_object(value)
    if isinstance(value, Tensor | np.ndarray):
        return f"array {_digest(torch.as_tensor(value))}"
    if isinstance(value, Mapping):
        items = sorted((_fingerprint(key, of_object), _fingerprint(item, of_object)) for key, item in value.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in items) + "}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(_fingerprint(item, of_object) for item in value))}}}"
    if is_dataclass(value) and not isinstance(value, type):
        compared = (each.name for each in fields(value) if each.compare)
        parts = (f"{name}={_fingerprint(getattr(value, name), of_object)}" for name in compared)
        return f"{_class(value)}({', '.join(parts)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_fingerprint(item, of_object) for item in value)}]"
    return of_object(value)


def weights_digest(module: nn.Module) -> str:
    """Return a hash of all parameters and buffers of a module, with their names."""
    tensors: Iterable[tuple[str, Tensor]] = (*module.named_parameters(), *module.named_buffers())
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(f"{name} {_digest(tensor)}".encode())
    return digest.hexdigest()[:16]


def _class(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _digest(tensor: Tensor) -> str:
    digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    if tensor.numel() and not tensor.is_meta:
        digest.update(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
