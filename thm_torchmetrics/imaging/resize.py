"""OpenCV's 8-bit bilinear and area resize, equal in every byte, for batches on their device.

The published pipelines shrink their frames with ``cv2.resize``. Its 8-bit bilinear filter works in fixed point (11-bit
weights, truncated products) and never antialiases, so a float resize gives other pixels.

Convention: any channels, 0..255; sizes are (height, width), boxes (x, y) with ends exclusive; pixel centers lie at half
coordinates.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad as pad_borders

from thm_torchmetrics.errors import InputError

_ONE = 1 << 11  # a weight of 1 in OpenCV's fixed point

_Axis = tuple[Tensor, Tensor, Tensor, Tensor]
"""First and second source index of each target index, and their weights."""


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize 8-bit images as ``cv2.resize(image, (width, height))`` does, equal in every byte.

    A target pixel ``d`` reads its source at ``(d + 0.5) * source / target - 0.5``, without antialiasing.

    Args:
        images: ``(N, C, H, W)`` uint8.
        size: target ``(height, width)`` in pixels.

    Returns:
        ``(N, C, height, width)`` uint8 on the same device.

    Raises:
        InputError: the images have not four axes or are not uint8, or the source or the target is empty.

    Source: OpenCV 5.0, ``INTER_LINEAR``.

    Example:
        >>> resize(torch.tensor([[[[0, 100]]]], dtype=torch.uint8), (1, 4))
        tensor([[[[  0,  25,  75, 100]]]], dtype=torch.uint8)
    """
    _check(images, size)
    steps = tuple(1.0 / (new / old) for new, old in zip(size, images.shape[-2:], strict=True))
    return _resample(images, size, (steps[0], steps[1]))


def resize_by(images: Tensor, factor: float) -> Tensor:
    """Resize 8-bit images by a factor as OpenCV does, equal in every byte.

    The reference is ``cv2.resize(image, None, fx=factor, fy=factor)``. The size is ``rint(factor * size)``; a half goes
    to the even number. The sampling step is ``1 / factor`` even where the size was rounded, so the pixels differ from
    those of `resize` to the same size.

    Args:
        images: ``(N, C, H, W)`` uint8.
        factor: target size over source size, > 0.

    Returns:
        ``(N, C, rint(factor * H), rint(factor * W))`` uint8.

    Raises:
        InputError: the images have not four axes or are not uint8, or nothing is left of them.

    Source: OpenCV 5.0, ``INTER_LINEAR``.

    Example:
        >>> resize_by(torch.zeros(1, 3, 250, 330, dtype=torch.uint8), 0.25).shape  # 62.5 -> 62, 82.5 -> 82
        torch.Size([1, 3, 62, 82])
    """
    size = (round(images.shape[-2] * factor), round(images.shape[-1] * factor))
    _check(images, size)
    resized = _resample(images, size, (1.0 / factor, 1.0 / factor))
    if factor == 0.5:
        _halve_borders(images, resized)
    return resized


