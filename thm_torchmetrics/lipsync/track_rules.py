"""A clip with several face tracks has as many scores; a rule makes one result of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import torch

from thm_torchmetrics.faces.tracks import Track
from thm_torchmetrics.functional.lipsync import SyncScores

TrackRule: TypeAlias = Literal["mean", "longest", "last", "best", "extremes", "truncated"]
"""What counts of a clip's tracks.

``mean``: each one. ``longest``: the longest one. ``last``: the last one, by shot, then by its begin. ``best``: the one
with the largest confidence minus distance. ``extremes``: the smallest distance and the largest confidence, which may be
of two tracks; the offset is that of the smallest distance. ``truncated``: the means, and the mean offset without its
decimals.
"""

TRACK_RULES: tuple[str, ...] = get_args(TrackRule)
JOINED = frozenset({"best", "extremes", "truncated"})
"""The rules that make one reading of all tracks."""


def choose_tracks(found: Sequence[Track], rule: TrackRule) -> list[Track]:
    """Return the tracks that must be measured."""
    if rule == "longest":
        return sorted(found, key=lambda track: -len(track.boxes))[:1]
    return list(found[-1:] if rule == "last" else found)


def read_tracks(scores: SyncScores, rule: TrackRule) -> SyncScores:
    """Return the readings of a clip from the scores of its measured tracks.

    Args:
        scores: ``(K,)`` each, one per track, K at least 1, finite.
        rule: the rule.

    Returns:
        ``(K,)`` each where every track is a reading, else ``(1,)``; the offset in frames of 40 ms.

    Source: ``best``: OpenMOSS/MOVA, ``eval_lip_sync.py``; ``extremes``: congwei1230/MoChaBench,
        ``syncnet_pipeline.py``; ``truncated``: bytedance/LatentSync, ``eval_sync_conf.py``.

    Example:
        >>> two = SyncScores(torch.tensor([8.0, 7.0]), torch.tensor([6.0, 3.0]), torch.tensor([-2, 5]))
        >>> [value.item() for value in read_tracks(two, "extremes")]
        [7.0, 6.0, 5]
    """
    distance, confidence, offset = scores
    if rule == "best":
        at = (confidence - distance).argmax()[None]
        return SyncScores(distance[at], confidence[at], offset[at])
    if rule == "extremes":
        at = distance.argmin()[None]
        return SyncScores(distance[at], confidence.max()[None], offset[at])
    if rule == "truncated":
        whole = offset.to(torch.float64).mean().trunc()
        return SyncScores(distance.mean()[None], confidence.mean()[None], whole[None].to(offset.dtype))
    return scores
