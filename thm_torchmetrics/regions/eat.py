"""The video of aligned faces that EAT's evaluation makes of a clip and measures in place of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import CHUNK_FRAMES, Chunk
from thm_torchmetrics.errors import MediaWarning
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.faces.eat_crop import EAT_SIZE, eat_crops
from thm_torchmetrics.lipsync.codecs import Xvid
from thm_torchmetrics.media.read_ahead import Picture
from thm_torchmetrics.media.video import Converter
from thm_torchmetrics.weights import CustomFiles


@dataclass(frozen=True)
class EatCrops(Extractor):
    """Cut the aligned 128x128 face out of every frame, before it is encoded.

    Attributes:
        landmarks: the extractor of the points.
    """

    kind = "crops"

    landmarks: DlibLandmarks

    @classmethod
    def make(cls, files: CustomFiles = None) -> Self:
        """Return the crops of dlib's first face in the grey frame, red and blue swapped, after one upsampling.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if its predictor is absent or not allowed.
        """
        return cls(DlibLandmarks.make("dlib", files, face="first", upsample=1, grey="bgr"))

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return self.landmarks.name

    def extract(self, chunk: Chunk) -> Tensor:
        """Return crops ``(n, 3, 128, 128)``, uint8; black where a frame has no face."""
        return eat_crops(chunk.as_uint8(), chunk.features(self.landmarks))[0]

    def found(self, chunk: Chunk) -> Tensor:
        """Return whether each frame has a face, ``(n,)`` bool."""
        return chunk.features(self.landmarks).isfinite().flatten(1).all(dim=1)


class EatVideo:
    """The video holds the crops of one clip as EAT reads them back from its file.

    The file is that of ``cv2.VideoWriter`` with fourcc MP4V at 25 pictures per second. Frames without a face are not in
    it. A crop takes 48 KiB of memory.

    Args:
        crops: the extractor of the crops.
    """

    def __init__(self, crops: EatCrops) -> None:
        self._crops = crops
        self._encode = Xvid((EAT_SIZE, EAT_SIZE))
        self._convert = Converter()
        self._pictures: list[Picture] = []
        self._device = torch.device("cpu")
        self.seen = 0

    def __len__(self) -> int:
        return len(self._pictures)

    def add(self, chunk: Chunk) -> None:
        """Add the crops of the clip's next frames."""
        self.seen += len(chunk)
        self._device = chunk.rows.device
        crops = chunk.features(self._crops)[self._crops.found(chunk)]
        for picture in crops.permute(0, 2, 3, 1).cpu().numpy():
            self._pictures.append(self._convert(self._encode(picture)))

    def chunk(self, indices: list[int]) -> Chunk:
        """Return some of the crops as a chunk."""
        pictures = torch.from_numpy(np.stack([self._pictures[index] for index in indices]))
        return Chunk(pictures.permute(0, 3, 1, 2).to(self._device))


def spread(length: int, count: int) -> list[int]:
    """Return the indices of frames that EAT takes out of a video, spread over its whole length.

    Args:
        length: frames of the video.
        count: frames to take.

    Example:
        >>> spread(5, 5), spread(12, 5)
        ([0, 1, 2, 3, 4], [0, 2, 4, 7, 9])
    """
    step = length / count if count else 0.0
    return [int(index * step) for index in range(count)]  # as np.linspace rounds: 30 to 22 takes frame 14, not 15


def pair_videos(preds: EatVideo, target: EatVideo) -> Iterator[tuple[Chunk, Chunk]]:
    """Yield the crops of two videos in pairs, as many as the shorter has, spread over the longer."""
    count = min(len(preds), len(target))
    sides = [(video, spread(len(video), count)) for video in (preds, target)]
    for start in range(0, count, CHUNK_FRAMES):
        first, second = (video.chunk(indices[start : start + CHUNK_FRAMES]) for video, indices in sides)
        yield first, second


def remark_on_pairs(preds: EatVideo, target: EatVideo) -> None:
    """Warn where frames of one number are not compared with each other."""
    if not len(preds) or not len(target):
        return  # nothing is compared, which the metric reports
    missing = [video.seen - len(video) for video in (preds, target)]
    if any(missing):
        warnings.warn(
            f"{missing[0]} of {preds.seen} frames of the prediction and {missing[1]} of {target.seen} of the target "
            "have no face; EAT leaves them out of its crops, so that later crops may be compared with those of another "
            "frame",
            MediaWarning,
            stacklevel=4,
        )
    if preds.seen != target.seen:
        warnings.warn(
            f"the prediction has {preds.seen} frames and the target {target.seen}; EAT spreads the shorter over the "
            "whole length of the longer",
            MediaWarning,
            stacklevel=4,
        )
