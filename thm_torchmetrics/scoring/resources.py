"""Find where a run computes, and where its checkpoints come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.spelling import Spelling


def find_checkpoints(
    files: Mapping[str, str | Path], folder: Path | None, offline: bool, commercial: bool, progress: Progress
) -> weights.Checkpoints:
    """Return the source of checkpoints.

    Args:
        files: custom files by name; they go before those of the folder.
        folder: a folder of custom files.
        offline: download nothing; False leaves the decision to the environment variable.
        commercial: refuse licenses without commercial use; False likewise.
        progress: receives downloads and licenses.

    Raises:
        InputError: if a name is unknown, a file absent, or the folder holds no checkpoint.
    """
    given = weights.files_in(folder) if folder else {}
    checkpoints = weights.Checkpoints(
        {**given, **files},
        offline=offline or None,
        commercial=commercial or None,
        on_download=progress.download,
        on_license=progress.note,
    )
    checkpoints.check_files()
    return checkpoints


def device_named(name: str | None, spell: Spelling) -> torch.device:
    """Return the device of this name, by default a CUDA device if there is one, else the CPU.

    Args:
        name: the name, as PyTorch has it.
        spell: how options are written in messages.

    Raises:
        InputError: if there is no such device, or it cannot compute.
    """
    known = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    known += ["mps"] if torch.backends.mps.is_available() else []
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        probe = torch.zeros(1, device=name)
        probe.item()  # raises on a device that holds no numbers, such as meta
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"{spell('device', name)}: PyTorch cannot compute there; it can on {', '.join(known)}"
        ) from error
    return probe.device
