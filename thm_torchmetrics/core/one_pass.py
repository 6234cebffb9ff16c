"""One clip through several metrics at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.inputs import pair_chunks
from thm_torchmetrics.errors import InputError, MissingFaceError

if TYPE_CHECKING:
    from thm_torchmetrics.core.metric import TalkingHeadMetric


@torch.no_grad()
def stream(
    members: Mapping[str, TalkingHeadMetric],
    preds: AnyClip | None = None,
    target: AnyClip | None = None,
    *,
    failures: dict[str, Exception] | None = None,
    **inputs: Any,
) -> dict[str, Tensor]:
    """Run one clip through several metrics at once: it is decoded once, each chunk is shown to all of them.

    Args:
        members: the metrics by name. If the clip cannot be read to its end, none of them is changed.
        preds: the generated clip.
        target: the real clip.
        failures: where to note the members that cannot take this clip, with the reason, while the others go on.
            Default: the first such error is raised and no member is changed.
        inputs: what else the members' ``begin`` takes.

    Returns:
        By member, its sums of this clip, for `TalkingHeadMetric.score`.
    """
    active = dict(members)

    def each(step: Callable[[TalkingHeadMetric], Tensor | None]) -> dict[str, Tensor | None]:
        results = {}
        for name, member in tuple(active.items()):
            try:
                results[name] = step(member)
            except (InputError, MissingFaceError) as error:
                if failures is None:
                    raise
                failures[name] = error
                del active[name]
        return results

    try:
        each(lambda member: member.begin(preds, target, **inputs))
        sides = (
            preds if any(member.takes("preds") for member in active.values()) else None,
            target if any(member.takes("target") for member in active.values()) else None,
        )
        for chunks in pair_chunks(*sides):
            each(lambda member, chunks=chunks: member.feed(*chunks))  # type: ignore[misc]
            if not active:
                break
        clips = {name: clip for name, clip in each(lambda member: member._close()).items() if clip is not None}
    finally:
        for member in members.values():
            member.abort()
    for name, clip in clips.items():
        members[name]._add(clip)
    return clips
