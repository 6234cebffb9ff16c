"""CPBD, the sharpness of single frames without a reference."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from thm_torchmetrics.imaging.checks import check_frames, check_range, slabs, widest_float
from thm_torchmetrics.imaging.grey import grey_levels

_BLOCK = 64
_EDGE_PIXELS = 0.002 * _BLOCK * _BLOCK
"""A block with more Canny pixels than this is an edge block."""

_LOW_CONTRAST = 50
"""Up to this contrast of its block (grey levels) an edge of 5 pixels passes as sharp, above it one of 3."""

_HORIZONTAL = math.tan(math.pi / 8)
"""A gradient is horizontal if its vertical component is less than this times the other: within 22.5 degrees."""

_REACH = 4
"""Steps followed to each side of an edge: one more than a sharp edge may have in all."""

_GAUSSIAN = [math.exp(-(offset**2) / 2) for offset in range(-4, 1)]
_SMOOTHING = [weight / (2 * sum(_GAUSSIAN[:4]) + 1) for weight in _GAUSSIAN]
"""Canny's Gaussian of sigma 1, cut at 4 pixels: the outermost weight first, the central one last."""

_WEAK = 0.10000000149011612
"""Canny's lower threshold, 0.1 as scikit-image keeps it: in single precision."""

_STRONG = 0.2
"""Canny's upper threshold. Both are meant for images in 0..1 but are applied to 0..255, so nearly every edge passes."""


@torch.no_grad()
def blur_detection_probability(frames: Tensor) -> Tensor:
    r"""Compute the cumulative probability of blur detection (CPBD) of each frame.

    An edge ``w`` pixels wide is seen as blurred with the probability ``P = 1 - exp(-(w / w_JNB)^3.6)``, where the just
    noticeable width ``w_JNB`` is 5 pixels in 64x64 blocks of low contrast and 3 in others; CPBD is the share of edges
    with ``P <= 0.63``, which are those with ``w <= w_JNB``. Only edges across a horizontal gradient, in whole blocks
    that Canny's detector finds edges in, count. A frame without any, or smaller than 64x64, scores 0.

    Protocol ``python-cpbd``: the package ``cpbd``, on the 8-bit grey frame that OpenCV makes of RGB. Its quirks are
    kept: Canny thresholds meant for another scale, edge strengths compared with a threshold of other units, vertical
    gradients taken for rises to the right where the horizontal component is 0, and no edges at all in a frame whose
    every gradient is of that kind or points exactly to the right.

    Convention: RGB, uint8 0..255 or floating point 0..1.

    Args:
        frames: ``(N, 3, H, W)``; floating point is first rounded to 8 bits.

    Returns:
        ``(N,)`` float64 in 0..1, higher is sharper (float32 on MPS, where the computation runs on the CPU).

    Raises:
        InputError: these are not RGB frames, or a float value lies outside 0..1.

    Source: N. D. Narvekar, L. J. Karam, "A no-reference image blur metric based on the cumulative probability of blur
    detection (CPBD)", IEEE TIP 20(9), 2011; https://github.com/0x64746b/python-cpbd.

    Example:
        >>> sharp = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
        >>> sharp[..., :31], sharp[..., 31] = 200, 100
        >>> blur_detection_probability(sharp)
        tensor([1.], dtype=torch.float64)
    """
    check_frames("frames", frames)
    count, _, height, width = frames.shape
    device, result = frames.device, widest_float(frames.device)
    if height < _BLOCK or width < _BLOCK:
        check_range("frames", frames)
        return torch.zeros(count, dtype=result, device=device)
    if result != torch.float64:
        frames = frames.cpu()
    scores = [_scores(grey_levels("frames", frames[some])) for some in slabs(count, height * width, frames.device)]
    return torch.cat(scores).to(device, result) if scores else torch.zeros(0, dtype=result, device=device)