def resize_area(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize 8-bit images as ``cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)`` does.

    Where no axis grows, a pixel is the mean of the area that it covers. Else both axes are interpolated between two
    pixels, with weights by the area.

    Args:
        images: ``(N, C, H, W)`` uint8.
        size: target ``(height, width)`` in pixels.

    Returns:
        ``(N, C, height, width)`` uint8 on the same device.

    Raises:
        InputError: as `resize`.

    Source: OpenCV 5.0, ``INTER_AREA``.

    Example:
        >>> resize_area(torch.tensor([[[[0, 100, 50, 51]]]], dtype=torch.uint8), (1, 2))
        tensor([[[[50, 50]]]], dtype=torch.uint8)
    """
    _check(images, size)
    height, width = images.shape[-2:]
    if size[0] > height or size[1] > width:
        return _filtered(images, size, _grown(height, size[0], clamp=False), _grown(width, size[1], clamp=True))
    if height % size[0] == 0 and width % size[1] == 0:
        tall, wide = height // size[0], width // size[1]
        cells = images.to(torch.int32).reshape(*images.shape[:2], size[0], tall, size[1], wide).sum(dim=(3, 5))
        halved = (cells + 2) >> 2
        mean = cells.to(torch.float32) * torch.tensor(1 / (tall * wide), dtype=torch.float32)
        return (halved if tall == wide == 2 else mean.round()).to(torch.uint8)
    rows = _covered(images.to(torch.float32), width, size[1]).transpose(-1, -2)
    return _covered(rows, height, size[0]).transpose(-1, -2).round().to(torch.uint8).contiguous()


def resize_crops(
    images: Tensor, boxes: Tensor, size: tuple[int, int], *, pad: int = 0, index: Tensor | None = None
) -> Tensor:
    """Cut boxes out of images and resize each as `resize` does.

    Equal to padding the image with ``pad``, slicing rows ``y1..y2-1`` and columns ``x1..x2-1``, and ``cv2.resize``.

    Args:
        images: ``(N, C, H, W)`` uint8.
        boxes: ``(K, 4)`` integers ``x1, y1, x2, y2`` in pixels, ends exclusive; they may leave the image.
        size: target ``(height, width)``.
        pad: grey value outside the image, 0..255.
        index: ``(K,)`` integers, the image of each box; by default box ``i`` belongs to image ``i``.

    Returns:
        ``(K, C, height, width)`` uint8.

    Raises:
        InputError: the images or sizes are not those of `resize`; the boxes are floats, have another shape or are
            empty; or boxes and images do not match.

    Example:
        >>> image = torch.tensor([[[[10, 20], [30, 40]]]], dtype=torch.uint8)
        >>> resize_crops(image, torch.tensor([[1, 0, 3, 2]]), (2, 2), pad=110)
        tensor([[[[ 20, 110],
                  [ 40, 110]]]], dtype=torch.uint8)
    """
    _check(images, size)
    boxes, index = _checked_boxes(images, boxes, index)
    device, (height, width) = images.device, images.shape[-2:]
    x1, y1, x2, y2 = boxes.cpu().unbind(dim=1)
    rows, columns = _axes(y2 - y1, size[0], clamp=False), _axes(x2 - x1, size[1], clamp=True)
    top, bottom, upper, lower = (t.to(device) for t in _shifted(rows, y1))
    left, right, near, far = (t.to(device) for t in _shifted(columns, x1))

    at = torch.cat([top, bottom], dim=1)
    taken = images[index[:, None], :, at.clamp(0, height - 1)]  # (K, 2 * h, C, W)
    taken = taken.masked_fill(((at < 0) | (at >= height))[:, :, None, None], pad)
    taken = pad_borders(taken, (1, 1), value=pad)  # one column of ``pad`` on each side, where outside columns read
    shape = (*taken.shape[:3], size[1])
    left, right = ((t.clamp(-1, width) + 1)[:, None, None, :].expand(shape) for t in (left, right))
    sums = _weighted(taken.gather(3, left), taken.gather(3, right), near[:, None, None, :], far[:, None, None, :])
    sums = sums.bitwise_right_shift_(4)
    blended = _blended(sums[:, : size[0]], sums[:, size[0] :], upper[:, :, None, None], lower[:, :, None, None])
    return blended.transpose(1, 2).contiguous()


def _resample(images: Tensor, size: tuple[int, int], steps: tuple[float, float]) -> Tensor:
    height, width = images.shape[-2:]
    rows, columns = _axis(height, size[0], steps[0], clamp=False), _axis(width, size[1], steps[1], clamp=True)
    return _filtered(images, size, rows, columns)


def _filtered(images: Tensor, size: tuple[int, int], rows: _Axis, columns: _Axis) -> Tensor:
    """Filter horizontally, then vertically, as OpenCV does; both passes gather contiguous rows, which is faster."""
    device, height = images.device, images.shape[-2]
    top, bottom, upper, lower = (t.to(device) for t in rows)
    left, right, near, far = (t.to(device) for t in columns)
    if 2 * size[0] < height:
        images = images.index_select(-2, torch.cat([top, bottom]))
        top = torch.arange(size[0], dtype=torch.int64, device=device)
        bottom = top + size[0]
    turned = images.transpose(-1, -2).contiguous()
    sums = _weighted(turned.index_select(-2, left), turned.index_select(-2, right), near[:, None], far[:, None])
    sums = sums.bitwise_right_shift_(4).transpose(-1, -2).contiguous()
    return _blended(sums.index_select(-2, top), sums.index_select(-2, bottom), upper[:, None], lower[:, None])


def _weighted(first: Tensor, second: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """Return the horizontal pass: the exact sum of two products."""
    return first.to(torch.int32).mul_(near).add_(second.to(torch.int32).mul_(far))


def _blended(first: Tensor, second: Tensor, upper: Tensor, lower: Tensor) -> Tensor:
    """Return the vertical pass: each product loses its low 16 bits on its own, then the sum is rounded."""
    first = (first * upper).bitwise_right_shift_(16)
    second = (second * lower).bitwise_right_shift_(16)
    return first.add_(second).add_(2).bitwise_right_shift_(2).to(torch.uint8)


def _axis(source: int, target: int, step: float, *, clamp: bool) -> _Axis:
    """Return the two source indices and the weights of every target index along one axis."""
    lengths = torch.tensor([[source]], dtype=torch.int64)
    first, second, near, far = _weights(lengths, target, torch.tensor([[step]], dtype=torch.float64), clamp=clamp)
    return first[0], second[0], near[0], far[0]


def _axes(sources: Tensor, target: int, *, clamp: bool) -> _Axis:
    """Return the same as `_axis`, one row per source length."""
    lengths = sources.to(torch.int64)[:, None]
    return _weights(lengths, target, 1.0 / (target / lengths.to(torch.float64)), clamp=clamp)


def _weights(lengths: Tensor, target: int, steps: Tensor, *, clamp: bool) -> _Axis:
    """Return indices and weights; positions are float32 and weights round half to even, as in OpenCV.

    The horizontal pass (``clamp``) drops the second pixel beyond the border. The vertical one keeps both weights and
    reads the border row twice, which after truncation is not the same.
    """
    position = ((torch.arange(target, dtype=torch.float64) + 0.5) * steps - 0.5).to(torch.float32)
    floor = position.floor()
    return _two_taps(position - floor, floor.to(torch.int64), lengths, clamp=clamp)


def _two_taps(part: Tensor, first: Tensor, lengths: Tensor, *, clamp: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return both source indices and their weights, of which the second is ``part``."""
    if clamp:
        part = part.masked_fill((first < 0) | (first >= lengths - 1), 0.0)
    second = torch.minimum((first + 1).clamp(min=0), lengths - 1)
    first = torch.minimum(first.clamp(min=0), lengths - 1)
    return first, second, ((1.0 - part) * _ONE).round().to(torch.int32), (part * _ONE).round().to(torch.int32)


