"""Extract the features of one video, for metrics to read instead of running the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.precision import exact_arithmetic
from thm_torchmetrics.extractors import Extractor
from thm_torchmetrics.extractors.emotion import AFFECT
from thm_torchmetrics.functional.face3d import COEFFICIENTS
from thm_torchmetrics.media import open_video
from thm_torchmetrics.scoring.progress import CountedSource, Progress

COLUMNS: Mapping[str, slice] = MappingProxyType({"valence-arousal": AFFECT})
"""Columns of an extractor's rows that are these features; all columns for a name that is not listed."""


@dataclass(frozen=True)
class Features:
    """The features of a video carry their times and their provenance.

    Attributes:
        name: name of the features, such as ``landmarks``.
        rows: ``(T, ...)``; NaN in frames without a face.
        times: presentation time of each frame in seconds.
        fps: frames per second.
        every: n, if every n-th frame was taken.
        extractor: the extractor that computed them.
    """

    name: str
    rows: np.ndarray
    times: list[float]
    fps: float
    every: int
    extractor: Extractor

    @property
    def missing(self) -> int:
        """Return the number of frames without a face."""
        return int(np.isnan(self.rows.reshape(len(self.rows), -1)).any(axis=1).sum())

    def first(self, count: int) -> Features:
        """Return the features of the first frames."""
        return replace(self, rows=self.rows[:count], times=self.times[:count])

    def arrays(self) -> dict[str, Any]:
        """Return the content of an ``.npz`` file.

        It holds the features, their parts if they have any, and their provenance.
        """
        parts = COEFFICIENTS if self.name == "coefficients" else {}
        points = getattr(self.extractor, "landmarks", None)
        options = options_of(self.extractor)
        return {
            self.name.replace("-", "_"): self.rows,
            **{part: self.rows[:, columns] for part, columns in parts.items()},
            "times": np.array(self.times),
            "fps": self.fps,
            "every": self.every,
            "missing": self.missing,
            "extractor": str(self.extractor),
            "face_landmarks": "" if points is None else str(points),
            "face": options.pop("face", ""),
            "upsample": options.pop("upsample", 0),
            "options": [f"{name}={value}" for name, value in sorted(options.items())],
            "checkpoints": [each.name for each in self.extractor.checkpoints],
            "sha256": [each.sha256 for each in self.extractor.checkpoints],
            "version": metadata.version("thm-torchmetrics"),
        }


def extract_features(
    name: str,
    video: Path,
    extractor: Extractor,
    device: torch.device,
    *,
    every: int = 1,
    fps: float = 25.0,
    progress: Progress | None = None,
) -> Features:
    """Compute the features of every frame of a video.

    Args:
        name: name of the features, such as ``landmarks``.
        video: the file, or a folder or pattern of pictures.
        extractor: the extractor that computes them.
        device: the device on which it computes.
        every: take every n-th frame only.
        fps: frames per second of pictures; a video file has its own.
        progress: receives each decoded frame.

    Raises:
        MediaError: if the video cannot be read.
    """
    progress = progress or Progress()
    source = open_video(video, every=every, fps=fps)
    rows: list[torch.Tensor] = []
    times: list[float] = []
    with exact_arithmetic(device):
        for chunk in Clip(CountedSource(source, progress.frame)).chunks():
            features = extractor.extract(chunk.to(device))
            rows.append(features[:, COLUMNS[name]].cpu() if name in COLUMNS else features.cpu())
            times.extend(chunk.times)
    return Features(name, torch.cat(rows).numpy(), times, source.fps / every, every, extractor)


def options_of(extractor: Any) -> dict[str, Any]:
    """Return the options of an extractor that bear on its features, those of its landmarks included."""
    points = getattr(extractor, "landmarks", None)
    options = {} if points is None else options_of(points)
    for name in [field.name for field in fields(extractor)] if is_dataclass(extractor) else ():
        value = getattr(extractor, name)
        if name != "batch_size" and (value is None or isinstance(value, str | int | float)) and name != "landmarks":
            options[name] = value
    return options
