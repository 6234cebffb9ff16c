"""What a process of the group does: list its shard."""

from typing import Any

from thm_torchmetrics import ShardSampler


def shard_of(rank: int, groups: dict[int, Any], size: int) -> list[int]:
    """Return the samples of this process."""
    return list(ShardSampler(range(size)))
