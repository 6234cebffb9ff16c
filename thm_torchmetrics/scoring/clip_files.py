"""Select the files that a metric reads of a clip, and open them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch

from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip, VideoSource
from thm_torchmetrics.core.clocks import pair_by_time, rates_differ
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import MediaWarning
from thm_torchmetrics.media import open_video
from thm_torchmetrics.media.audio import SoundFile, read_audio
from thm_torchmetrics.media.feature_files import read_feature_file
from thm_torchmetrics.media.openface import ActionUnitTable, read_action_unit_table
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.media.pictures import PictureFolder
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.scoring.feature_provenance import GivenFeatures
from thm_torchmetrics.scoring.progress import CountedSource, CountedVideo, Progress


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
        rate: samples per second of a sound that is read beside given features.
    """

    kind: str
    path: Path
    row: tuple[int | None, ...] | None = None
    rate: int | None = None


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
        absent = [f"features of {side}" for side in _SIDES if side in metric.inputs and side not in features]
        if metric.sound_rate is not None and item.audio is None:
            absent.append("audio")
        elif metric.sound_rate is not None and item.audio is not None:
            sides[1] = ClipFile("audio", item.audio, rate=metric.sound_rate)
        return (sides[0], sides[1]), absent
    absent = [kind for kind in metric.inputs if getattr(item, kind) is None]
    if item.preds is not None and "audio" in absent and not item.no_sound:
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
        fps: frames per second of folders of pictures.

    Attributes:
        media: the files that were opened, as input and format, in order.
    """

    every: int = 1
    action_units: ActionUnitOptions = field(default_factory=ActionUnitOptions)
    progress: Progress = field(default_factory=Progress)
    fps: float = 25.0
    media: list[tuple[str, str]] = field(default_factory=list, init=False)

    def open(
        self, key: str, file: ClipFile | None, sound: Path | None = None, every: int | None = None
    ) -> AnyClip | None:
        """Return a file as a clip.

        Args:
            key: name of the clip.
            file: the file; None is returned for None.
            sound: the file of a video's sound, which is read when a metric needs it.
            every: take every n-th frame only; default: as the reader.

        Raises:
            MediaError: if it cannot be read.
        """
        if file is None:
            return None
        if file.row is not None:
            return GivenFeatures(read_feature_file(file.path, file.row), key)
        if file.rate is not None:
            return FeatureClip(torch.from_numpy(read_audio(file.path, file.rate)), key)
        every = every or self.every
        if file.kind.endswith("_au"):
            return TableClip(read_action_unit_table(file.path, units=(), every=every, **vars(self.action_units)), key)
        video = open_video(file.path, every=every, fps=self.fps)
        height, width = video.size
        stored = f", {video.pixels}" if isinstance(video, VideoFile) else ""
        self.media.append((file.kind, f"{video.codec} {width}x{height} {video.fps:.6g} fps{stored}"))
        if sound == file.path and isinstance(video, PictureFolder):
            sound = None
        audio = None if sound is None else SoundFile(sound, own_track=sound == file.path)
        return Clip(_counted(video, self.progress.frame), audio=audio, key=key)


class TableClip(FeatureClip):
    """The clip holds the rows of a table of OpenFace."""

    def __init__(self, table: ActionUnitTable, key: str) -> None:
        super().__init__(torch.from_numpy(table.rows), key, rate=table.fps, times=table.times or ())
        self.table = table


def check_columns(metric: TalkingHeadMetric, preds: AnyClip | None, target: AnyClip | None) -> None:
    """Raise an error if a table of OpenFace lacks a unit that a metric needs.

    Raises:
        MediaError: if it does; the message names file and columns.
    """
    for clip in (preds, target):
        if isinstance(clip, TableClip):
            clip.table.require(getattr(metric, "needed_units", ()))


def by_timestamp(preds: AnyClip | None, target: AnyClip | None) -> AnyClip | None:
    """Return the rows of a generated clip's table at the times of the real one's, if the rates of the tables differ.

    Each is the last row up to that time, both clocks starting with the first rows. Everything else is returned as it
    is.
    """
    if not (isinstance(preds, TableClip) and isinstance(target, TableClip)):
        return preds
    if not (rates_differ(preds.rate, target.rate) and preds.table.times and target.table.times):
        return preds
    rows = [chunk.rows for chunk, shown in pair_by_time(preds, target) if chunk is not None and shown is not None]
    warnings.warn(
        f"{preds.table.path} has {preds.rate:.6g} rows per second and {target.table.path} {target.rate:.6g}; rows are "
        "paired by their timestamp",
        MediaWarning,
        stacklevel=2,
    )
    return TableClip(replace(preds.table, rows=torch.cat(rows).numpy(), times=None, fps=target.rate), preds.key)


def remark_on_brightness(preds: AnyClip | None, target: AnyClip | None) -> None:
    """Warn if one of two videos is HDR and the other is not."""
    sources = [clip.frames for clip in (preds, target) if isinstance(clip, Clip)]
    files = [source.source for source in sources if isinstance(source, CountedVideo)]
    high = [file.path for file in files if file.pixels.is_hdr]
    if len(files) > len(high) > 0:
        warnings.warn(
            f"{high[0]} is HDR and the other video is not; pixels are compared as they are stored, so that brightness "
            "counts as error; convert it to SDR",
            MediaWarning,
            stacklevel=2,
        )


def own_or_given_sound(video: Path, given: Path | None) -> Path | None:
    """Return a real video itself if it has a sound track, else the given file of its sound."""
    return video if open_video(video).has_audio else given


def _counted(video: VideoFile | PictureFolder, on_frame: Callable[[], None]) -> VideoSource:
    return CountedVideo(video, on_frame) if isinstance(video, VideoFile) else CountedSource(video, on_frame)
