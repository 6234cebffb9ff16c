"""Collect the remarks of readers and metrics on the files of one clip."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from thm_torchmetrics.errors import MediaWarning


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Yield a list that holds, when the block ends, the text of each `MediaWarning` that was raised in it, once.

    Other warnings go on as they would have.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MediaWarning)
        yield notes
    for warning in caught:
        if not issubclass(warning.category, MediaWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif (text := str(warning.message)) not in notes:
            notes.append(text)
