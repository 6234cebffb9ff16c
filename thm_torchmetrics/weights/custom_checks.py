"""Checks of what a user's own checkpoint holds; no published hash vouches for it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from thm_torchmetrics.errors import WeightsError

if TYPE_CHECKING:
    import torch

_SHOWN = 4


def some(items: Iterable[str]) -> str:
    """List the first few, and how many there are."""
    listed = list(items)
    more = f", ... ({len(listed)} in all)" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def check_archive(path: Path) -> None:
    """Compare the checksums of a zip file with its contents, which PyTorch does not do.

    Raises:
        WeightsError: if one differs, or if it unpacks to more bytes than it has, which `torch.save` never writes.
    """
    if not zipfile.is_zipfile(path):
        return  # PyTorch's older format has no checksums
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(record.file_size for record in archive.infolist())
            too_large = unpacked > path.stat().st_size  # reading it could take all memory
            damaged = None if too_large else archive.testzip()
    except Exception as error:  # a damaged file can fail in any part of the reader
        raise WeightsError(f"{path} is damaged: {str(error) or type(error).__name__}; copy or save it again") from error
    if too_large:
        raise WeightsError(f"{path} unpacks to {unpacked:,} bytes, more than it has; save it with torch.save")
    if damaged is not None:
        raise WeightsError(
            f"{path} is damaged: the checksum of {damaged} differs from its contents. Copy or save it again (with "
            "torch.serialization.set_crc32_options(True), if checksums were switched off)"
        )


def check_numbers(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors that no network can compute with.

    Raises:
        WeightsError: if one is complex, sparse, quantized or without data, or holds NaN or infinity in float32.
    """
    faults: dict[str, list[str]] = {}
    for key, tensor in state.items():
        if (fault := _fault(tensor)) is not None:
            faults.setdefault(fault, []).append(key)
    if faults:
        listed = "; ".join(f"{fault}: {some(keys)}" for fault, keys in faults.items())
        raise WeightsError(f"{path} cannot be used: it holds tensors {listed}. Save plain tensors of finite numbers")


def _fault(tensor: torch.Tensor) -> str | None:
    import torch

    if tensor.is_meta:
        return "without data (on the device meta)"
    if tensor.layout is not torch.strided or tensor.is_nested:
        return "of a sparse or nested layout"
    if tensor.is_quantized:
        return "of quantized numbers"
    if tensor.is_complex():
        return "of complex numbers"
    if not tensor.is_floating_point():
        return None
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "larger than their data (views that repeat it)"
    # float64 beyond float32's range is infinite in the network
    return None if torch.isfinite(tensor.to(torch.float32)).all() else "with NaN or infinity"
