"""The region of the frames that a metric measures: a part of the face, a fixed box, or boxes and masks in files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.faces.parts import FACE_PARTS, part_boxes
from thm_torchmetrics.media import open_video
from thm_torchmetrics.media.content import content_hash
from thm_torchmetrics.media.feature_files import read_features
from thm_torchmetrics.weights import CustomFiles

_WHITE = 127


@dataclass(frozen=True)
class Region:
    """A region gives a box for every frame.

    Attributes:
        part: the part of the face, if it is one.
        landmarks: the extractor of its points.
        box: the fixed box ``x1, y1, x2, y2``, if it is one.
        place: the file of boxes or masks, or the folder of such files, if there are any.
    """

    part: str = ""
    landmarks: Extractor | None = None
    box: tuple[int, int, int, int] | None = None
    place: Path | None = None

    def of_clip(self, *clips: AnyClip | None) -> ClipRegion:
        """Return the region of one clip.

        Of a video of which every n-th frame is taken, every n-th box is.

        Args:
            clips: the clip on the side that decides, then on the other; the first name is the clip's.

        Raises:
            InputError: if the boxes lie in files, and the clip has no name, or no file.
        """
        if self.place is None:
            return ClipRegion(self)
        name = next((clip.key for clip in clips if clip is not None and clip.key), "")
        rows, size = _read(_file_of(self.place, name))
        return ClipRegion(self, rows if len(rows) == 1 else rows[:: _step(clips[0])], size)

    def sha256(self) -> str:
        """Return a hash of the file of boxes or masks, or of the names and the contents of all files in the folder."""
        if self.place is None:
            return ""
        digest = hashlib.sha256()
        for path in sorted(path for path in (self.place, *self.place.rglob("*")) if path.is_file()):
            facts = path.stat()
            content = _content(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns))
            digest.update(f"{path.relative_to(self.place).as_posix()!r} {content}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class ClipRegion:
    """The region of one clip.

    Attributes:
        region: the region of all clips.
        rows: ``(T, 4)``, the boxes of its frames; one row serves all.
        size: height and width of its masks, if it has some.
    """

    region: Region
    rows: Tensor | None = None
    size: tuple[int, int] | None = None

    def boxes(self, chunk: Chunk) -> list[list[int]]:
        """Return ``x1, y1, x2, y2`` of each frame of a chunk, ends exclusive; all 0 where a frame has no region.

        Raises:
            InputError: if a box does not lie in the frame, masks have another size than the frame, or a file has fewer
                boxes than the clip has frames.
        """
        height, width = chunk.rows.shape[-2:]
        region = self.region
        if self.size is not None and self.size != (height, width):
            raise InputError(
                f"the masks of the region are {self.size[1]}x{self.size[0]} and the frames {width}x{height}; give "
                "masks of the frames' size"
            )
        if region.landmarks is not None:
            return part_boxes(chunk.features(region.landmarks), region.part, (height, width)).tolist()
        boxes = [list(region.box)] * len(chunk) if region.box else self._of_file(chunk)
        for x1, y1, x2, y2 in boxes:
            if any((x1, y1, x2, y2)) and not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
                raise InputError(
                    f"the region from ({x1}, {y1}) to ({x2}, {y2}) does not lie in the frame of {width}x{height}; "
                    "give a box in pixels of the frame"
                )
        return boxes

    def _of_file(self, chunk: Chunk) -> list[list[int]]:
        rows = self.rows if self.rows is not None else torch.zeros(1, 4, dtype=torch.int64)
        if len(rows) == 1:
            return rows.tolist() * len(chunk)
        stop = chunk.start + len(chunk)
        if stop > len(rows):
            raise InputError(
                f"{self.region.place} has {len(rows)} boxes for a clip of {stop} frames or more; give one for each "
                "frame of the video, or one for all"
            )
        return rows[chunk.start : stop].tolist()


def make_region(region: str | Path | None, landmarks: str | nn.Module, files: CustomFiles) -> Region | None:
    """Return the region that an option names.

    Args:
        region: ``"face"``, ``"mouth"`` or ``"upper"``; ``"x,y,w,h"`` in pixels; a file of boxes or a mask for all
            clips, or a folder with one for each; None for whole frames.
        landmarks: the extractor of the points of a face, or its name.
        files: custom checkpoints of the landmarks.

    Raises:
        InputError: if it is none of these.
        WeightsError: if a checkpoint of the landmarks is absent, corrupt or not allowed.
        MissingExtraError: if a package of the landmarks is not installed.
    """
    if region is None:
        return None
    text = str(region)
    if text in FACE_PARTS:
        return Region(part=text, landmarks=make_extractor("landmarks", landmarks, files))
    if (numbers := re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*", text)) is not None:
        x, y, width, height = (int(number) for number in numbers.groups())
        if width and height:
            return Region(box=(x, y, x + width, y + height))
    if Path(text).exists():
        return Region(place=Path(text))
    raise InputError(
        f"region must be {', '.join(map(repr, FACE_PARTS))}, a box 'x,y,w,h' in pixels, or a file or folder of boxes "
        f"(.npy) or masks (pictures, videos), got {region!r}"
    )


@cache
def _content(path: Path, stamp: tuple[int, int, int]) -> str:
    """Return the hash of a file, which is read once as long as its stamp stays."""
    return content_hash(path)


def _step(clip: AnyClip | None) -> int:
    """Return n if the clip has every n-th frame of its file."""
    source = getattr(clip, "video_source", None)
    return getattr(getattr(source, "source", source), "every", 1)  # a file whose frames are counted has it inside


def _file_of(place: Path, name: str) -> Path:
    """Return the file of a clip.

    Raises:
        InputError: if there is none, or several.
    """
    if place.is_file():
        return place
    if not name:
        raise InputError(f"the clip has no name to find its region in {place} by; pass Clip(frames, key=NAME)")
    stem = place / name
    found = sorted(path for path in stem.parent.glob("*") if stem.name in (path.name, path.stem))
    if len(found) != 1:
        named = ", ".join(path.name for path in found) or "none"
        raise InputError(f"the clip {name!r} needs one file of boxes or masks in {stem.parent}, got {named}")
    return found[0]


def _read(path: Path) -> tuple[Tensor, tuple[int, int] | None]:
    """Read the boxes of a clip, or those of its masks, ``(T, 4)``; all 0 where a mask is black; and the masks' size.

    Raises:
        MediaError: if the file is none of these, or is damaged.
        InputError: if boxes are no whole pixels.
    """
    if path.suffix == ".npy":
        rows = torch.from_numpy(np.asarray(read_features(path, (4,)), np.float64)).nan_to_num()
        if not torch.equal(rows, rows.round()):
            raise InputError(f"{path} holds boxes that are no whole pixels; round x1, y1, x2, y2")
        return rows.to(torch.int64), None
    boxes, size = [], (0, 0)
    for mask, _ in open_video(path).frames():
        size = mask.shape[0], mask.shape[1]
        ys, xs = np.nonzero(mask.max(axis=2) > _WHITE)
        boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0, 0, 0, 0])
    return torch.tensor(np.array(boxes), dtype=torch.int64), size
