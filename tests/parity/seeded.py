"""Seeded weights and golden outputs, read once per test session.

``seeded_state("iresnet18")`` is the made-up checkpoint of a recipe in ``models/``, ``golden("iresnet18")`` what the
original implementation gave with it, ``golden_input("iresnet18", "images")`` what it was given.
"""

import functools
import json
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from parity import fill, inputs_more
from torch import Tensor, nn

HERE = Path(__file__).parent
TOLERANCE = 2e-5  # of the largest absolute value, unless the data's notes say otherwise

NetT = TypeVar("NetT", bound=nn.Module)


@functools.cache
def golden(model: str) -> dict[str, npt.NDArray[Any]]:
    """All arrays of one golden file; do not write into them."""
    with np.load(HERE / "golden" / f"{model}.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if name != "meta"}


@functools.cache
def golden_meta(model: str) -> dict[str, Any]:
    """Seeds, inputs, versions and the fingerprint of the weights."""
    with np.load(HERE / "golden" / f"{model}.npz") as arrays:
        meta: dict[str, Any] = json.loads(str(arrays["meta"]))
    return meta


@functools.cache
def golden_input(model: str, name: str) -> npt.NDArray[Any]:
    """One input of a golden file, rebuilt from its seed; do not write into it."""
    array: npt.NDArray[Any] = inputs_more.rebuild(golden_meta(model)["inputs"][name])
    return array


@functools.lru_cache(maxsize=3)
def seeded_state(model: str) -> dict[str, Tensor]:
    """The made-up checkpoint, keys in the published order; do not write into it.

    Three are kept: all of them together would be 0.8 GB.
    """
    meta = golden_meta(model)
    state: dict[str, Tensor] = fill.fill_recipe(str(HERE / "models" / f"{model}.json"), meta["fill_seed"])
    assert fill.checksum(state) == meta["weights_sha256"]
    return state


def loaded(net: NetT, model: str) -> NetT:
    """``net`` in eval mode with the made-up checkpoint, loaded strictly."""
    net.load_state_dict(seeded_state(model))
    return net.eval()


def as_batch(images: npt.NDArray[np.uint8]) -> Tensor:
    """uint8 images ``(N, H, W, 3)`` as a float32 batch ``(N, 3, H, W)``, still 0..255."""
    return torch.from_numpy(images).movedim(-1, 1).to(torch.float32)


def deviation(actual: Tensor, expected: npt.NDArray[Any], scale: float | None = None) -> float:
    """Largest absolute difference, as a share of ``scale`` (default: the largest absolute expected value)."""
    given = actual.detach().cpu().numpy()
    assert given.shape == expected.shape, f"{given.shape} instead of {expected.shape}"
    assert np.isfinite(given).all()
    size = float(np.abs(expected).max()) if scale is None else scale
    return float(np.abs(given.astype(np.float64) - expected).max()) / size
