"""Shards: each sample on exactly one process, beside PyTorch's sampler, which repeats some."""

from typing import Any

import pytest
from ddp.process_group import ProcessGroup
from torch.utils.data import DataLoader, DistributedSampler

from thm_torchmetrics import ShardSampler
from thm_torchmetrics.errors import InputError


@pytest.mark.parametrize("size", [0, 1, 2, 5, 6, 7])
@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_shards_hold_each_sample_once(size: int, world: int) -> None:
    samplers = [ShardSampler(range(size), rank, world) for rank in range(world)]
    shards = [list(sampler) for sampler in samplers]
    assert sorted(index for shard in shards for index in shard) == list(range(size))
    assert [len(sampler) for sampler in samplers] == [len(shard) for shard in shards]
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_they_are_pytorch_s_shards_without_the_repeated_samples() -> None:
    for rank in range(3):
        theirs = list(DistributedSampler(range(7), num_replicas=3, rank=rank, shuffle=False))  # type: ignore[arg-type]
        ours = list(ShardSampler(range(7), rank, 3))
        assert theirs[: len(ours)] == ours
    padded = [len(list(DistributedSampler(range(7), 3, rank, shuffle=False))) for rank in range(3)]  # type: ignore[arg-type]
    assert sum(padded) == 9


def test_without_a_process_group_there_is_one_process() -> None:
    assert list(ShardSampler(range(4))) == [0, 1, 2, 3]
    loader: Any = DataLoader(range(4), batch_size=2, sampler=ShardSampler(range(4)))  # type: ignore[arg-type]
    assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3]]


def test_in_a_process_group_the_rank_is_the_process_s(processes: ProcessGroup) -> None:
    assert processes.run("training.shards:shard_of", 7) == [[0, 3, 6], [1, 4], [2, 5]]


@pytest.mark.parametrize(("rank", "world"), [(3, 3), (-1, 3), (0, 0)])
def test_a_rank_that_is_none_is_named(rank: int, world: int) -> None:
    with pytest.raises(InputError, match=rf"rank must be in 0..{world - 1}, got {rank}"):
        ShardSampler(range(5), rank, world)
