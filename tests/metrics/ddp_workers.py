"""What a process of the group does with clips of a case: its share, or its share after a batch that failed."""

from typing import Any

from metrics.cases import CASES

from thm_torchmetrics import TalkingHeadMetrics
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError


def compute_share(rank: int, groups: dict[int, Any], name: str, shares: list[list[int]]) -> tuple[float, float] | None:
    """This rank's view of the synced value and coverage; None for a rank beyond the world asked for."""
    world = len(shares)
    if rank >= world:
        return None
    case = CASES[name]
    metric = case.make(process_group=groups[world])
    for index in shares[rank]:
        metric.update(**case.clips[index])
    value = metric.compute().item()
    return value, metric.coverage


def compute_after_failure(rank: int, groups: dict[int, Any], name: str) -> float:
    """This rank's value of three clips, one a rank, where the first batch of rank 0 fails in `update` and `forward`."""
    case = CASES[name]
    metrics = TalkingHeadMetrics(
        {"good": case.make(process_group=groups[3]), "cut": case.make(process_group=groups[3], align="truncate")}
    )
    if rank == 0:
        bad = {side: value[..., : -(side == "target") or None] for side, value in case.clips[1].items()}
        for call in (metrics.update, metrics.forward):
            try:
                call(**bad)
            except InputError:
                continue
            raise AssertionError("it was taken")
    metrics.update(**case.clips[rank + 1])
    return metrics.compute()["good"].item()


def compute_beside_a_new_one(rank: int, groups: dict[int, Any], name: str, sent: TalkingHeadMetric) -> list[float]:
    """The values of a metric that comes from another process and of an equal one made here, in one collection."""
    case = CASES[name]
    metrics = TalkingHeadMetrics({"sent": sent, "made": case.make(sync_on_compute=False)})
    for clip in case.clips:
        metrics.update(**clip)
    return [value.item() for value in metrics.compute().values()]
