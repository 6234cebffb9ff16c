"""68 facial landmarks: how FAN's network reads them from a face box, and the distances between two sets of them.

Landmarks are ``(T, 68, 2)``, x and y in pixels, in the order of 300-W; a frame without a face is NaN throughout.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError

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
"""The groups of the 68 points."""

Norm = Literal["none", "inter-ocular", "face-box"]
Reduction = Literal["l1", "l2", "l2-sum"]


class LandmarkProtocol(NamedTuple):
    """The options of :func:`landmark_distance` that a published script uses."""

    points: str
    center: bool
    norm: Norm
    reduction: Reduction


PROTOCOLS: dict[str, LandmarkProtocol] = {
    "instag": LandmarkProtocol("mouth", center=True, norm="none", reduction="l2"),
    "vico": LandmarkProtocol("mouth", center=False, norm="none", reduction="l1"),
    "atvg": LandmarkProtocol("mouth", center=True, norm="none", reduction="l2-sum"),
    "eat-m": LandmarkProtocol("mouth", center=True, norm="none", reduction="l2"),
    "eat-f": LandmarkProtocol("face", center=True, norm="none", reduction="l2"),
}
"""Landmark distances as published: InsTaG and other NeRF and Gaussian papers, ViCo, ATVGnet, EAT."""


def landmark_distance(
    preds: Tensor,
    target: Tensor,
    *,
    points: str = "mouth",
    center: bool = True,
    norm: Norm = "none",
    reduction: Reduction = "l2",
) -> Tensor:
    """Landmark distance of each frame, in pixels unless normalised.

    ``l2``: mean over the points of the Euclidean distance; ``l2-sum``: its sum; ``l1``: mean over the points and both
    coordinates of the absolute difference. With ``center`` each set first loses its own mean, so that a shift of the
    head does not count. :data:`PROTOCOLS` names the published combinations.

    Args:
        preds: ``(T, 68, 2)`` landmarks of the generated frames.
        target: ``(T, 68, 2)`` of the real frames.
        points: A group of :data:`POINTS`.
        center: Subtract the mean of the group, per frame and side.
        norm: Divide by nothing, by the distance of the target's outer eye corners, or by the root of the area of the
            box around the target's 68 points.
        reduction: As above.

    Returns:
        ``(T,)`` float64; NaN where a side has no face.

    Raises:
        InputError: A name that does not exist, or not 68 points.
        MismatchError: The two sides differ in shape.

    Source: Chen et al., Hierarchical Cross-Modal Talking Face Generation, 2019 (ATVGnet); TalkingGaussian and InsTaG;
    the ViCo challenge; EAT.

    Example:
        >>> target = torch.zeros(1, 68, 2)
        >>> shifted = target + torch.tensor([1.0, 0.0])
        >>> [landmark_distance(shifted, target, **PROTOCOLS[name]._asdict()).item() for name in ("instag", "vico")]
        [0.0, 0.5]
    """
    preds, target = _pair(preds, target)
    if preds.shape[1] != 68:
        raise InputError(f"landmark_distance needs 68 points, got {tuple(preds.shape)}")
    if points not in POINTS:
        raise InputError(f"unknown points {points!r}; there are {', '.join(POINTS)}")
    unit = _unit(target, norm)
    preds, target = preds[:, POINTS[points]], target[:, POINTS[points]]
    if center:
        preds = preds - preds.mean(dim=1, keepdim=True)
        target = target - target.mean(dim=1, keepdim=True)
    return _reduced(preds - target, reduction) / unit


def average_keypoint_distance(preds: Tensor, target: Tensor) -> Tensor:
    """AKD of each frame: mean absolute difference over both coordinates of all points, in pixels.

    The papers call it a distance; the published script takes the absolute difference per coordinate, without centering.
    Points that either side lacks (NaN) do not count.

    Args:
        preds: ``(T, K, 2)`` of the generated frames.
        target: ``(T, K, 2)`` of the real frames.

    Returns:
        ``(T,)`` float64; NaN where no point is on both sides.

    Raises:
        InputError: Not ``(T, K, 2)``.
        MismatchError: The two sides differ in shape.

    Source: Siarohin et al., First Order Motion Model, 2019; pose-evaluation.

    Example:
        >>> average_keypoint_distance(torch.tensor([[[0.0, 0.0], [3.0, 1.0]]]), torch.zeros(1, 2, 2))
        tensor([1.], dtype=torch.float64)
    """
    preds, target = _pair(preds, target)
    return (preds - target).abs().mean(dim=2).nanmean(dim=1)


def missing_keypoints(preds: Tensor, target: Tensor) -> Tensor:
    """MKR of each frame: share of the target's points that the prediction lacks, 0..1.

    With a detector that finds all points or none this is 1 where the prediction misses a face that the target has.

    Args:
        preds: ``(T, K, 2)`` of the generated frames, NaN where a point is missing.
        target: ``(T, K, 2)`` of the real frames.

    Returns:
        ``(T,)`` float64; NaN where the target has no point.

    Raises:
        InputError: Not ``(T, K, 2)``.
        MismatchError: The two sides differ in shape.

    Source: Siarohin et al., First Order Motion Model, 2019; pose-evaluation (where the points are body joints).

    Example:
        >>> target = torch.zeros(2, 68, 2)
        >>> missing_keypoints(torch.where(torch.tensor([True, False])[:, None, None], target, torch.nan), target)
        tensor([0., 1.], dtype=torch.float64)
    """
    preds, target = _pair(preds, target)
    present = ~target.isnan().any(dim=2)
    missing = present & preds.isnan().any(dim=2)
    return missing.sum(dim=1, dtype=torch.float64) / present.sum(dim=1, dtype=torch.float64)


def _pair(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    for name, side in (("preds", preds), ("target", target)):
        if side.dim() != 3 or side.shape[2] != 2:
            raise InputError(f"{name} must be landmarks (T, K, 2), got {tuple(side.shape)}")
    if preds.shape != target.shape:
        raise MismatchError(
            f"preds {tuple(preds.shape)} and target {tuple(target.shape)} differ; cut both to one length"
        )
    if preds.device.type == "mps":
        preds, target = preds.cpu(), target.cpu()
    return preds.to(torch.float64), target.to(torch.float64)


def _lengths(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return lengths


def _unit(target: Tensor, norm: str) -> Tensor:
    if norm == "none":
        return target.new_ones(())
    if norm == "inter-ocular":
        return _lengths(target[:, 45] - target[:, 36])
    if norm == "face-box":
        return (target.amax(dim=1) - target.amin(dim=1)).prod(dim=1).sqrt()
    raise InputError(f"unknown norm {norm!r}; there are none, inter-ocular, face-box")


def _reduced(difference: Tensor, reduction: str) -> Tensor:
    if reduction == "l1":
        return difference.abs().mean(dim=(1, 2))
    if reduction == "l2":
        return _lengths(difference).mean(dim=1)
    if reduction == "l2-sum":
        return _lengths(difference).sum(dim=1)
    raise InputError(f"unknown reduction {reduction!r}; there are l1, l2, l2-sum")
