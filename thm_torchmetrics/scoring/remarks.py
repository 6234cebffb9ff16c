"""Collect the remarks of readers and metrics on the files of one clip."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from thm_torchmetrics.errors import MediaWarning


class Remarks:
    """The remarks of a block, each once, when it has ended; some of them have owners.

    Attributes:
        notes: the texts, in the order in which they were raised.
        owners: those who raised each; an empty text among them stands for all.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.owners: list[set[str]] = []
        self._caught: list[warnings.WarningMessage] = []
        self._owned: dict[int, str] = {}

    def of_owner(self, owner: str) -> list[tuple[int, str]]:
        """Return the remarks that concern an owner, each with its place among all."""
        return [
            (place, note)
            for place, (note, owners) in enumerate(zip(self.notes, self.owners, strict=True))
            if owners & {"", owner}
        ]

    @contextmanager
    def of(self, owner: str) -> Iterator[None]:
        """Make the remarks that are raised in a block those of an owner."""
        first = len(self._caught)
        try:
            yield
        finally:
            self._owned |= dict.fromkeys(range(first, len(self._caught)), owner)

    def _end(self) -> None:
        for number, warning in enumerate(self._caught):
            if not issubclass(warning.category, MediaWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
                continue
            owner, text = self._owned.get(number, ""), str(warning.message)
            if text in self.notes:
                self.owners[self.notes.index(text)].add(owner)
            else:
                self.notes.append(text)
                self.owners.append({owner})


@contextmanager
def owned_remarks() -> Iterator[Remarks]:
    """Yield an object that holds, when the block ends, each `MediaWarning` that was raised in it.

    Other warnings go on as they would have.
    """
    found = Remarks()
    with warnings.catch_warnings(record=True) as found._caught:
        warnings.simplefilter("always", MediaWarning)
        yield found
    found._end()


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Yield a list that holds, when the block ends, the text of each `MediaWarning` that was raised in it, once.

    Other warnings go on as they would have.
    """
    with owned_remarks() as found:
        yield found.notes
