"""Name one of several parts of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from thm_torchmetrics.errors import InputError


@dataclass(frozen=True)
class Shard:
    """A shard is one of several parts of a dataset.

    Attributes:
        index: its number, from 1.
        count: how many there are.
    """

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str, option: str) -> Shard:
    """Return the shard that a text such as ``2/8`` stands for.

    Args:
        text: the text.
        option: the option, for messages.

    Raises:
        InputError: if it stands for none.
    """
    index, _, count = str(text).partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise InputError(f"{option}: a shard is I/N with I from 1 to N, such as 2/8")
    return Shard(int(index), int(count))
