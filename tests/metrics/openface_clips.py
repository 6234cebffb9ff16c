"""Made-up clips of a face, and AUE of their frames by code of the table's kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from extractors.pictures import batch, portrait
from parity.openface import models, write_files
from torch import Tensor

from thm_torchmetrics import TalkingHeadMetrics, weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.functional.action_units import ACTION_UNITS
from thm_torchmetrics.functional.openface_au import action_unit_intensities

UPPER = ["01", "02", "04", "05", "06", "07", "09", "45"]
LOWER = ["10", "12", "14", "15", "17", "20", "23", "25", "26"]


def face_clip(seed: int, count: int, blank: tuple[int, ...] = ()) -> Tensor:
    """A face that is moved and lit otherwise in every frame, ``(T, 3, 200, 200)``; frames of ``blank`` are grey."""
    draw = np.random.default_rng(seed)
    face = batch(portrait(200)[None])[0].float()
    shots = []
    for index in range(count):
        moved = face.roll(tuple(draw.integers(-6, 7, 2).tolist()), dims=(1, 2))
        lit = (moved * draw.uniform(0.7, 1.0) + torch.from_numpy(draw.normal(0, 3, moved.shape))).clamp(0, 255)
        shots.append(torch.full_like(face, 90) if index in blank else lit)
    return torch.stack(shots).to(torch.uint8)


def model_files(folder: Path) -> dict[str, str]:
    """Folders of made-up models, by checkpoint."""
    return {
        name: str(write_files(folder / name, [part.file for part in weights.registry()[name].parts]))
        for name in ("openface-au", "openface-au-static")
    }


def table(clip: Tensor, dynamic: bool = True) -> pd.DataFrame:
    """The intensities of a whole clip as a table with columns of units, NaN in rows without a face."""
    points = DlibLandmarks.make("dlib").extract(Chunk(clip))
    tracked = points.isfinite().all(dim=2).all(dim=1)
    rows = action_unit_intensities(clip, points, tracked, models(), dynamic).numpy()
    return pd.DataFrame(np.where(tracked.numpy()[:, None], rows, np.nan), columns=list(ACTION_UNITS))


def by_pandas(tables: list[tuple[pd.DataFrame, pd.DataFrame]], units: list[str]) -> float:
    """AUE of tables of pairs of clips, row by row, over all rows that are whole."""
    errors = pd.concat([(preds - target)[units].dropna() ** 2 for preds, target in tables])
    return float(errors.mean().sum())


def share(rank: int, groups: dict[int, Any], files: dict[str, str], shares: list[list[int]]) -> dict[str, float] | None:
    """This rank's view of the synced values of its share of clips."""
    world = len(shares)
    if rank >= world:
        return None
    metrics = TalkingHeadMetrics(
        ["aue-u", "aue-l", "aue"],
        extractor="openface-au",
        landmarks="dlib",
        weights=files,
        align="truncate",
        process_group=groups[world],
    )
    for seed in shares[rank]:
        metrics.update(*pair(seed))
    return {key: value.item() for key, value in metrics.compute().items()}


def pair(seed: int) -> tuple[Tensor, Tensor]:
    """The pair of clips of a seed; the second has a frame without a face, the third sides of unlike length."""
    return face_clip(seed, 6 + 2 * (seed == 2)), face_clip(seed + 100, 6, (3,) if seed == 1 else ())
