"""CPBD, a sharpness of single frames without reference."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from thm_torchmetrics.functional.frames import check_frames, check_range, slab_size, slabs, widest_float

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
    r"""Cumulative probability of blur detection (CPBD) of each frame, in 0..1, higher is sharper.

    An edge ``w`` pixels wide is seen as blurred with the probability ``P = 1 - exp(-(w / w_JNB)^3.6)``, where the just
    noticeable width ``w_JNB`` is 5 pixels in 64x64 blocks of low contrast and 3 in others; CPBD is the share of edges
    with ``P <= 0.63``, which are those with ``w <= w_JNB``. Only edges across a horizontal gradient, in whole blocks
    that Canny's detector finds edges in, count. A frame without any, or smaller than 64x64, scores 0.

    Protocol ``python-cpbd``: the package ``cpbd``, on the 8-bit grey frame that OpenCV makes of RGB. Its quirks are
    kept: Canny thresholds meant for another scale, edge strengths compared with a threshold of other units, vertical
    gradients taken for rises to the right where the horizontal component is 0, and no edges at all in a frame whose
    every gradient is of that kind or points exactly to the right.

    Args:
        frames: ``(N, 3, H, W)`` RGB, uint8 0..255 or floating point 0..1, which is first rounded to 8 bits.

    Returns:
        ``(N,)`` float64 (float32 on MPS, where the computation runs on the CPU).

    Raises:
        InputError: not RGB frames, or float values outside 0..1.

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
    coverage = _coverage(height, width, frames.device)
    scores = torch.zeros(count, dtype=torch.float64, device=frames.device)
    for some in slabs(count, height * width, frames.device):
        scores[some] = _scores(_luma(frames[some]), coverage)
    return scores.to(device, result)


def _luma(frames: Tensor) -> Tensor:
    """Grey frames ``(N, H, W)``, uint8, with OpenCV's fixed-point weights."""
    count, _, height, width = frames.shape
    luma = torch.empty((count, height, width), dtype=torch.uint8, device=frames.device)
    for rows in slabs(height, count * width, frames.device):
        strip = frames[:, :, rows]
        check_range("frames", strip)
        if strip.is_floating_point():
            strip = (strip.to(torch.float32) * 255).round_()
        red, green, blue = (channel.to(torch.int32) for channel in strip.unbind(1))
        scaled = (red * 9798).add_(green, alpha=19235).add_(blue, alpha=3735).add_(1 << 14)
        luma[:, rows] = scaled.bitwise_right_shift_(15)
    return luma


def _scores(luma: Tensor, coverage: Tensor) -> Tensor:
    """CPBD of each grey frame."""
    edges, sharp = _edges_per_block(luma)
    counted = _are_edge_blocks(luma, coverage, edges > 0) & _has_angles(luma)[:, None, None]
    edges, sharp = ((each * counted).sum((1, 2)).to(torch.float64) for each in (edges, sharp))
    return sharp / edges.clamp(min=1)


def _strips(luma: Tensor, rows: int) -> Iterator[slice]:
    """The first ``rows`` rows in strips that leave room for one more row on either side."""
    return slabs(rows, len(luma) * luma.shape[2], luma.device, halo=2)


def _in_blocks(pixels: Tensor, axis: int) -> Tensor:
    """Rows or columns as the whole blocks of 64 among them: ``axis`` becomes two."""
    blocks = pixels.shape[axis] // _BLOCK
    whole = pixels.narrow(axis, 0, blocks * _BLOCK)
    return whole.reshape(*pixels.shape[:axis], blocks, _BLOCK, *pixels.shape[axis + 1 :])


def _extended(luma: Tensor) -> Tensor:
    """Frames with their outermost pixels repeated once on every side."""
    luma = torch.cat((luma[:, :1], luma, luma[:, -1:]), dim=1)
    return torch.cat((luma[..., :1], luma, luma[..., -1:]), dim=2)


