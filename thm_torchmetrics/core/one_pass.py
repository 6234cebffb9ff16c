"""Measure one clip with several metrics in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun, RunMetric
from thm_torchmetrics.core.inputs import pair_chunks

Runs: TypeAlias = dict[str, ClipRun[Any]]


def measure_clip(
    members: Mapping[str, RunMetric],
    preds: AnyClip | None = None,
    target: AnyClip | None = None,
    *,
    failures: dict[str, Exception] | None = None,
    **inputs: Any,
) -> Runs:
    """Measure a clip with several metrics; it is decoded once, and all read the same chunks.

    No metric is changed; `TalkingHeadMetric.add` does that with the sums of a finished run.

    Args:
        members: the metrics by name.
        preds: the generated clip.
        target: the real clip.
        failures: collects the members that cannot measure this clip, with the error, while the others go on; default:
            the first error is raised.
        inputs: further arguments of the members' ``start``.

    Returns:
        The finished runs by member.
    """
    runs: Runs = {}

    def attempt(name: str, step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return step(*args, **kwargs)
        except Exception as error:
            if failures is None:
                raise
            failures[name] = error
            runs.pop(name, None)
            return None

    for name, member in members.items():
        run = attempt(name, member.start, preds, target, **inputs)
        if run is not None:
            runs[name] = run
    readers = [name for name, run in runs.items() if run.reads_chunks]
    sides = (
        preds if any(members[name].reads("preds") for name in readers) else None,
        target if any(members[name].reads("target") for name in readers) else None,
    )
    for chunks in pair_chunks(*sides):
        for name in readers:
            attempt(name, runs[name].add, *chunks)
        readers = [name for name in readers if name in runs]
        if not readers:
            break
    for name, run in list(runs.items()):
        attempt(name, run.finish)
    return runs
