"""Read the label of each clip from a table, or from the clip's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.csv_rows import read_columns

_SAME = {
    "angry": "anger", "surprised": "surprise", "disgusted": "disgust", "fearful": "fear", "happiness": "happy",
    "sadness": "sad",
}  # fmt: skip
"""Words of datasets for one emotion."""


@dataclass(frozen=True)
class ClipLabels:
    """The labels of clips, by their names.

    Attributes:
        source: the table, or the pattern.
        classes: the names of the classes.
        table: the class of each clip; None if the pattern finds it in the clip's name.
    """

    source: str
    classes: tuple[str, ...]
    table: Mapping[str, int] | None = None

    def __str__(self) -> str:
        return self.source

    def find(self, clip: str) -> int | str:
        """Return the class of a clip, or why it is not known."""
        if self.table is not None:
            return self.table.get(clip, f"{self.source} has no line for the clip {clip!r}")
        found = re.search(self.source, clip)
        if found is None:
            return f"the pattern {self.source!r} finds nothing in the name {clip!r}"
        word = found[1 if found.re.groups else 0]
        index = find_class(word or "", self.classes)
        if index is None:
            return f"the name {clip!r} holds {word!r}, which is none of {', '.join(self.classes)}"
        return index


def find_class(label: str, classes: Sequence[str]) -> int | None:
    """Return the index of a class by its name, or by its number as text; None if there is none.

    Case does not count, and ``angry``, ``surprised``, ``disgusted``, ``fearful``, ``happiness`` and ``sadness`` are the
    classes ``anger``, ``surprise``, ``disgust``, ``fear``, ``happy`` and ``sad``, and the other way round.

    Example:
        >>> find_class("Surprised", ("happy", "surprise")), find_class("0", ("happy", "surprise"))
        (1, 0)
    """
    word = label.strip().lower()
    if word.isascii() and word.isdigit():
        return int(word) if int(word) < len(classes) else None
    names = [_SAME.get(name, name) for name in classes]
    word = _SAME.get(word, word)
    return names.index(word) if word in names else None


def read_labels(source: str, classes: Sequence[str]) -> ClipLabels:
    """Return the labels of clips from a table or by a pattern.

    Args:
        source: a file ``.csv`` with the columns ``clip`` and ``label``; or a regular expression that is searched for in
            the clip's name, whose first group, or whole match, is the label.
        classes: the names of the classes.

    Raises:
        InputError: if the file cannot be read, names a clip twice or another class, or the expression is none.
    """
    classes = tuple(classes)
    if not source.lower().endswith(".csv"):
        try:
            re.compile(source)
        except re.error as error:
            raise InputError(f"labels={source!r} is no file .csv and no regular expression: {error}") from error
        return ClipLabels(source, classes)
    table: dict[str, int] = {}
    for row in read_columns(Path(source), "labels", ("clip", "label")):
        index = find_class(row["label"], classes)
        if index is None:
            raise InputError(
                f"{source}: the clip {row['clip']!r} has the label {row['label']!r}; the classes are "
                f"{', '.join(classes)}, or 0 to {len(classes) - 1}"
            )
        if table.setdefault(row["clip"], index) != index:
            raise InputError(f"{source}: the clip {row['clip']!r} has two labels; keep one")
    return ClipLabels(source, classes, table)