def _has_angles(luma: Tensor) -> Tensor:
    """Whether a frame has a gradient at an angle other than 0; one without horizontal component has angle 0 here."""
    extended = _extended(luma)
    found = torch.zeros(len(luma), dtype=torch.bool, device=luma.device)
    for rows in _strips(luma, luma.shape[1]):
        across, down = _central_differences(extended[:, rows.start : rows.stop + 2])
        found |= (across.amin((1, 2)) < 0) | ((across * down).abs_().amax((1, 2)) > 0)
        if found.all():
            break
    return found


def _central_differences(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Twice the gradient, to the right and downwards, of all but the outermost pixels."""
    luma = luma.to(torch.float32)
    return luma[:, 1:-1, 2:] - luma[:, 1:-1, :-2], luma[:, 2:, 1:-1] - luma[:, :-2, 1:-1]


def _edges_per_block(luma: Tensor) -> tuple[Tensor, Tensor]:
    """How many edge pixels with a width each whole block has, and how many of these are too narrow to look blurred."""
    height, width = luma.shape[1:]
    extended = _extended(luma)
    strips = [_strength(extended[:, rows.start : rows.stop + 2]) for rows in _strips(luma, height)]
    # the package compares squared gradients with twice the root of their mean; in units of 1/64 both sides are whole
    total = torch.stack([strip.sum((1, 2), dtype=torch.float64) for strip in strips]).sum(0)
    cutoff = (64 * 2 * (total / 64 / (height * width)).sqrt()).floor_().to(torch.float32)
    strength = torch.cat(strips, dim=1)
    counts = []
    for rows in _strips(luma, height - 2):
        near = slice(rows.start, rows.stop + 2)
        edges, steps = _edge_pixels(luma[:, near], strength[:, near], cutoff)
        masks = torch.stack((edges, edges & (steps <= 1), edges & (steps <= 3)))
        counts.append(_in_blocks(F.pad(masks, (1, 1)), 3).sum(4))
    edges, within_3, within_5 = _in_blocks(F.pad(torch.cat(counts, dim=2), (0, 0, 1, 1)), 2).sum(3)
    return edges, torch.where(_contrast(luma) <= _LOW_CONTRAST, within_5, within_3)


def _contrast(luma: Tensor) -> Tensor:
    """Difference between the brightest and the darkest pixel of each whole block."""
    rows, quarter = luma.shape[1] // _BLOCK, _BLOCK // 4
    strips = [luma[:, top : top + quarter] for top in range(0, rows * _BLOCK, quarter)]
    sides = []
    for extreme in (torch.amax, torch.amin):
        columns = _in_blocks(torch.stack([extreme(strip, 1) for strip in strips], dim=1), 2)
        sides.append(extreme(columns.reshape(len(luma), rows, 4, -1, _BLOCK), (2, 4)))
    return sides[0] - sides[1]


def _strength(luma: Tensor) -> Tensor:
    """Squared horizontal Sobel gradient in units of 1/64, which makes it a whole number that float32 holds."""
    luma = luma.to(torch.float32)
    across = luma[..., 2:] - luma[..., :-2]
    return (across[:, :-2] + across[:, 2:]).add_(across[:, 1:-1], alpha=2).square_()


def _edge_pixels(luma: Tensor, strength: Tensor, cutoff: Tensor) -> tuple[Tensor, Tensor]:
    """Edge pixels that have a width, and their width less 2, of all but the outermost pixels."""
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
    """Where a value is strictly larger than both its neighbours along an axis, of all but the first and the last."""
    size = strength.shape[axis] - 1
    before, after = strength.narrow(axis, 0, size), strength.narrow(axis, 1, size)
    return (after > before).narrow(axis, 0, size - 1) & (after < before).narrow(axis, 1, size - 1)


def _run_lengths(steps: Tensor) -> Tensor:
    """Consecutive steps that end one pixel left of each pixel plus those that start one pixel right of it.

    The pixel itself is not looked at. Each side counts up to `_REACH` steps and stops at the border of the frame.

    Args:
        steps: ``(N, H, W - 1)``, bool: whether the step from column c to c + 1 goes the way in question.

    Returns:
        ``(N, H, W - 2)``, uint8, for all but the outermost columns.
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


def _are_edge_blocks(luma: Tensor, coverage: Tensor, asked: Tensor) -> Tensor:
    """Whether Canny's detector sets enough pixels of a block, for the blocks asked for; others may be False wrongly."""
    padded = F.pad(luma, (4, 4, 4, 4))
    rows = [_search(padded, coverage, row * _BLOCK, asked[:, row]) for row in range(asked.shape[1])]
    weak, strong = (torch.stack(counts, dim=1) for counts in zip(*rows, strict=True))
    enough = strong > _EDGE_PIXELS
    # weak edges count where they touch strong ones, which has to be known only where the two counts do not agree
    doubtful = (asked & ~enough & (weak > _EDGE_PIXELS)).flatten(1).any(1)
    if doubtful.any():
        edges = _connected(*_canny(padded[doubtful], coverage, 0, luma.shape[1]))
        enough[doubtful] = _in_blocks(_in_blocks(edges, 2), 1).sum((2, 4)) > _EDGE_PIXELS
    return enough


def _search(padded: Tensor, coverage: Tensor, top: int, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of weak and of strong edges in the blocks of one row, or only as many as are enough in those asked for.

    The search starts in the middle of the row, where it nearly always ends.
    """
    weak, strong = (torch.zeros(asked.shape, dtype=torch.int64, device=asked.device) for _ in range(2))
    room = slab_size(len(padded) * padded.shape[2], padded.device)
    step = 8 if room >= 8 + 12 else 4  # a look takes 12 rows more than it gives
    for offset in sorted(range(0, _BLOCK, step), key=lambda first: abs(first + step // 2 - _BLOCK // 2)):
        maps = _canny(padded, coverage, top + offset, top + offset + step)
        more_weak, more_strong = (_in_blocks(edges, 2).sum((1, 3)) for edges in maps)
        weak, strong = weak + more_weak, strong + more_strong
        if ((strong > _EDGE_PIXELS) | ~asked).all():
            break
    return weak, strong


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """Weak edges in 8-connected groups that hold a strong one."""
    while True:
        grown = (F.max_pool2d(strong.to(torch.float32), 3, stride=1, padding=1) > 0) & weak
        if torch.equal(grown, strong):
            return strong
        strong = grown


def _smoothed(image: Tensor) -> Tensor:
    """Image under Canny's Gaussian, of all but the outermost 4 pixels.

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


def _coverage(height: int, width: int, device: torch.device) -> Tensor:
    """The share of the Gaussian that lies inside the frame, ``(H, W)``; smoothed frames are divided by it."""
    corners = _smoothed(F.pad(torch.ones((9, 9), dtype=torch.float64, device=device), (4, 4, 4, 4)))
    for axis, size in enumerate((height, width)):
        index = torch.full((size,), 4, dtype=torch.int64, device=device)
        index[:4] = torch.arange(4, device=device)
        index[-4:] = torch.arange(5, 9, device=device)
        corners = corners.index_select(axis, index)
    return corners + torch.finfo(torch.float64).eps


def _canny(padded: Tensor, coverage: Tensor, top: int, bottom: int) -> tuple[Tensor, Tensor]:
    """Weak and strong edges of Canny's detector before hysteresis, in the rows from ``top`` to before ``bottom``."""
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
    """Where the magnitude is no less than on either side along the gradient, interpolated between two neighbours."""
    steep, flat = down.abs(), across.abs()
    same = (down <= 0) == (across <= 0)
    vertical = torch.where(same, steep > flat, steep >= flat)
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
