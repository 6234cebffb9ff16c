"""Histograms of oriented gradients of an aligned face, as dlib computes them for OpenFace."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from thm_torchmetrics.imaging.checks import slabs, widest_float

CELL = 8
"""Side of a cell in pixels."""
ORIENTATIONS = 18
"""Signed directions of a gradient; a direction and its opposite count as one unsigned."""
WIDTH = 31
"""Values per cell: 18 signed directions, 9 unsigned ones, 4 of texture."""

_HALF = ORIENTATIONS // 2
_DIRECTIONS = (
    (1.0, 0.0),
    (0.9397, 0.342),
    (0.766, 0.6428),
    (0.5, 0.866),
    (0.1736, 0.9848),
    (-0.1736, 0.9848),
    (-0.5, 0.866),
    (-0.766, 0.6428),
    (-0.9397, 0.342),
)
_STEEPEST = 255
"""The largest difference of two pixels."""
_CLIP = 0.2
_LEAST = 1e-4
_TEXTURE = 0.4714
_VECTOR = 8
"""Pixels that dlib takes at once; those left over at the end of a line break ties between channels otherwise."""


def oriented_gradients(faces: Tensor) -> Tensor:
    """Compute the histograms of oriented gradients of each face.

    For each pixel the channel with the steepest gradient counts; its length is shared among the four nearest cells of
    8x8 pixels in one of 18 directions; cells are normalized by each of the four blocks of 2x2 cells around them.

    Convention: RGB, 0..255.

    Args:
        faces: ``(N, 3, H, W)`` uint8, of at least 24x24 pixels, sides multiples of 8.

    Returns:
        ``(N, H / 8 - 2, W / 8 - 2, 31)`` float64 (float32 on MPS): rows, columns, 18 signed and 9 unsigned directions,
        4 values of texture. An even face gives zeros.

    Source: dlib 19, ``extract_fhog_features`` with cells of 8 pixels, after Felzenszwalb et al. 2010.

    Example:
        >>> oriented_gradients(torch.full((1, 3, 112, 112), 90, dtype=torch.uint8)).shape
        torch.Size([1, 12, 12, 31])
    """
    height, width = faces.shape[-2:]
    weights = [_cell_weights(side, faces.device) for side in (height, width)]
    parts = [
        _features(_cells(faces[some], *weights))
        for some in slabs(len(faces), ORIENTATIONS * height * width, faces.device)
    ]
    rows, columns = height // CELL - 2, width // CELL - 2
    return torch.cat(parts) if parts else weights[0].new_zeros(0, rows, columns, WIDTH)


def _cells(faces: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Return the histograms ``(n, 18, rows, columns)`` of all cells."""
    horizontal, vertical = _steepest(faces)
    kinds = _orientations(faces.device)
    index = (horizontal + _STEEPEST) * (2 * _STEEPEST + 1) + vertical + _STEEPEST
    orientation = kinds[index.flatten()].view(index.shape)
    length = (horizontal.square() + vertical.square()).to(down.dtype).sqrt()
    every = torch.arange(ORIENTATIONS, dtype=orientation.dtype, device=faces.device)[:, None, None]
    planes = torch.where(orientation[:, None] == every, length[:, None], 0.0)
    return down @ (planes @ across.T)


def _steepest(faces: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradient of the channel where it is longest, at all pixels that have four neighbours.

    Of channels with gradients of one length the first counts in this order: blue, green, red; at the end of a line,
    where dlib takes single pixels, red, green, blue.
    """
    pixels = faces.to(torch.int32)
    horizontal = pixels[:, :, 1:-1, 2:] - pixels[:, :, 1:-1, :-2]
    vertical = pixels[:, :, 2:, 1:-1] - pixels[:, :, :-2, 1:-1]
    split = horizontal.shape[3] // _VECTOR * _VECTOR
    parts = []
    for columns, order in ((slice(split), (2, 1, 0)), (slice(split, None), (0, 1, 2))):
        x, y = horizontal[:, order[0], :, columns], vertical[:, order[0], :, columns]
        longest = x.square() + y.square()
        for channel in order[1:]:
            other_x, other_y = horizontal[:, channel, :, columns], vertical[:, channel, :, columns]
            other = other_x.square() + other_y.square()
            longer = other > longest
            x, y = torch.where(longer, other_x, x), torch.where(longer, other_y, y)
            longest = torch.where(longer, other, longest)
        parts.append((x, y))
    return torch.cat([x for x, _ in parts], dim=2), torch.cat([y for _, y in parts], dim=2)


@cache
def _orientations(device: torch.device) -> Tensor:
    """Return the direction of each gradient, ``(511 * 511,)``, x first: the first of those that fit best."""
    steps = torch.arange(-_STEEPEST, _STEEPEST + 1, dtype=torch.float32)
    best = torch.zeros(len(steps), len(steps))
    chosen = torch.zeros(best.shape, dtype=torch.int8)
    for number, (x, y) in enumerate(_DIRECTIONS):
        along = steps[:, None] * x + steps * y
        for way, fit in ((number, along), (number + _HALF, -along)):
            better = fit > best
            best = torch.where(better, fit, best)
            chosen[better] = way
    return chosen.flatten().to(device)


@cache
def _cell_weights(side: int, device: torch.device) -> Tensor:
    """Return the share ``(cells, side - 2)`` of each inner pixel of a line in each cell: a triangle of 16 pixels."""
    dtype = widest_float(device)
    pixels = torch.arange(1, side - 1, dtype=torch.float64)
    centers = torch.arange(side // CELL, dtype=torch.float64)[:, None]
    return (1 - ((pixels + 0.5) / CELL - 0.5 - centers).abs()).clamp(min=0).to(device, dtype)


def _features(cells: Tensor) -> Tensor:
    """Return the features of the cells that have eight neighbours, ``(n, rows, columns, 31)``."""
    unsigned = cells[:, :_HALF] + cells[:, _HALF:]
    energy = unsigned.square().sum(dim=1)
    blocks = energy[:, :-1, :-1] + energy[:, :-1, 1:] + energy[:, 1:, :-1] + energy[:, 1:, 1:]
    signed, unsigned = cells[:, :, 1:-1, 1:-1], unsigned[:, :, 1:-1, 1:-1]
    # the four blocks around a cell, in dlib's order: lower right, upper right, lower left, upper left
    corners = (blocks[:, 1:, 1:], blocks[:, :-1, 1:], blocks[:, 1:, :-1], blocks[:, :-1, :-1])
    both = torch.cat([signed, unsigned], dim=1)
    total, texture = torch.zeros_like(both), []
    for block in corners:
        limit = _CLIP * (block + _LEAST).sqrt()[:, None]
        clipped = torch.minimum(both, limit) * (_CLIP / 2 / limit)
        total += clipped
        texture.append(_TEXTURE * clipped[:, :ORIENTATIONS].sum(dim=1))
    return torch.cat([total, torch.stack(texture, dim=1)], dim=1).permute(0, 2, 3, 1)
