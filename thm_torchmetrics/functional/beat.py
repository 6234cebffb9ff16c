"""Beats of motion, and how well they fall on the beats of sound."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from thm_torchmetrics.functional.checks import check_option, check_shape, finite_or_nan, to_float64


class BeatProtocol(NamedTuple):
    """The choices of a published beat alignment."""

    sigma: float
    """Width of the kernel, in seconds or in frames."""
    in_frames: bool
    """Whether distances are in frames; sound beats are then rounded to frames, and those beyond the motion dropped."""
    over_motion: bool
    """Whether the mean is over the beats of the motion; else over those of the sound."""
    smoothed: bool
    """Whether the speed is smoothed; else a beat is the slowest of the 21 frames around it."""


BEAT_PROTOCOLS = {
    "kdtalker": BeatProtocol(0.1, in_frames=False, over_motion=False, smoothed=True),
    "bailando": BeatProtocol(3.0, in_frames=True, over_motion=False, smoothed=True),
    "aist": BeatProtocol(3.0, in_frames=True, over_motion=True, smoothed=False),
}
"""Beat alignments as published: KDTalker, Bailando, AIST++."""

_SMOOTHING = 5.0  # frames
_REACH = 4 * int(_SMOOTHING)  # at which SciPy cuts the Gaussian off
_NEIGHBOURS = 10  # frames on each side that AIST++ compares


def motion_beats(keypoints: Tensor, protocol: str = "kdtalker") -> Tensor:
    """Find the beats of a motion, the frames in which it is slowest.

    ``kdtalker``, ``bailando``: strict local minima of the speed, the mean over points of the length of their step from
    frame t to t + 1, smoothed by a Gaussian of 5 frames (mirrored at the ends, cut off at 20 frames). A beat is
    numbered by its step, as in the originals, so that it lies up to one frame early. ``aist``: frames whose step from
    the frame before is shorter than those of the 10 frames on each side; the first and last frames never are.

    Frames without a face lie between ones with a face on a straight line, as do their points. The originals drop them,
    which moves later beats to the front.

    Args:
        keypoints: ``(T, K, 2)`` or ``(T, K, 3)``; NaN in frames without a face.
        protocol: ``"kdtalker"``, ``"bailando"`` or ``"aist"``.

    Returns:
        ``(M,)`` int64 numbers of frames, rising; none if the motion has no beat.

    Raises:
        InputError: the shape is another, or the protocol is unknown.

    Source: ``chaolongy/KDTalker@f78bf4c evaluation/beat_align_score/cal_beat_align_score.py``,
    ``lisiyao21/Bailando utils/beat_align_score.py``, ``google-research/mint tools/calculate_beat_scores.py``.

    Example:
        >>> steps = torch.full((60,), 2.0)
        >>> steps[30] = 1  # from frame 29 to frame 30
        >>> place = steps.cumsum(0)[:, None, None].expand(-1, 68, 2)
        >>> motion_beats(place), motion_beats(place, "aist")
        (tensor([29]), tensor([30]))
    """
    check_shape("keypoints", keypoints, ("T", "K", (2, 3)), "key points")
    check_option("protocol", protocol, BEAT_PROTOCOLS)
    points, start = _without_gaps(to_float64(finite_or_nan(keypoints)))
    if len(points) < 2:
        return torch.zeros(0, dtype=torch.int64, device=points.device)
    lengths = torch.linalg.vector_norm(points.diff(dim=0), dim=2)
    if BEAT_PROTOCOLS[protocol].smoothed:
        return start + _minima(_smoothed(lengths.mean(dim=1)), 1)
    steps = lengths.sum(dim=1)
    return start + _minima(torch.cat([steps.new_zeros(1), steps]), _NEIGHBOURS)


def beat_alignment(motion: Tensor, audio: Tensor, fps: float, frames: int, protocol: str = "kdtalker") -> Tensor:
    r"""Compute how well the beats of a motion fall on those of the sound.

    .. math:: \frac{1}{|B|} \sum_{b \in B} \exp\left(-\frac{\min_{c \in C} (b - c)^2}{2 \sigma^2}\right)

    ``kdtalker``: B are the beats of the sound, C those of the motion, in seconds, sigma 0.1 s. ``bailando``: the same
    in frames, sigma 3. ``aist``: B are the beats of the motion, C those of the sound, in frames, sigma 3. In frames,
    beats of the sound are rounded to frames, and those beyond the motion are dropped.

    Args:
        motion: ``(M,)`` numbers of frames, as `motion_beats` returns them.
        audio: ``(N,)`` seconds.
        fps: frames per second.
        frames: number of frames of the clip.
        protocol: ``"kdtalker"``, ``"bailando"`` or ``"aist"``.

    Returns:
        0-d float64, 0..1; NaN if one of the two has no beat.

    Raises:
        InputError: beats are not ``(M,)``, or the protocol is unknown.

    Source: as `motion_beats`. The first two raise an error where a clip has no beat, the third returns 0.

    Example:
        >>> beat_alignment(torch.tensor([10]), torch.tensor([0.4, 0.5]), fps=25, frames=50)
        tensor(0.8033, dtype=torch.float64)
    """
    check_option("protocol", protocol, BEAT_PROTOCOLS)
    check_shape("motion", motion, ("M",), "numbers of frames")
    check_shape("audio", audio, ("N",), "beats in seconds")
    published = BEAT_PROTOCOLS[protocol]
    ours, sound = to_float64(motion), to_float64(audio)
    if published.in_frames:
        sound = (sound * fps).round()
        sound = sound[(sound >= 0) & (sound < (frames if protocol == "aist" else frames - 1))]
    else:
        ours = ours / fps
    of, to = (ours, sound) if published.over_motion else (sound, ours)
    if not len(of) or not len(to):
        return of.new_full((), torch.nan)
    nearest = (of[:, None] - to).square().amin(dim=1)
    return (-nearest / (2 * published.sigma**2)).exp().mean()


def _without_gaps(points: Tensor) -> tuple[Tensor, int]:
    """Return the points from the first to the last frame with a face, gaps filled in, and the number of the first."""
    seen = (~points.flatten(1).isnan().any(dim=1)).nonzero()[:, 0]
    if not len(seen):
        return points[:0], 0
    first, last = int(seen[0]), int(seen[-1])
    at = torch.arange(first, last + 1, device=points.device)
    after = torch.searchsorted(seen, at)
    before = (after - (seen[after] != at).to(after)).clamp(min=0)
    low, high = seen[before], seen[after]
    share = ((at - low) / (high - low).clamp(min=1)).to(points)[:, None, None]
    return points[low] + share * (points[high] - points[low]), first


def _smoothed(values: Tensor) -> Tensor:
    """Return values smoothed by a Gaussian, mirrored at the ends with the end repeated."""
    at = torch.arange(-_REACH, _REACH + 1, device=values.device)
    weights = (-at.to(values).square() / (2 * _SMOOTHING**2)).exp()
    places = (torch.arange(len(values), device=values.device)[:, None] + at) % (2 * len(values))
    places = torch.where(places < len(values), places, 2 * len(values) - 1 - places)
    return values[places] @ (weights / weights.sum())


def _minima(values: Tensor, neighbours: int) -> Tensor:
    """Return the indices of values that are smaller than each of their neighbours; beyond an end lies the end again."""
    at = torch.arange(len(values), device=values.device)
    shifts = torch.arange(1, neighbours + 1, device=values.device)
    around = torch.cat([at[:, None] - shifts, at[:, None] + shifts], dim=1).clamp(0, len(values) - 1)
    return (values[:, None] < values[around]).all(dim=1).nonzero()[:, 0]
