"""Checkpoint files as state dicts, read without running what is in them, and loaded strictly."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.custom_checks import check_archive, check_numbers, some
from thm_torchmetrics.weights.file_type import CHECKPOINT, file_type
from thm_torchmetrics.weights.locate import locate
from thm_torchmetrics.weights.registry import get_entry

if TYPE_CHECKING:
    import torch
    from torch import nn

StateDict: TypeAlias = "dict[str, torch.Tensor]"

_WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "net_recon")
_COUNTER = "num_batches_tracked"
_SAVE = "save the state dict alone: torch.save(model.state_dict(), FILE)"


def _read(path: Path, custom: bool) -> Any:
    """Read a file; only tensors and containers are ever made of it."""
    import torch

    found = file_type(path)
    if found != CHECKPOINT:
        raise WeightsError(
            f"{path} is {found}, not a PyTorch checkpoint; nothing in it was run. Give a file that torch.save wrote"
        )
    if custom:
        check_archive(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{path} was refused, and nothing in it was run: {_refusal(error)}") from error
    except Exception as error:  # a damaged file can fail in any part of the reader
        summary = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{path} is damaged or cut short: {summary}; copy or download it again") from error


def _refusal(error: pickle.UnpicklingError) -> str:
    """Say why PyTorch refused a file; its own advice, to switch the check off, is left out."""
    cause = str(error.__context__ or error)
    if (named := re.search(r"GLOBAL ([\w.]+)", cause)) is not None:
        return f"it holds more than tensors and asks for {named[1]}. Where the file can be trusted, {_SAVE}"
    return f"it is damaged, or holds more than tensors ({cause.splitlines()[0]}); {_SAVE}"


def _unwrap(held: Any, wrapper: str | None, path: Path) -> Mapping[str, Any]:
    """Return the state dict of a file: its dict, or the one item of it that is known to be the network."""
    if not isinstance(held, Mapping):
        raise WeightsError(f"{path} holds a {type(held).__name__}, not a state dict; {_SAVE}")
    names = [name for name in _WRAPPERS if isinstance(held.get(name), Mapping)]
    if wrapper is not None and isinstance(held.get(wrapper), Mapping):
        names = [wrapper]
    if len(names) > 1:
        raise WeightsError(f"{path} holds several networks ({', '.join(names)}); save the state dict of one alone")
    return held[names[0]] if names else held


def load(
    name: str,
    file: str | Path | None = None,
    *,
    commercial: bool | None = None,
    device: str | torch.device = "cpu",
) -> StateDict:
    """Return the state dict of a checkpoint, with the keys of the bare network.

    Reads zip files and legacy pickles, takes the network out of a wrapper (`net_recon`, `state_dict`, `model`, ...) and
    drops the prefix `module.` that data parallel training leaves on keys.

    Args:
        name: name in the registry.
        file: the user's own file.
        commercial: whether the use is commercial; None reads the variable `THM_COMMERCIAL`.
        device: where the tensors go.

    Raises:
        InputError: if the registry has no such name.
        WeightsNotFoundError: if it is not there; nothing is downloaded.
        WeightsError: if the file is damaged, is no state dict, would run code (nothing of it is run), or if its license
            excludes this use; or if a custom file holds NaN, infinity, or tensors that are not plain ones of real
            numbers.
    """
    import torch

    found = locate(name, file, commercial=commercial)
    path = found.path
    if get_entry(name).parts:
        raise WeightsError(f"{path} is a folder of files that hold no state dict; take its path from `locate`")
    state = _unwrap(_read(path, found.custom), get_entry(name).wrapper, path)
    wrong = [
        f"{key} ({type(value).__name__})"
        for key, value in state.items()
        if not (isinstance(key, str) and isinstance(value, torch.Tensor))
    ]
    if wrong or not state:
        what = some(wrong) if wrong else "it is empty"
        raise WeightsError(f"{path} is no state dict: {what}, not tensors by key; {_SAVE}")
    if found.custom:  # a published file is verified by its hash
        check_numbers(path, state)
    bare = {re.sub(r"^(module\.)+", "", key): value.detach().to(device) for key, value in state.items()}
    if len(bare) < len(state):
        raise WeightsError(f"{path} holds keys twice, with and without the prefix `module.`; {_SAVE}")
    return bare


def _difference(own: Mapping[str, torch.Tensor], state: StateDict) -> list[str]:
    """Name the keys that do not fit; evaluation ignores the counters of batch normalization, and so does this."""
    missing = [key for key in own if key not in state and not key.endswith(_COUNTER)]
    unexpected = [key for key in state if key not in own and not key.endswith(_COUNTER)]
    shapes = [
        f"{key} {tuple(state[key].shape)} where the network has {tuple(tensor.shape)}"
        for key, tensor in own.items()
        if key in state and state[key].shape != tensor.shape
    ]
    whole = [
        f"{key} ({str(state[key].dtype).removeprefix('torch.')})"
        for key, tensor in own.items()
        if key in state and tensor.is_floating_point() and not state[key].is_floating_point()
    ]
    named = {"missing": missing, "unexpected": unexpected, "of other shape": shapes, "not of floating point": whole}
    return [f"{fault}: {some(keys)}" for fault, keys in named.items() if keys]


def load_into(module: nn.Module, state: StateDict, name: str) -> None:
    """Load a state dict into a network, strictly; the network is made float32 first.

    Under Lightning's ``bf16-true`` a new network is bfloat16, and copying into it would lose the checkpoint's bits.
    `num_batches_tracked` may be there or not.

    Args:
        module: the network.
        state: its state dict, as `load` returns it.
        name: name in the registry, for the message.

    Raises:
        WeightsError: if keys are missing or unexpected, if shapes differ, or if whole numbers stand where the network
            has floating point; the network is left as it was.
    """
    if difference := _difference(module.state_dict(), state):
        raise WeightsError(
            f"the checkpoint {name!r} does not fit the network {type(module).__name__}. Keys {'; '.join(difference)}. "
            "Give a file that was saved from this network"
        )
    module.float().load_state_dict(state, strict=False)
