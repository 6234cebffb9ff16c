"""OpenFace's models made up: the seeded ones of the golden file, as tensors and as files of the published formats."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from parity.seeded import golden, golden_input, golden_meta, seeded_state
from torch import Tensor

from thm_torchmetrics.functional.openface_au import Models

MODEL = "openface22_au"
CASES = ("face", "edge", "pair")
STATIC = ("04", "06", "07", "10", "12", "14")
DYNAMIC = ("01", "02", "05", "09", "15", "17", "20", "23", "25", "26", "45")


def array(name: str) -> Tensor:
    """One array of the golden file."""
    return torch.from_numpy(golden(MODEL)[name])


def frames(case: str) -> Tensor:
    """The frames of a case, ``(T, 3, H, W)`` uint8, RGB."""
    return torch.from_numpy(golden_input(MODEL, case)).movedim(-1, 1).contiguous()


@functools.cache
def linear_models() -> dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any], float, float | None]]:
    """Means, weights, bias and cut-off of each unit, in OpenFace's order."""
    state, found = seeded_state(MODEL), {}
    means = np.concatenate([state["static.hog.running_mean"].numpy(), np.zeros(238)])
    for kind, units in (("static", STATIC), ("dynamic", DYNAMIC)):
        for row, unit in enumerate(units):
            parts = (state[f"{kind}.hog.weight"][row], state[f"{kind}.geometry.weight"][row])
            cutoff = golden_meta(MODEL)["cutoffs"].get(f"AU{unit}")
            found[unit] = (means, torch.cat(parts).numpy(), float(state[f"{kind}.bias"][row]), cutoff)
    return {unit: found[unit] for unit in sorted(found)}


@functools.cache
def models() -> Models:
    """The models as tensors."""
    means, rows, biases, cutoffs = zip(*linear_models().values(), strict=True)
    return Models(
        *(array(f"pdm_{name}") for name in ("mean", "components", "variances")),
        array("triangles"),
        torch.from_numpy(means[0]),
        torch.from_numpy(np.stack(rows)),
        torch.tensor(biases, dtype=torch.float64),
        torch.tensor([torch.nan if cutoff is None else cutoff for cutoff in cutoffs], dtype=torch.float64),
    )


def write_files(folder: Path, names: list[str]) -> Path:
    """Write the models as files of these names in the published formats.

    A static file of a unit that has a cut-off in the recipe holds the same numbers without it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name.startswith("AU_"):
            unit = f"{int(name.split('_')[1]):02}"
            (folder / name).write_bytes(linear_file(unit, dynamic="dynamic" in name))
        elif name.startswith("tris"):
            rows = "\n".join(" ".join(map(str, row)) for row in array("triangles").tolist())
            (folder / name).write_text(f"{len(array('triangles'))} 3 4\n{rows}\n")
        else:
            (folder / name).write_text(point_model_file())
    return folder


def point_model_file() -> str:
    """The text of the point model, with comments as in the published file."""
    mean, components, variances = (array(f"pdm_{name}").numpy() for name in ("mean", "components", "variances"))
    parts = []
    for title, matrix in (("mean", mean.T.reshape(-1, 1)), ("components", components), ("variances", variances[None])):
        rows = "\n".join(" ".join(map(repr, row)) for row in matrix.tolist())
        parts.append(f"# the {title}\n\n{len(matrix)}\n{matrix.shape[1]}\n6\n{rows}\n")
    return "".join(parts)


def linear_file(unit: str, dynamic: bool) -> bytes:
    """The bytes of one linear model."""
    means, weights, bias, cutoff = linear_models()[unit]
    head = np.array([int(dynamic)], "<i4").tobytes()
    if dynamic:
        head += np.array([cutoff], "<f8").tobytes()
    for matrix in (means.reshape(1, -1), weights.reshape(-1, 1)):
        head += np.array([*matrix.shape, 6], "<i4").tobytes() + matrix.astype("<f8").tobytes()
    return head + np.array([bias], "<f8").tobytes()
