"""Compute in full precision under any settings of the training around."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import torch
from torch import Tensor


class exact_arithmetic:  # noqa: N801  (a context manager, named as torch.no_grad)
    """Switch gradients, autocast and reduced-precision float32 off in a ``with`` block.

    The switches of float32 (TF32, bfloat16) belong to the process. The first block that is entered sets them, the last
    one that is left puts them back, so that several threads may measure at once.

    Args:
        device: the device on which the block computes.
    """

    __slots__ = ("_autocast", "_device", "_grad")

    def __init__(self, device: torch.device) -> None:
        self._device = device.type
        self._autocast = self._grad = False

    def __enter__(self) -> None:
        self._grad = torch.is_grad_enabled()
        if self._grad:
            torch.set_grad_enabled(False)
        self._autocast = torch.is_autocast_enabled(self._device)
        if self._autocast:
            torch.set_autocast_enabled(self._device, False)
        _enter()

    def __exit__(self, *error: Any) -> None:
        _leave()
        if self._autocast:
            torch.set_autocast_enabled(self._device, True)
        if self._grad:
            torch.set_grad_enabled(True)


_lock = threading.Lock()
_inside = 0
_before: list[tuple[Any, str, Any]] = []


@cache
def _switches() -> tuple[tuple[Any, str, Any], ...]:
    """Return owner, name and exact value of each switch of reduced-precision float32."""
    cuda: Any = torch.backends.cuda.matmul
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    if not hasattr(cudnn, "conv"):  # torch < 2.9 has only the older switches; later versions forbid mixing them
        return (cuda, "allow_tf32", False), (cudnn, "allow_tf32", False)
    used = (mkldnn.matmul, mkldnn.conv, *((cuda, cudnn.conv) if torch.cuda.is_available() else ()))
    return tuple((backend, "fp32_precision", "ieee") for backend in used)


def _enter() -> None:
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            for backend, name, exact in _switches():
                current = getattr(backend, name)
                if current != exact:
                    _before.append((backend, name, current))
                    setattr(backend, name, exact)


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        while not _inside and _before:
            backend, name, value = _before.pop()
            setattr(backend, name, value)


def narrowest(values: Tensor) -> Tensor:
    """Return values as float32 where that holds all of them exactly, or else as they are."""
    narrow = values.to(torch.float32)
    return narrow if bool(((narrow == values) | values.isnan()).all()) else values
