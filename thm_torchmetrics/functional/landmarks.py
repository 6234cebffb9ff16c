"""LMD, AKD and MKR: distances of facial landmarks, and the share of missing ones.

Convention: landmarks are (x, y) in pixels; the 68 of a face are in the order of 300-W; a frame without a face is NaN
throughout. Infinity counts as NaN.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, check_rows, finite_or_nan, to_float64

POINTS: dict[str, slice] = {
    "face": slice(0, 68),
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
    "outer-lip": slice(48, 60),
    "inner-lip": slice(60, 68),
}
"""Groups of the 68 points of a face."""

Norm = Literal["none", "inter-ocular", "face-box"]
"""Names of the lengths that a landmark distance may be divided by."""

Reduction = Literal["l1", "l2", "l2-sum"]
"""Names of the ways from the differences of points to the distance of a frame."""


class LandmarkProtocol(NamedTuple):
    """The options of `landmark_distance` in a published script."""

    points: str
    """The group of `POINTS` that is compared."""
    center: bool
    """Whether each side first loses its own mean."""
    norm: Norm
    """The length that the distance is divided by."""
    reduction: Reduction
    """The way from the differences of points to the distance of a frame."""


PROTOCOLS: dict[str, LandmarkProtocol] = {
    "instag": LandmarkProtocol("mouth", center=True, norm="none", reduction="l2"),
    "vico": LandmarkProtocol("mouth", center=False, norm="none", reduction="l1"),
    "atvg": LandmarkProtocol("mouth", center=True, norm="none", reduction="l2-sum"),
    "centered-mouth": LandmarkProtocol("mouth", center=True, norm="none", reduction="l2"),
    "centered-face": LandmarkProtocol("face", center=True, norm="none", reduction="l2"),
}
"""Landmark distances as published: InsTaG and other NeRF and Gaussian papers, ViCo, ATVGnet; EAT's on any frame."""


def landmark_distance(
    preds: Tensor,
    target: Tensor,
    *,
    points: str = "mouth",
    center: bool = True,
    norm: Norm = "none",
    reduction: Reduction = "l2",
) -> Tensor:
    """Compute the landmark distance (LMD) of each frame, in pixels unless normalised.

    ``l2``: mean over the points of the Euclidean distance; ``l2-sum``: its sum; ``l1``: mean over the points and both
    coordinates of the absolute difference. With ``center`` each set first loses its own mean, so that a shift of the
    head does not count. `PROTOCOLS` names the published combinations.

    Args:
        preds: ``(T, 68, 2)`` landmarks of the generated frames.
        target: ``(T, 68, 2)`` landmarks of the real frames.
        points: name of a group of `POINTS`.
        center: whether to subtract the mean of the group, per frame and side.
        norm: ``"none"``; ``"inter-ocular"``, divide by the distance of the target's outer eye corners; or
            ``"face-box"``, divide by the root of the area of the box around the target's 68 points.
        reduction: ``"l2"``, ``"l2-sum"`` or ``"l1"``, as above.

    Returns:
        ``(T,)`` float64; NaN where a side has no face, or the length to divide by is 0.

    Raises:
        InputError: a side has not 68 points, or an option has no such value.
        MismatchError: the numbers of frames differ.

    Source: Chen et al., Hierarchical Cross-Modal Talking Face Generation, 2019 (ATVGnet); TalkingGaussian and InsTaG;
    the ViCo challenge; EAT.

    Example:
        >>> target = torch.zeros(1, 68, 2)
        >>> shifted = target + torch.tensor([1.0, 0.0])
        >>> [landmark_distance(shifted, target, **PROTOCOLS[name]._asdict()).item() for name in ("instag", "vico")]
        [0.0, 0.5]
    """
    check_option("points", points, POINTS)
    check_option("norm", norm, get_args(Norm))
    check_option("reduction", reduction, get_args(Reduction))
    check_rows(preds, target, ("T", 68, 2), "face landmarks")
    preds, target = _finite(preds), _finite(target)
    unit = _unit(target, norm)
    preds, target = preds[:, POINTS[points]], target[:, POINTS[points]]
    if center:
        preds = preds - preds.mean(dim=1, keepdim=True)
        target = target - target.mean(dim=1, keepdim=True)
    return _reduced(preds - target, reduction) / unit


def average_keypoint_distance(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the average keypoint distance (AKD) of each frame, in pixels.

    It is the mean over both coordinates of all points of the absolute difference. The papers call it a distance; the
    published script takes the difference per coordinate, without centering. Points that either side lacks (NaN) do not
    count.

    Args:
        preds: ``(T, K, 2)`` points of the generated frames.
        target: ``(T, K, 2)`` points of the real frames.

    Returns:
        ``(T,)`` float64; NaN where no point is on both sides.

    Raises:
        InputError: a side is not ``(T, K, 2)``.
        MismatchError: the shapes differ.

    Source: Siarohin et al., First Order Motion Model, 2019; pose-evaluation.

    Example:
        >>> average_keypoint_distance(torch.tensor([[[0.0, 0.0], [3.0, 1.0]]]), torch.zeros(1, 2, 2))
        tensor([1.], dtype=torch.float64)
    """
    check_rows(preds, target, ("T", "K", 2), "landmarks")
    preds, target = _finite(preds), _finite(target)
    return (preds - target).abs().mean(dim=2).nanmean(dim=1)


def missing_keypoints(preds: Tensor, target: Tensor) -> Tensor:
    """Compute the share of the target's points that the prediction lacks (MKR), in each frame.

    With a detector that finds all points or none this is 1 where the prediction misses a face that the target has.

    Args:
        preds: ``(T, K, 2)`` points of the generated frames, NaN where a point is missing.
        target: ``(T, K, 2)`` points of the real frames.

    Returns:
        ``(T,)`` float64, 0..1; NaN where the target has no point.

    Raises:
        InputError: a side is not ``(T, K, 2)``.
        MismatchError: the shapes differ.

    Source: Siarohin et al., First Order Motion Model, 2019; pose-evaluation (where the points are body joints).

    Example:
        >>> target = torch.zeros(2, 68, 2)
        >>> missing_keypoints(torch.where(torch.tensor([True, False])[:, None, None], target, torch.nan), target)
        tensor([0., 1.], dtype=torch.float64)
    """
    check_rows(preds, target, ("T", "K", 2), "landmarks")
    preds, target = _finite(preds), _finite(target)
    present = ~target.isnan().any(dim=2)
    missing = present & preds.isnan().any(dim=2)
    return missing.sum(dim=1, dtype=torch.float64) / present.sum(dim=1, dtype=torch.float64)


def _finite(points: Tensor) -> Tensor:
    return to_float64(finite_or_nan(points))


def _unit(target: Tensor, norm: str) -> Tensor:
    """Return the length that the distances are divided by, one per frame or one for all; NaN where it is 0."""
    if norm == "none":
        return target.new_ones(())
    if norm == "inter-ocular":
        unit = _lengths(target[:, 45] - target[:, 36])
    else:
        unit = (target.amax(dim=1) - target.amin(dim=1)).prod(dim=1).sqrt()
    return unit.masked_fill(unit == 0, torch.nan)


def _reduced(difference: Tensor, reduction: str) -> Tensor:
    """Return the distance of each frame from the differences of its points."""
    if reduction == "l1":
        return difference.abs().mean(dim=(1, 2))
    lengths = _lengths(difference)
    return lengths.mean(dim=1) if reduction == "l2" else lengths.sum(dim=1)


def _lengths(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return lengths
