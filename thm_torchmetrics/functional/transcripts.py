"""Errors of a transcript against what was said."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from thm_torchmetrics.functional.checks import check_option


def transcript_errors(preds: str, target: str, unit: str = "words") -> tuple[int, int]:
    """Count the edits that turn a transcript into what was said, and the length of the latter.

    Case and punctuation count. Blanks at both ends do not.

    Args:
        preds: the transcript of the generated clip.
        target: what was said.
        unit: ``"words"``, which blanks divide, or ``"characters"``, blanks between words included.

    Returns:
        The least number of insertions, deletions and substitutions, and the number of words, or characters, of the
        target. Their quotient is the word error rate, or the character error rate.

    Raises:
        InputError: there is no such unit.

    Example:
        >>> transcript_errors("the cat sat on mat", "the cat sat on the mat")
        (1, 6)
        >>> transcript_errors("bad", "bead", unit="characters")
        (1, 4)
    """
    check_option("unit", unit, ("words", "characters"))
    sides = [side.split() if unit == "words" else list(side.strip()) for side in (preds, target)]
    return edit_distance(*sides), len(sides[1])


def edit_distance(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Return the least number of insertions, deletions and substitutions between two sequences (Levenshtein).

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    costs = list(range(len(second) + 1))
    for row, item in enumerate(first, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(second, 1):
            best = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (item != other))
            diagonal, costs[column] = costs[column], best
    return costs[-1]
