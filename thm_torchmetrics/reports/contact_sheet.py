"""Draw landmarks on video frames, side by side on one sheet, for a visual check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.whole_file import whole_file

WIDTH = 320
"""Width of each picture on the sheet."""

_COLUMNS = 4
_POINT, _BOX, _TEXT = (0, 255, 90), (255, 200, 0), (255, 255, 255)


def landmark_sheet(
    pictures: Sequence[npt.NDArray[np.uint8]],
    points: Sequence[npt.NDArray[np.float64]],
    captions: Sequence[str],
) -> Image.Image:
    """Draw frames side by side, four in a row, each with landmarks, their box and a caption.

    Args:
        pictures: frames ``(H, W, 3)``, RGB, uint8.
        points: landmarks ``(K, 2)`` of each frame in its pixels, NaN where it has no face.
        captions: a line for each frame; ``no face`` is added where there is none.

    Raises:
        InputError: if there is no frame.
    """
    if not pictures:
        raise InputError("there are no frames to draw; give at least one")
    tiles = [_tile(*each) for each in zip(pictures, points, captions, strict=True)]
    width, height = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    columns = min(_COLUMNS, len(tiles))
    sheet = Image.new("RGB", (columns * width, math.ceil(len(tiles) / columns) * height))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % columns * width, i // columns * height))
    return sheet


def save(image: Image.Image, path: Path) -> None:
    """Write a picture in the format of the path's suffix, whole or not at all.

    Raises:
        InputError: if Pillow cannot write that format.
        OSError: if the file cannot be written; an earlier file of this name then stays as it was.
    """
    form = Image.registered_extensions().get(path.suffix.lower())
    if form not in Image.SAVE:
        raise InputError(f"{path}: no picture has the suffix {path.suffix!r}; use .png or .jpg")
    with whole_file(path, "wb") as file:
        image.save(file, form)


def _tile(picture: npt.NDArray[np.uint8], points: npt.NDArray[np.float64], caption: str) -> Image.Image:
    scale = WIDTH / picture.shape[1]
    tile = Image.fromarray(picture).resize((WIDTH, max(1, round(picture.shape[0] * scale))))
    draw = ImageDraw.Draw(tile)
    if np.isnan(points).any():
        caption += ", no face"
    else:
        scaled = (points + 0.5) * scale
        draw.rectangle((*scaled.min(axis=0), *scaled.max(axis=0)), outline=_BOX)
        for x, y in scaled:
            draw.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=_POINT)
    draw.rectangle((0, 0, draw.textlength(caption) + 6, 14), fill=(0, 0, 0))
    draw.text((3, 1), caption, fill=_TEXT)
    return tile
