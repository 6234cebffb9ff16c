"""Clips that belong together, such as those of one speaker."""

from __future__ import annotations

from pathlib import Path

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.csv_rows import read_columns


def read_clusters(path: Path) -> dict[str, str]:
    """Return the speaker of each clip, from a CSV file with the columns ``clip`` and ``speaker``.

    Clips of one speaker are alike, so that they are not independent; speakers are resampled and exchanged as wholes.

    Raises:
        InputError: if the file cannot be read, lacks a column, a cell of one is empty, or a clip has two speakers.
    """
    clusters: dict[str, str] = {}
    for row in read_columns(path, "--cluster", ("clip", "speaker")):
        clip, speaker = row["clip"], row["speaker"]
        if not speaker:
            raise InputError(f"{path}: the clip {clip!r} has no speaker; fill the column speaker")
        if clusters.setdefault(clip, speaker) != speaker:
            raise InputError(
                f"{path}: the clip {clip!r} has two speakers, {clusters[clip]!r} and {speaker!r}; keep one"
            )
    return clusters
