"""TorchScript archives, which run code: only the published bytes are loaded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.file_type import TORCHSCRIPT, file_type
from thm_torchmetrics.weights.locate import locate

if TYPE_CHECKING:
    from torch import nn


def load_torchscript(name: str, file: str | Path | None = None, *, commercial: bool | None = None) -> nn.Module:
    """Return the network of a published TorchScript archive, on the CPU.

    Args:
        name: name in the registry.
        file: the user's copy of it.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is not there; nothing is downloaded.
        WeightsError: if the file has another hash than the published one, in which case nothing in it is run, if it is
            no TorchScript archive, or if its license excludes this use.
    """
    found = locate(name, file, commercial=commercial)
    if found.custom:
        raise WeightsError(
            f"{found.path} has not the hash of the checkpoint {name!r}; a TorchScript archive runs code, so nothing in "
            "it was run. Save the state dict of the network instead: torch.save(model.state_dict(), FILE)"
        )
    if (kind := file_type(found.path)) != TORCHSCRIPT:
        raise WeightsError(f"{found.path} is {kind}, not {TORCHSCRIPT}; get the published file")
    import torch

    with warnings.catch_warnings():
        for warned in (DeprecationWarning, FutureWarning):  # of all of TorchScript, in newer versions
            warnings.simplefilter("ignore", warned)
        network: nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
            str(found.path), map_location="cpu"
        )
    return network
