"""Clips of a face with sound, for `LipSyncSequenceDistance`, and what a process of the group does with its share."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lipsync.stand_ins import KnownFaces, SmallSyncNet, with_detector

from thm_torchmetrics import Clip, LipSyncSequenceDistance

TALKS = 5


def talk(number: int) -> Clip:
    """A clip of noise with a sound of noise; two black frames are cuts, and have no face; the last clip is black."""
    count = 40 + 3 * number
    generator = torch.Generator().manual_seed(number)
    frames = torch.randint(60, 80, (count, 3, 48, 48), dtype=torch.uint8, generator=generator)
    frames[24:26] = 0
    if number == TALKS - 1:
        frames[:] = 0
    return Clip(frames, audio=torch.randn(640 * count, generator=generator).clamp(-1, 1) / 2)


def lip_sequences(detector: str | Path, **options: Any) -> LipSyncSequenceDistance:
    """The metric with a small network, and a face in every frame that is not black."""

    def boxes(picture: npt.NDArray[np.uint8], index: int) -> list[list[float]]:
        return [[4.0, 4.0, 44.0, 44.0]] if picture.any() else []

    made: dict[str, Any] = {
        "extractor": SmallSyncNet(), "weights": {"s3fd": detector}, "min_track": 5, "min_face_size": 0,
        **options,
    }  # fmt: skip
    return with_detector(LipSyncSequenceDistance(**made), KnownFaces(boxes, keep=False))


def compute_lip_sequences(
    rank: int, groups: dict[int, Any], detector: str, shares: list[list[int]]
) -> tuple[float, float] | None:
    """This rank's view of the synced value and coverage of videos; None for a rank beyond the world asked for."""
    world = len(shares)
    if rank >= world:
        return None
    metric = lip_sequences(detector, process_group=groups[world])
    for number in shares[rank]:
        metric.update(talk(number))
    return metric.compute().item(), metric.coverage
