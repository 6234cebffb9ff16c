"""Score an opened dataset, or a shard of it, wherever its clips are measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome
from thm_torchmetrics.scoring.dataset import Dataset, Plan
from thm_torchmetrics.scoring.interrupts import StoppedRun
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.save_statistics import make_folder, save_statistics
from thm_torchmetrics.scoring.shards import SumsFile, shard_facts
from thm_torchmetrics.scoring.worst_frames import add_stills


def score_dataset(
    plan: Plan, dataset: Dataset, measure: Callable[[Sequence[Item]], Iterator[ClipOutcome]], progress: Progress
) -> Result:
    """Score the clips that a plan asks for.

    Args:
        plan: the plan.
        dataset: its clips and metrics.
        measure: yields the outcomes of clips, in their order.
        progress: receives the progress of the run.

    Raises:
        InputError: if the folder of statistics cannot be made.
        StoppedRun: if a signal stops it; its result holds the clips that were done.
    """
    begun = time.monotonic()
    items, provenance = dataset.items, dict(dataset.provenance)
    if plan.options.save_statistics is not None:
        make_folder(plan.options.save_statistics)
    sums: SumsFile | None = None
    if plan.options.shard is None or plan.options.sums is None:
        outcomes = measure(items)
    else:
        facts = shard_facts(plan.options.shard, plan.options.sums, dataset, plan)
        sums = SumsFile(plan.options.sums, facts.run)
        outcomes = sums.keep(measure([items[number] for number in facts.numbers]), facts.numbers)
        provenance["shard"] = asdict(facts)
    stopped: StoppedRun | None = None
    try:
        result = dataset.run.result(outcomes, dataset.skipped, provenance)
    except StoppedRun as error:
        result, stopped = error.result, error
    result.notes[:0] = dataset.notes
    if sums is not None and sums.fault:
        result.unwritten.append(sums.fault)
    if plan.options.save_statistics is not None and stopped is None:
        try:
            save_statistics(plan.options.save_statistics, dataset.run.metrics.members(), items)
        except InputError as error:
            result.unwritten.append(str(error))
    result.notes += result.unwritten
    if plan.options.pictures and stopped is None:
        progress.step("taking pictures of the worst frames")
        add_stills(result, dataset)
    result.provenance = {**result.provenance, "duration_s": round(time.monotonic() - begun, 3)}
    if stopped is not None:
        raise stopped
    return result
