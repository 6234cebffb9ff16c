"""Deal the clips of a dataset, each to exactly one taker, so that all takers have about the same to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.media.pictures import is_pattern
from thm_torchmetrics.scoring.shard import Shard

_KINDS = ("preds", "target", "audio", "preds_au", "target_au")


def costs_of(items: Sequence[Item]) -> list[int]:
    """Return the bytes of all files of each clip, which grow with its duration and its size."""
    return [sum(_size(path) for _, path in _files(item)) for item in items]


def by_cost(costs: Sequence[int]) -> list[int]:
    """Return the numbers of the clips, the most expensive first."""
    return sorted(range(len(costs)), key=lambda number: (-costs[number], number))


def numbers_of(costs: Sequence[int], shard: Shard) -> list[int]:
    """Return the numbers of the clips of a shard, in the order of the dataset.

    The clips are dealt from the most expensive to the cheapest, each to the shard that has the least so far. So every
    clip is in one shard, and the same costs give the same shards on every machine.

    Args:
        costs: the cost of each clip.
        shard: the shard.
    """
    loads = [0] * shard.count
    dealt: list[list[int]] = [[] for _ in loads]
    for number in by_cost(costs):
        least = loads.index(min(loads))
        loads[least] += max(costs[number], 1)
        dealt[least].append(number)
    return sorted(dealt[shard.index - 1])


def digest_of(items: Sequence[Item]) -> str:
    """Return a hash of the names of all clips and the sizes of their files, by which two datasets are told apart.

    The folders in which the files lie do not count, so that machines may have them at different places.
    """
    facts = [[item.key, [[name, path.name, _size(path)] for name, path in sorted(_files(item))]] for item in items]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _files(item: Item) -> Iterator[tuple[str, Path]]:
    for kind in _KINDS:
        if (path := getattr(item, kind)) is not None:
            yield kind, path
    for metric, sides in item.features.items():
        for side, path in sides.items():
            yield f"{metric} {side}", path


def _size(path: Path) -> int:
    """Return the bytes of a file or of a series of pictures; 0 for what cannot be read, which is a failure later."""
    try:
        if is_pattern(path):
            path = path.parent
        if path.is_dir():
            return sum(each.stat().st_size for each in path.iterdir() if each.is_file())
        return path.stat().st_size
    except OSError:
        return 0
