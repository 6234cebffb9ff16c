"""Bring the files of a clip, one per frame, into the order of the numbers in their names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from thm_torchmetrics.errors import MediaError, MediaWarning
from thm_torchmetrics.media.find import listed


def numbered(files: Iterable[Path]) -> tuple[dict[Path, int], list[Path]] | None:
    """Return a series of files with their numbers, and the files that have none.

    Returns:
        None if there is no series: most names have no number, or the names differ by more than one.
    """
    parts = {path: re.split(r"([0-9]+)", path.stem) for path in files}
    series = {path: names for path, names in parts.items() if len(names) > 1}
    one_form = len({tuple(names[::2]) for names in series.values()}) == 1
    if not one_form or 2 * len(series) <= len(parts):
        return None
    columns = [set(map(int, column)) for column in zip(*(names[1::2] for names in series.values()), strict=True)]
    varying = [i for i, numbers in enumerate(columns) if len(numbers) > 1] or [len(columns) - 1]
    if len(varying) > 1:
        return None
    position = 2 * varying[0] + 1
    return {path: int(names[position]) for path, names in series.items()}, [
        path for path in parts if path not in series
    ]


def in_order(source: Path, files: list[Path], kind: str = "picture") -> list[Path]:
    """Return the files of a series by number, after checking that none is missing.

    Args:
        source: the folder or the pattern, for messages.
        files: the files, at least one.
        kind: what each holds, for messages.

    Raises:
        MediaError: if they have no order, or if one is missing.
    """
    if len(files) == 1:
        return files
    found = numbered(files)
    if found is None:
        raise MediaError(
            f"{source}: holds {kind}s without an order ({listed(path.name for path in files)}); give them names that "
            f"differ by one number only, such as 0001{files[0].suffix}"
        )
    series, rest = found
    if rest:
        names = listed(path.name for path in rest)
        warnings.warn(f"{source}: {names} passed over, since the frames have numbers", MediaWarning, stacklevel=2)
    ordered = sorted(series, key=lambda path: (series[path], path.name))
    steps: dict[int, Path] = {}
    for path, after in pairwise(ordered):
        if series[path] == series[after]:
            raise MediaError(f"{source}: {path.name} and {after.name} have the same number; keep one of them")
        steps.setdefault(series[after] - series[path], path)
    if len(steps) > 1:
        path = steps[max(steps)]
        after = ordered[ordered.index(path) + 1]
        raise MediaError(
            f"{source}: {kind}s are missing between {path.name} and {after.name}, and later frames would be shown too "
            f"early; add them, or number the {kind}s without a gap"
        )
    step = next(iter(steps), 1)
    if step > 1:
        warnings.warn(
            f"{source}: the numbers of the {kind}s have steps of {step}; they are shown as consecutive frames",
            MediaWarning,
            stacklevel=2,
        )
    return ordered
