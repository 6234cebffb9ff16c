"""Full precision, whatever the training around it has switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch


@contextmanager
def exact_arithmetic(device: torch.device) -> Iterator[None]:
    """No autocast and no reduced-precision float32 (TF32, bfloat16) inside; outside everything is as it was."""
    with torch.autocast(device.type, enabled=False), ExitStack() as stack:
        for backend, name, exact in _PRECISION_SWITCHES:
            stack.callback(setattr, backend, name, getattr(backend, name))
            setattr(backend, name, exact)
        yield


def _precision_switches() -> tuple[tuple[Any, str, Any], ...]:
    cuda: Any = torch.backends.cuda.matmul
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    if not hasattr(cudnn, "conv"):  # torch < 2.9 has only the older switches, later ones forbid to mix them
        return (cuda, "allow_tf32", False), (cudnn, "allow_tf32", False)
    return tuple((backend, "fp32_precision", "ieee") for backend in (cuda, cudnn.conv, mkldnn.matmul, mkldnn.conv))


_PRECISION_SWITCHES = _precision_switches()
