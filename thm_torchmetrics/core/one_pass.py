"""Measure one clip with several metrics in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun, RunMetric
from thm_torchmetrics.core.clocks import pair_by_time
from thm_torchmetrics.core.delays import Delay, measure_delay, pair_by_delay
from thm_torchmetrics.core.inputs import pair_chunks

Runs: TypeAlias = dict[str, ClipRun[Any]]


def measure_clip(
    members: Mapping[str, RunMetric],
    preds: AnyClip | None = None,
    target: AnyClip | None = None,
    *,
    failures: dict[str, Exception] | None = None,
    per_frame: bool = False,
    around: Callable[[str], AbstractContextManager[Any]] = nullcontext,
    **inputs: Any,
) -> Runs:
    """Measure a clip with several metrics; it is decoded once, and all read the same chunks.

    Metrics that pair frames by time, or without the delay of the clip, read chunks of their own, for which the clip is
    decoded a second time if other metrics read it, too; to measure the delay it is decoded once more.

    No metric is changed; `TalkingHeadMetric.add` does that with the sums of a finished run.

    Args:
        members: the metrics by name.
        preds: the generated clip.
        target: the real clip.
        failures: collects the members that cannot measure this clip, with the error, while the others go on; default:
            the first error is raised.
        per_frame: whether the runs keep the values of single frames.
        around: returns a context for each step of a member, by its name.
        inputs: further arguments of the members' ``start``, which also get a dict ``shared``, in which those that
            compute the same of the clip may leave it for each other.

    Returns:
        The finished runs by member.
    """
    runs: Runs = {}
    inputs = {"shared": {}, **inputs}

    def attempt(name: str, step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            with around(name):
                return step(*args, **kwargs)
        except Exception as error:
            if failures is None:
                raise
            failures[name] = error
            runs.pop(name, None)
            return None

    def feed(names: list[str], pairs: Iterable[tuple[Chunk | None, Chunk | None]]) -> None:
        for chunks in pairs:
            for name in names:
                attempt(name, runs[name].add, *chunks)
            names = [name for name in names if name in runs]
            if not names:
                break

    for name, member in members.items():
        run = attempt(name, member.start, preds, target, **inputs)
        if run is not None:
            runs[name] = run
            run.kept = {} if per_frame else None
    timed = [name for name, run in runs.items() if run.reads_chunks and run.by_time]
    if timed and preds is not None and target is not None:
        feed(timed, pair_by_time(preds, target))
    delayed = [name for name, run in runs.items() if run.reads_chunks and run.by_delay]
    if delayed and preds is not None and target is not None:
        delay: Delay | None = None
        for name in delayed:
            delay = attempt(name, measure_delay, preds, target) if delay is None else delay
            if delay is not None:
                runs[name].delay = delay
        if delay is not None:
            feed(delayed, pair_by_delay(preds, target, delay))
    readers = [name for name, run in runs.items() if run.reads_chunks and name not in (*timed, *delayed)]
    sides = (
        preds if any(members[name].reads("preds") for name in readers) else None,
        target if any(members[name].reads("target") for name in readers) else None,
    )
    feed(readers, pair_chunks(*sides))
    for name, run in list(runs.items()):
        attempt(name, run.finish)
    return runs
