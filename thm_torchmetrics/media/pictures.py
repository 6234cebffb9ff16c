"""Read a numbered series of pictures as a video, and a photo as a video of one frame."""

from __future__ import annotations

import math
import re
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.numbered_files import in_order
from thm_torchmetrics.media.read_ahead import Picture, ReadAhead, TimedPicture

PICTURE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2",
)  # fmt: skip

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")
"""Pillow's names of the formats; it tries no other, whatever the file is."""
_DEEP = ("I", "F")
"""Pillow's modes of 32-bit pictures, which OpenCV does not read either."""
_PATTERN = re.compile(r"%0?[0-9]*d")


@dataclass(frozen=True)
class PictureFolder:
    """A numbered series of pictures is a video that is decoded while it is read; the object is small and picklable.

    It is a `VideoSource`, as `VideoFile` is. Frames are shown in the order of their numbers (2 before 10), which may
    start anywhere and must have equal steps. The numbers are the one part in which the names differ:
    ``frame_0001.png``, ``frame_0002.png``.

    Pixels equal those of OpenCV 5's `imread`, bit for bit: turned as the EXIF orientation says, without transparency,
    the upper 8 bits of 16. Differences of one level are left in CMYK JPEG and 16-bit TIFF files, and larger ones in
    TIFF files with transparency, whose colors OpenCV multiplies by it.

    Args:
        path: a folder; a pattern, such as ``DIR/%05d.png``; or one picture, which is a video of one frame.
        fps: frames per second.
        every: keep every n-th frame only, from the first; ``fps`` remains that of all frames.

    Raises:
        InputError: if ``every`` is not a whole number of at least 1, or ``fps`` not above 0.
        MediaError: when it is first read, if there is no picture, if pictures have no number, two have the same or one
            is missing, or if one cannot be read.

    Example:
        >>> pictures = PictureFolder("frames/talk", fps=30)
        >>> for picture, seconds in pictures.frames():  # doctest: +SKIP
        ...     print(picture.shape, seconds)
    """

    path: Path
    fps: float = 25.0
    every: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise InputError(f"every must be a whole number of at least 1 (1 keeps all frames), got {self.every!r}")
        if not (self.fps > 0 and math.isfinite(self.fps)):
            raise InputError(f"fps must be a number above 0, got {self.fps!r}")

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of the first picture as it is shown."""
        return self._first[0]

    @property
    def codec(self) -> str:
        """Return the format of the first picture, such as ``png`` or ``jpeg``."""
        return self._first[1]

    @property
    def has_audio(self) -> bool:
        """Return False; pictures have no sound."""
        return False

    @property
    def estimated_frames(self) -> int:
        """Return the number of frames."""
        return -(-len(self._pictures) // self.every)

    def frames(self) -> ReadAhead:
        """Return the frames in the order of their numbers, each with its time, to be read once.

        A thread reads them from now on, ahead of their use by at most the frames of a chunk. ``close`` ends it before
        the last frame.

        Returns:
            Pictures ``(H, W, 3)``, RGB, uint8 0..255, with times in seconds, 0 for the first.

        Raises:
            MediaError: if pictures are missing or have no order; by the iterator, if a picture cannot be read, or
                differs in size from the first.
        """
        return ReadAhead(self._read_in_order(self._pictures, self.size))

    def _read_in_order(self, pictures: list[Path], size: tuple[int, int]) -> Generator[TimedPicture, None, None]:
        for index in range(0, len(pictures), self.every):
            path = pictures[index]
            picture, _ = _read(path)
            if picture.shape[:2] != size:
                height, width = picture.shape[:2]
                raise MediaError(
                    f"{path}: is {width}x{height}, the pictures before it are {size[1]}x{size[0]}; bring all "
                    "pictures of a clip to one size"
                )
            yield picture, index / self.fps

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the files of all pictures, in the order in which they are shown.

        Raises:
            MediaError: if there is none, or their numbers are not in steps.
        """
        return tuple(self._pictures)

    @cached_property
    def _first(self) -> tuple[tuple[int, int], str]:
        picture, codec = _read(self._pictures[0])
        return (picture.shape[0], picture.shape[1]), codec

    @cached_property
    def _pictures(self) -> list[Path]:
        """The pictures in the order in which they are shown."""
        if self.path.is_dir():
            return _ordered(self.path, _pictures_of(self.path))
        if is_pattern(self.path):
            form = re.compile("[0-9]+".join(map(re.escape, _PATTERN.split(self.path.name, maxsplit=1))))
            found = [path for path in _entries(self.path.parent) if form.fullmatch(path.name)]
            return _ordered(self.path, found)
        return [self.path]


def is_pattern(path: Path) -> bool:
    """Return whether a path names a series of pictures by their number, such as ``DIR/%05d.png``."""
    return bool(_PATTERN.search(path.name)) and not path.exists()


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture by its name."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def _ordered(source: Path, pictures: list[Path]) -> list[Path]:
    """Return the pictures of a series by number, after checking that none is missing.

    Raises:
        MediaError: if there is none, if they have no order, or if one is missing.
    """
    if not pictures:
        raise MediaError(f"{source}: there is no picture; give a folder or pattern of {', '.join(PICTURE_SUFFIXES)}")
    return in_order(source, pictures)


def _pictures_of(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if is_picture(path) and not path.name.startswith(".")]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise MediaError(
            f"{folder}: cannot be searched ({error.strerror or error}); give yourself the permission to read it"
        ) from error


def _read(path: Path) -> tuple[Picture, str]:
    """Return a picture ``(H, W, 3)``, RGB, and the name of its format."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            codec = str(image.format).lower()
            count = getattr(image, "n_frames", 1)
            if count > 1 and codec != "mpo":  # the second picture of an MPO is a preview
                raise MediaError(f"{path}: holds {count} pictures; write each to a file, or convert it to mp4")
            if image.mode in _DEEP and image.format != "PNG":
                raise MediaError(f"{path}: has 32 bits per channel, 8 or 16 are needed; convert it to 8")
            return _rgb(ImageOps.exif_transpose(image)), codec
    except MediaError:
        raise
    except Image.DecompressionBombError as error:
        raise MediaError(
            f"{path}: is larger than Pillow's limit ({error}); make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS"
        ) from error
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except Exception as error:  # a damaged file breaks Pillow's decoders in many ways
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"{path}: cannot be read as a picture ({reason}); copy or convert it again") from error


def _rgb(image: Image.Image) -> Picture:
    if image.mode.startswith("I"):  # grey of 16 bits
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.stack([grey] * 3, axis=-1)
    return np.array(image.convert("RGB"), np.uint8)