def _grown(source: int, target: int, *, clamp: bool) -> _Axis:
    """Return indices and weights of an axis of an area resize that interpolates."""
    factor = target / source
    at = torch.arange(target, dtype=torch.float64)
    first = (at * (1.0 / factor)).floor()
    part = (at + 1 - (first + 1) * factor).to(torch.float32)
    part = torch.where(part <= 0, torch.zeros_like(part), part - part.floor())
    return _two_taps(part, first.to(torch.int64), torch.tensor(source), clamp=clamp)


def _covered(values: Tensor, source: int, target: int) -> Tensor:
    """Average the last axis over the stretches that the target's pixels cover, tap by tap as OpenCV adds up."""
    step = 1.0 / (target / source)
    start = torch.arange(target, dtype=torch.float64) * step
    stop, length = start + step, (source - start).clamp(max=step)
    last = stop.floor().clamp(max=source - 1)
    first = torch.minimum(start.ceil(), last)
    before, after = first - start, (stop - last).clamp(max=1.0).minimum(length)
    shares = [torch.where(before > 1e-3, before, 0.0)]  # OpenCV drops what covers less than a thousandth
    inside = int((last - first).max())
    shares += [(first + tap < last).to(torch.float64) for tap in range(inside)]
    total = values.new_zeros(*values.shape[:-1], target)
    for tap, share in enumerate(shares, start=-1):
        index = (first + tap).clamp(0, source - 1).to(values.device, torch.int64)
        total += values.index_select(-1, index) * (share / length).to(values)
    share = torch.where(stop - last > 1e-3, after, 0.0)
    total += values.index_select(-1, last.to(values.device, torch.int64)) * (share / length).to(values)
    return total


def _shifted(axes: _Axis, start: Tensor) -> _Axis:
    """Move the indices of each row by the start of its box."""
    return axes[0] + start[:, None], axes[1] + start[:, None], axes[2], axes[3]


def _halve_borders(images: Tensor, resized: Tensor) -> None:
    """Overwrite the last row or column where an odd size was rounded up: OpenCV halves by area, over what is there."""
    for axis in (-2, -1):
        if 2 * resized.shape[axis] == images.shape[axis] + 1:
            edge = images.narrow(axis, images.shape[axis] - 1, 1).transpose(-1, axis)[..., 0]
            pairs = edge[..., : edge.shape[-1] // 2 * 2].to(torch.float32)
            pairs = pairs.reshape(*edge.shape[:-1], -1, 2).mean(dim=-1)
            ends = [pairs.round().to(torch.uint8), edge[..., -1:]]
            target = resized.narrow(axis, resized.shape[axis] - 1, 1).transpose(-1, axis)[..., 0]
            target.copy_(torch.cat(ends, dim=-1)[..., : target.shape[-1]])


def _check(images: Tensor, size: tuple[int, int]) -> None:
    if images.dim() != 4 or images.dtype != torch.uint8:
        raise InputError(
            f"`images` must be uint8 of shape (N, C, H, W), got {images.dtype} of shape {tuple(images.shape)}; "
            "convert floats with (255 * x).round().to(torch.uint8)"
        )
    if min(*images.shape[-2:], *size) < 1:
        raise InputError(f"cannot resize {tuple(images.shape[-2:])} to {tuple(size)}: both need at least 1 x 1 pixel")


def _checked_boxes(images: Tensor, boxes: Tensor, index: Tensor | None) -> tuple[Tensor, Tensor]:
    if boxes.dim() != 2 or boxes.shape[1] != 4 or boxes.is_floating_point():
        raise InputError(f"`boxes` must be integers (K, 4), got {boxes.dtype} of shape {tuple(boxes.shape)}")
    if bool((boxes[:, 2:] <= boxes[:, :2]).any()):
        raise InputError(f"`boxes` must have x2 > x1 and y2 > y1, got {boxes.tolist()}")
    if index is None:
        index = torch.arange(len(images), dtype=torch.int64)
    if len(index) != len(boxes):
        raise InputError(f"got {len(boxes)} boxes for {len(index)} images; pass one box per image, or `index`")
    return boxes, index.to(images.device)
