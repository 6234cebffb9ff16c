"""Clips are dealt each to exactly one taker."""

from pathlib import Path

import numpy as np
import pytest

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.dealing import by_cost, costs_of, digest_of, numbers_of
from thm_torchmetrics.scoring.shard import Shard, parse_shard


@pytest.mark.parametrize("seed", range(20))
def test_every_clip_is_in_one_shard_and_no_shard_has_much_more_than_another(seed: int) -> None:
    draw = np.random.default_rng(seed)
    costs = [int(draw.choice([0, 1, draw.integers(10**9)])) for _ in range(draw.integers(60))]
    count = int(draw.integers(1, 9))
    shards = [numbers_of(costs, Shard(index, count)) for index in range(1, count + 1)]
    assert sorted(number for shard in shards for number in shard) == list(range(len(costs)))
    assert all(shard == sorted(shard) for shard in shards)
    loads = [sum(max(costs[number], 1) for number in shard) for shard in shards]
    assert max(loads) - min(loads) <= max((max(cost, 1) for cost in costs), default=0)


def test_the_most_expensive_clips_come_first() -> None:
    assert by_cost([3, 9, 3, 0]) == [1, 0, 2, 3]


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "-1/2", "1/0", "a/b", "1/2/3", "1.0/2", " 1/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="such as 2/8"):
        parse_shard(text, "--shard")


def files(folder: Path) -> list[Item]:
    folder.mkdir()
    (folder / "pictures").mkdir()
    for name, size in (("a.mp4", 5), ("b.mp4", 7), ("pictures/1.png", 11), ("pictures/2.png", 13)):
        (folder / name).write_bytes(bytes(size))
    return [
        Item("a", preds=folder / "a.mp4", target=folder / "b.mp4"),
        Item("b", preds=folder / "pictures", features={"lmd": {"preds": folder / "a.mp4"}}),
        Item("c", preds=folder / "absent.mp4"),
    ]


def test_costs_are_the_bytes_of_all_files(tmp_path: Path) -> None:
    assert costs_of(files(tmp_path / "x")) == [12, 29, 0]


def test_the_hash_of_a_dataset_tells_its_files_but_not_its_folder(tmp_path: Path) -> None:
    items = files(tmp_path / "x")
    assert digest_of(items) == digest_of(files(tmp_path / "y"))
    assert digest_of(items) != digest_of(items[:2])
    digest = digest_of(items)
    (tmp_path / "x/a.mp4").write_bytes(bytes(6))
    assert digest_of(items) != digest
