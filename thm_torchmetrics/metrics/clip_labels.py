"""Read what is known of each clip, such as its emotion, from a table, or from the clip's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import ClassVar, Protocol

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.csv_rows import read_columns

_SAME = {
    "angry": "anger", "surprised": "surprise", "disgusted": "disgust", "fearful": "fear", "happiness": "happy",
    "sadness": "sad",
}  # fmt: skip
"""Words of datasets for one emotion."""


class LabelKind(Protocol):
    """A kind of label says which words a label has, and reads them; its text names what there is."""

    columns: ClassVar[tuple[str, ...]]
    """The columns of a table, and the groups of a pattern."""

    def read(self, words: Sequence[str]) -> tuple[float, ...] | None:
        """Return the words of a label, one per column, as numbers; None if they are no label."""


@dataclass(frozen=True)
class Classes:
    """A label is the class of a clip, by its name or its number.

    Attributes:
        names: the names of the classes.
    """

    names: tuple[str, ...]
    columns: ClassVar[tuple[str, ...]] = ("label",)

    def __str__(self) -> str:
        return f"the classes are {', '.join(self.names)}, or 0 to {len(self.names) - 1}"

    def read(self, words: Sequence[str]) -> tuple[float, ...] | None:
        """Return the number of the class."""
        index = find_class(words[0], self.names)
        return None if index is None else (index,)


@dataclass(frozen=True)
class Names:
    """A label is one of some names, as they are written.

    Attributes:
        names: the names.
        columns: the column of a table.
    """

    names: tuple[str, ...]
    columns: ClassVar[tuple[str, ...]] = ("identity",)

    def __str__(self) -> str:
        return f"the names are {', '.join(self.names)}"

    def read(self, words: Sequence[str]) -> tuple[float, ...] | None:
        """Return the number of the name."""
        return (self.names.index(words[0]),) if words[0] in self.names else None


@dataclass(frozen=True)
class Affect:
    """A label is a pair of valence and arousal."""

    columns: ClassVar[tuple[str, ...]] = ("valence", "arousal")

    def __str__(self) -> str:
        return "two numbers from -1 to 1 are needed"

    def read(self, words: Sequence[str]) -> tuple[float, ...] | None:
        """Return valence and arousal."""
        try:
            numbers = tuple(float(word) for word in words)
        except ValueError:
            return None
        return numbers if all(isfinite(number) and abs(number) <= 1 for number in numbers) else None


@dataclass(frozen=True)
class ClipLabels:
    """The labels of clips, by their names.

    Attributes:
        source: the table, or the pattern.
        kind: what a label is.
        table: the label of each clip; None if the pattern finds it in the clip's name.
    """

    source: str
    kind: LabelKind
    table: Mapping[str, tuple[float, ...]] | None = None

    def __str__(self) -> str:
        return self.source

    def find(self, clip: str) -> tuple[float, ...] | str:
        """Return the label of a clip, or why it is not known."""
        if self.table is not None:
            return self.table.get(clip, f"{self.source} has no line for the clip {clip!r}")
        found = re.search(self.source, clip)
        if found is None:
            return f"the pattern {self.source!r} finds nothing in the name {clip!r}"
        words = [word or "" for word in found.groups() or (found[0],)][: len(self.kind.columns)]
        label = self.kind.read(words)
        if label is None:
            return f"the name {clip!r} holds {' and '.join(map(repr, words))}; {self.kind}"
        return label


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


def is_table(source: str) -> bool:
    """Return whether the labels come from a table; else they come from the clips' names, by a pattern."""
    return source.lower().endswith(".csv")


def read_labels(source: str, kind: LabelKind) -> ClipLabels:
    """Return the labels of clips from a table or by a pattern.

    Args:
        source: a file ``.csv`` with the column ``clip`` and those of the kind; or a regular expression that is searched
            for in the clip's name, whose groups hold the words of the label; a label of one word may be the whole
            match.
        kind: what a label is.

    Raises:
        InputError: if the file cannot be read, names a clip twice or holds something else, or the expression is none,
            or has too few groups.
    """
    if not is_table(source):
        _check_pattern(source, kind.columns)
        return ClipLabels(source, kind)
    table: dict[str, tuple[float, ...]] = {}
    for row in read_columns(Path(source), "labels", ("clip", *kind.columns)):
        label = kind.read([row[column] for column in kind.columns])
        if label is None:
            given = " and ".join(f"the {column} {row[column]!r}" for column in kind.columns)
            raise InputError(f"{source}: the clip {row['clip']!r} has {given}; {kind}")
        if table.setdefault(row["clip"], label) != label:
            raise InputError(f"{source}: the clip {row['clip']!r} has two labels; keep one")
    return ClipLabels(source, kind, table)


def names_in(source: str, column: str) -> tuple[str, ...]:
    """Return the words of a column of a table, each once, sorted.

    Raises:
        InputError: if the file cannot be read.
    """
    return tuple(sorted({row[column] for row in read_columns(Path(source), "labels", ("clip", column))}))


def _check_pattern(source: str, words: Sequence[str]) -> None:
    try:
        groups = re.compile(source).groups
    except re.error as error:
        raise InputError(
            f"labels={source!r} is no file .csv and no regular expression: {error}; give one of the two"
        ) from error
    if len(words) > max(groups, 1):
        raise InputError(
            f"labels={source!r} is no file .csv, and as a regular expression it has {groups} groups; it needs one for "
            f"{' and one for '.join(words)}"
        )
