"""What a process of the group does: its share of a case's clips, and the collection's way with failures."""

from typing import Any

from metrics.cases import CASES


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
