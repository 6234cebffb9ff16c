"""Openness of eyes and mouth by 68 landmarks, and the blinks of a clip.

Convention: landmarks are (x, y) in pixels, in the order of 300-W; a frame without a face is NaN throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, check_shape, finite_or_nan, to_float64

CLOSED_EYES = {"talkingheadbench": 0.2, "survey": 18.0}
"""Openness up to which eyes are closed, by protocol: eye aspect ratio (below it), pixels (up to it)."""

_TINY = 1e-6  # TalkingHeadBench adds it to the width of an eye


def eye_aspect_ratio(landmarks: Tensor) -> Tensor:
    r"""Compute the eye aspect ratio of each frame, the mean of both eyes.

    .. math:: \frac{\|p_1 - p_5\| + \|p_2 - p_4\|}{2 \|p_0 - p_3\| + 10^{-6}}

    of the six points of an eye: corner, upper lid, corner, lower lid.

    Args:
        landmarks: ``(T, 68, 2)``.

    Returns:
        ``(T,)`` float64, at least 0; NaN without a face.

    Raises:
        InputError: the shape is another.

    Source: T. Soukupova and J. Cech, Real-Time Eye Blink Detection using Facial Landmarks, 2016;
    ``22elix3r/TalkingHeadBench@77c6993 src/envs/subenv2/node4_clip_extractor.py`` adds the small number.

    Example:
        >>> landmarks = torch.zeros(1, 68, 2)
        >>> landmarks[:, [39, 45], 0] = 10  # both eyes are 10 wide
        >>> landmarks[:, [37, 38, 43, 44], 1] = 3  # and open by 3
        >>> round(eye_aspect_ratio(landmarks).item(), 4)
        0.3
    """
    eyes = _eyes(landmarks)
    lids = _lengths(eyes[:, :, 1] - eyes[:, :, 5]) + _lengths(eyes[:, :, 2] - eyes[:, :, 4])
    return (lids / (2 * _lengths(eyes[:, :, 0] - eyes[:, :, 3]) + _TINY)).mean(dim=1)


def eye_openness(landmarks: Tensor) -> Tensor:
    """Compute the openness of the eyes in each frame, the sum of the four distances between the lids, in pixels.

    Args:
        landmarks: ``(T, 68, 2)``.

    Returns:
        ``(T,)`` float64, at least 0; NaN without a face.

    Raises:
        InputError: the shape is another.

    Source: ``lelechen63/talking-head-generation-survey@09179eb baseline/util/util.py``.

    Example:
        >>> landmarks = torch.zeros(1, 68, 2)
        >>> landmarks[:, [37, 38, 43, 44], 1] = 3
        >>> eye_openness(landmarks)
        tensor([12.], dtype=torch.float64)
    """
    eyes = _eyes(landmarks)
    return (_lengths(eyes[:, :, 1] - eyes[:, :, 5]) + _lengths(eyes[:, :, 2] - eyes[:, :, 4])).sum(dim=1)


def closed_eyes(landmarks: Tensor, protocol: str = "talkingheadbench", threshold: float | None = None) -> Tensor:
    """Find the frames in which the eyes are closed.

    ``talkingheadbench``: the eye aspect ratio lies below 0.2. ``survey``: the openness is at most 18 pixels. Without a
    face they count as open.

    Args:
        landmarks: ``(T, 68, 2)``.
        protocol: ``"talkingheadbench"`` or ``"survey"``.
        threshold: another limit; default: the protocol's.

    Returns:
        ``(T,)`` bool.

    Raises:
        InputError: the shape is another, or the protocol is unknown.

    Source: as `eye_aspect_ratio` and `eye_openness`.

    Example:
        >>> closed_eyes(torch.zeros(2, 68, 2))
        tensor([True, True])
    """
    check_option("protocol", protocol, CLOSED_EYES)
    limit = CLOSED_EYES[protocol] if threshold is None else threshold
    return eye_aspect_ratio(landmarks) < limit if protocol == "talkingheadbench" else eye_openness(landmarks) <= limit


def blinks(closed: Tensor) -> Tensor:
    """Find the blinks of a clip, the runs of frames in which the eyes are closed.

    Args:
        closed: ``(T,)`` bool.

    Returns:
        ``(N, 2)`` int64, the first frame of each blink, and the first after it.

    Raises:
        InputError: the shape is another.

    Example:
        >>> blinks(torch.tensor([False, True, True, False, True]))
        tensor([[1, 3],
                [4, 5]])
    """
    check_shape("closed", closed.to(torch.uint8), ("T",), "frames with closed eyes")
    open_ends = torch.cat([closed.new_zeros(1), closed, closed.new_zeros(1)])
    edges = (open_ends[1:] != open_ends[:-1]).nonzero()[:, 0]
    return edges.reshape(-1, 2)


def mouth_ratio(landmarks: Tensor) -> Tensor:
    """Compute how far the mouth is open in each frame, the gap of the inner lips over the distance of their corners.

    The gap is that of the middle points, 62 and 66; the corners are 60 and 64. KeySync's paper does not say which
    contour of the lips is meant.

    Args:
        landmarks: ``(T, 68, 2)``.

    Returns:
        ``(T,)`` float64, at least 0; NaN without a face, and where the corners coincide.

    Raises:
        InputError: the shape is another.

    Source: A. Bigata et al., KeySync, 2025, in words; no code is public.

    Example:
        >>> landmarks = torch.zeros(1, 68, 2)
        >>> landmarks[:, 64, 0], landmarks[:, 66, 1] = 20, 5
        >>> mouth_ratio(landmarks)
        tensor([0.2500], dtype=torch.float64)
    """
    points = _points(landmarks)
    width = _lengths(points[:, 60] - points[:, 64])
    return _lengths(points[:, 62] - points[:, 66]) / width.masked_fill(width == 0, torch.nan)


def _points(landmarks: Tensor) -> Tensor:
    check_shape("landmarks", landmarks, ("T", 68, 2), "face landmarks")
    return to_float64(finite_or_nan(landmarks))


def _eyes(landmarks: Tensor) -> Tensor:
    """Return the points ``(T, 2, 6, 2)`` of both eyes."""
    return _points(landmarks)[:, 36:48].reshape(-1, 2, 6, 2)


def _lengths(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return lengths