def _scores(luma: Tensor) -> Tensor:
    """Compute the CPBD of each grey frame."""
    edges, sharp = _edges_per_block(luma)
    counted = _are_edge_blocks(luma, edges > 0) & _has_angles(luma)[:, None, None]
    edges, sharp = ((each * counted).sum((1, 2)).to(torch.float64) for each in (edges, sharp))
    return sharp / edges.clamp(min=1)


def _strips(luma: Tensor) -> list[tuple[int, int]]:
    """Return first row and end of strips of blocks whose temporaries stay small; the last ends with the frame."""
    count, height, width = luma.shape
    blocks = slabs(math.ceil(height / _BLOCK), count * width * _BLOCK, luma.device)
    return [(some.start * _BLOCK, min(some.stop * _BLOCK, height)) for some in blocks]


def _per_block(pixels: Tensor) -> Tensor:
    """Split maps ``(N, H, W)`` into whole blocks ``(N, H // 64, 64, W // 64, 64)``, from the top left corner."""
    rows, columns = pixels.shape[1] // _BLOCK, pixels.shape[2] // _BLOCK
    return pixels[:, : rows * _BLOCK, : columns * _BLOCK].reshape(len(pixels), rows, _BLOCK, columns, _BLOCK)


def _count(mask: Tensor) -> Tensor:
    """Count the pixels of a mask in each whole block."""
    return _per_block(mask).sum((2, 4))


def _extended(luma: Tensor) -> Tensor:
    """Repeat the outermost pixels of frames once on every side."""
    luma = torch.cat((luma[:, :1], luma, luma[:, -1:]), dim=1)
    return torch.cat((luma[..., :1], luma, luma[..., -1:]), dim=2)


def _has_angles(luma: Tensor) -> Tensor:
    """Tell whether a frame has a gradient at an angle other than 0; a vertical gradient has angle 0 here."""
    extended = _extended(luma)
    found = torch.zeros(len(luma), dtype=torch.bool, device=luma.device)
    for top, bottom in _strips(luma):
        across, down = _central_differences(extended[:, top : bottom + 2])
        found |= (across.amin((1, 2)) < 0) | ((across * down).abs_().amax((1, 2)) > 0)
        if found.all():
            break
    return found


