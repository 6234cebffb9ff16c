"""Select the files that a metric reads of a clip, and open them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch

from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.media.audio import SoundFile
from thm_torchmetrics.media.feature_files import read_features
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.scoring.progress import CountedVideo, Progress


@dataclass(frozen=True)
class ActionUnitOptions:
    """The options say how OpenFace's tables are read; the originals use every row."""

    successful_only: bool = False
    min_confidence: float = 0.0
    face_id: int | None = None


class ClipFile(NamedTuple):
    """A clip file is one side of a clip.

    Attributes:
        kind: the input that it gives, such as ``preds`` or ``target_au``; ``features`` for given features.
        path: the file.
        row: shape of a row of given features.
    """

    kind: str
    path: Path
    row: tuple[int | None, ...] | None = None


Files: TypeAlias = tuple[ClipFile | None, ClipFile | None]
"""The files of both sides of a clip, None where a metric reads none."""


def files_of(item: Item, name: str, metric: TalkingHeadMetric) -> tuple[Files, list[str]]:
    """Return the files that a metric reads of a clip, and its inputs that are absent.

    Args:
        item: the files of the clip.
        name: the metric's name, under which given features are listed.
        metric: the metric.

    Returns:
        The files of prediction and target, and the names of the absent inputs.
    """
    features = item.features.get(name)
    if features is not None:
        width = getattr(metric, "num_features", None) if metric.feature_shape == (None,) else None
        row = metric.feature_shape if width is None else (width,)
        sides = [ClipFile("features", features[side], row) if side in features else None for side in _SIDES]
        return (sides[0], sides[1]), [f"features of {side}" for side in metric.inputs if side not in features]
    absent = [kind for kind in metric.inputs if getattr(item, kind) is None]
    if item.preds is not None and "audio" in absent:
        absent.remove("audio")  # the prediction's own sound is used instead
    kinds = [metric.argument(side) or side for side in _SIDES]
    found = [ClipFile(kind, path) if (path := getattr(item, kind, None)) else None for kind in kinds]
    return (found[0], found[1]), absent


_SIDES = ("preds", "target")


@dataclass
class ClipReader:
    """The reader opens the files of clips.

    Args:
        every: take every n-th frame only.
        action_units: how OpenFace's tables are read.
        progress: receives each decoded frame.

    Attributes:
        media: counts of the opened files by input and format, for the report.
    """

    every: int = 1
    action_units: ActionUnitOptions = field(default_factory=ActionUnitOptions)
    progress: Progress = field(default_factory=Progress)
    media: dict[str, Counter[str]] = field(default_factory=dict, init=False)

    def open(self, key: str, file: ClipFile | None, sound: Path | None = None) -> AnyClip | None:
        """Return a file as a clip.

        Args:
            key: name of the clip.
            file: the file; None is returned for None.
            sound: the file of a video's sound, which is read when a metric needs it.

        Raises:
            MediaError: if it cannot be read.
        """
        if file is None:
            return None
        if file.row is not None:
            return FeatureClip(torch.from_numpy(read_features(file.path, file.row)), key)
        if file.kind.endswith("_au"):
            return FeatureClip(torch.from_numpy(read_action_units(file.path, **vars(self.action_units))), key)
        video = VideoFile(file.path, every=self.every)
        height, width = video.size
        self.count(file.kind, f"{video.codec} {width}x{height} {video.fps:.6g} fps")
        audio = None if sound is None else SoundFile(sound)
        return Clip(CountedVideo(video, self.progress.frame), audio=audio, key=key)

    def count(self, kind: str, what: str) -> None:
        """Count an opened file."""
        self.media.setdefault(kind, Counter())[what] += 1


def own_or_given_sound(video: Path, given: Path | None) -> Path | None:
    """Return a real video itself if it has a sound track, else the given file of its sound."""
    return video if VideoFile(video).has_audio else given