def _central_differences(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Compute twice the gradient, to the right and downwards, of all but the outermost pixels."""
    luma = luma.to(torch.float32)
    return luma[:, 1:-1, 2:] - luma[:, 1:-1, :-2], luma[:, 2:, 1:-1] - luma[:, :-2, 1:-1]


def _edges_per_block(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Count the edge pixels with a width in each whole block, and those of them too narrow to look blurred."""
    height, width = luma.shape[1:]
    extended, strips = _extended(luma), _strips(luma)
    strength = torch.cat([_strength(extended[:, top : bottom + 2]) for top, bottom in strips], dim=1)
    # python-cpbd compares squared gradients with twice the root of their mean; in units of 1/64 both sides are whole
    mean = strength.sum((1, 2), dtype=torch.float64) / 64 / (height * width)
    cutoff = (64 * 2 * mean.sqrt()).floor_().to(torch.float32)
    counts = []
    for top, bottom in strips:
        first, last = max(top, 1), min(bottom, height - 1)
        near = slice(first - 1, last + 1)
        edges, steps = _edge_pixels(luma[:, near], strength[:, near], cutoff)
        masks = (edges, edges & (steps <= 1), edges & (steps <= 3))
        counts.append(torch.stack([_count(F.pad(mask, (1, 1, first - top, bottom - last))) for mask in masks]))
    edges, within_3, within_5 = torch.cat(counts, dim=2)
    blocks = _per_block(luma)
    low_contrast = blocks.amax((2, 4)) - blocks.amin((2, 4)) <= _LOW_CONTRAST
    return edges, torch.where(low_contrast, within_5, within_3)


def _strength(luma: Tensor) -> Tensor:
    """Compute the squared horizontal Sobel gradient, in units of 1/64 a whole number that float32 holds."""
    luma = luma.to(torch.float32)
    across = luma[..., 2:] - luma[..., :-2]
    return (across[:, :-2] + across[:, 2:]).add_(across[:, 1:-1], alpha=2).square_()


def _edge_pixels(luma: Tensor, strength: Tensor, cutoff: Tensor) -> tuple[Tensor, Tensor]:
    """Find edge pixels that have a width, and their width less 2, of all but the outermost pixels."""
    strength = strength * (strength > cutoff[:, None, None])
    edges = _peaks(strength[:, 1:-1], 2) | _peaks(strength[..., 1:-1], 1)
    across, down = _central_differences(luma)
    horizontal = down.abs_() < across.abs() * _HORIZONTAL
    falling = horizontal & (across < 0)
    edges &= horizontal | (across == 0)
    row = luma[:, 1:-1]
    up, down = (_run_lengths(steps) for steps in (row[..., 1:] > row[..., :-1], row[..., 1:] < row[..., :-1]))
    return edges, torch.where(falling, down, up)


def _peaks(strength: Tensor, axis: int) -> Tensor:
    """Find values strictly larger than both their neighbours along an axis, of all but the first and the last."""
    size = strength.shape[axis] - 1
    before, after = strength.narrow(axis, 0, size), strength.narrow(axis, 1, size)
    return (after > before).narrow(axis, 0, size - 1) & (after < before).narrow(axis, 1, size - 1)


def _run_lengths(steps: Tensor) -> Tensor:
    """Count the consecutive steps that end one pixel left of a pixel and those that start one pixel right of it.

    The pixel itself is not looked at. Each side counts up to `_REACH` steps and stops at the border of the frame.

    Args:
        steps: ``(N, H, W - 1)`` bool, whether the step from column c to c + 1 goes the way in question.

    Returns:
        ``(N, H, W - 2)`` uint8, for all but the outermost columns.
    """
    columns = steps.shape[-1] - 1
    padded = F.pad(steps, (_REACH, _REACH))
    run = padded
    total = torch.zeros((*steps.shape[:-1], columns), dtype=torch.uint8, device=steps.device)
    for length in range(1, _REACH + 1):
        total += run.narrow(-1, _REACH - length, columns).view(torch.uint8)
        total += run.narrow(-1, _REACH + 2, columns).view(torch.uint8)
        run = run[..., :-1] & padded[..., length:]
    return total


def _are_edge_blocks(luma: Tensor, asked: Tensor) -> Tensor:
    """Tell whether Canny's detector sets enough pixels of each block in ``asked``; the others may be wrong.

    The middle rows of a block nearly always hold enough strong edges, so only frames where they do not are searched.
    """
    padded, coverage = F.pad(luma, (4, 4, 4, 4)), _coverage(luma)
    middles = range(_BLOCK // 2, asked.shape[1] * _BLOCK, _BLOCK)
    looks = [_canny(padded, coverage, middle - 4, middle + 4)[1].sum(1, keepdim=True) for middle in middles]
    columns = torch.cat(looks, dim=1)[..., : asked.shape[2] * _BLOCK]
    enough = columns.reshape(*asked.shape, _BLOCK).sum(3) > _EDGE_PIXELS
    unsure = (asked & ~enough).flatten(1).any(1)
    if unsure.any():
        enough[unsure] = _search_blocks(padded[unsure], coverage, _strips(luma[unsure]))
    return enough


def _search_blocks(padded: Tensor, coverage: Tensor, strips: list[tuple[int, int]]) -> Tensor:
    """Tell whether Canny's detector sets enough pixels of each whole block."""
    maps = [_canny(padded, coverage, top, bottom) for top, bottom in strips]
    weak, strong = (torch.cat(parts, dim=1) for parts in zip(*maps, strict=True))
    enough = _count(strong) > _EDGE_PIXELS
    # only weak edges that touch strong ones count; what they touch matters only where both counts do not agree
    doubtful = ((_count(weak) > _EDGE_PIXELS) & ~enough).flatten(1).any(1)
    if doubtful.any():
        enough[doubtful] = _count(_connected(weak[doubtful], strong[doubtful])) > _EDGE_PIXELS
    return enough


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """Return the weak edges in 8-connected groups that hold a strong one."""
    while True:
        grown = (F.max_pool2d(strong.to(torch.float32), 3, stride=1, padding=1) > 0) & weak
        if torch.equal(grown, strong):
            return strong
        strong = grown


def _smoothed(image: Tensor) -> Tensor:
    """Filter an image with Canny's Gaussian, for all but the outermost 4 pixels.

    Multiplications and additions are separate and in SciPy's order, so that neighbours tie where they do there.
    """
    for axis in (-2, -1):
        size = image.shape[axis] - 8
        result = image.narrow(axis, 4, size) * _SMOOTHING[4]
        for offset in range(4):
            pair = image.narrow(axis, offset, size) + image.narrow(axis, 8 - offset, size)
            result += pair.mul_(_SMOOTHING[offset])
        image = result
    return image


def _coverage(luma: Tensor) -> Tensor:
    """Return the share of the Gaussian that lies inside the frame, ``(H, W)``; smoothed frames are divided by it."""
    corners = _smoothed(F.pad(torch.ones((9, 9), dtype=torch.float64, device=luma.device), (4, 4, 4, 4)))
    for axis, size in enumerate(luma.shape[1:]):
        index = torch.full((size,), 4, dtype=torch.int64, device=luma.device)
        index[:4] = torch.arange(4, device=luma.device)
        index[-4:] = torch.arange(5, 9, device=luma.device)
        corners = corners.index_select(axis, index)
    return corners + torch.finfo(torch.float64).eps


def _canny(padded: Tensor, coverage: Tensor, top: int, bottom: int) -> tuple[Tensor, Tensor]:
    """Find Canny's weak and strong edges before hysteresis, in the rows from ``top`` to before ``bottom``."""
    first, last = max(top - 2, 0), min(bottom + 2, len(coverage))
    smooth = _smoothed(padded[:, first : last + 8].to(torch.float64)).div_(coverage[first:last])
    smooth = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    across, down = smooth[..., 2:] - smooth[..., :-2], smooth[:, 2:] - smooth[:, :-2]
    across = (across[:, :-2] + across[:, 2:]).add_(across[:, 1:-1], alpha=2)
    down = (down[..., :-2] + down[..., 2:]).add_(down[..., 1:-1], alpha=2)
    magnitude = (down * down).add_(across * across).sqrt_()
    ridge = _ridges(magnitude, down[:, 1:-1, 1:-1], across[:, 1:-1, 1:-1])
    inner = magnitude[:, 1:-1, 1:-1]
    rows = slice(top - first, bottom - first)
    # the outermost pixels of a frame are never edges; those of a strip within it are not among its rows
    weak, strong = (F.pad(ridge & (inner >= least), (1, 1, 1, 1))[:, rows] for least in (_WEAK, _STRONG))
    return weak, strong


def _ridges(magnitude: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Find where the magnitude is no less than on either side along the gradient, between two neighbours."""
    steep, flat = down.abs(), across.abs()
    same = (down <= 0) == (across <= 0)
    vertical = steep > flat  # where both are equal the diagonal neighbours have all the weight
    diagonal_share = torch.minimum(steep, flat).div_(torch.maximum(steep, flat))
    axis_share = 1 - diagonal_share
    height, width = down.shape[1:]

    def neighbour(row: int, column: int) -> Tensor:
        return magnitude[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    ridge = torch.ones_like(same)
    for side in (1, -1):
        axis = torch.where(vertical, torch.where(same, neighbour(side, 0), neighbour(-side, 0)), neighbour(0, side))
        diagonal = torch.where(same, neighbour(side, side), neighbour(-side, side))
        ridge &= (diagonal * diagonal_share).add_(axis * axis_share) <= neighbour(0, 0)
    return ridge
