"""Extract from video after video, so that a fault in one loses none of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from thm_torchmetrics.cli.wording import in_cli_words

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.progress import Progress


def work_through(
    files: Mapping[Path, Path], progress: Progress, extract: Callable[[Path, Path], tuple[int, int]]
) -> list[str]:
    """Extract from every video, say how it went, and return why some have no file.

    Args:
        files: the file to write for each video.
        progress: where it is said.
        extract: writes the file of a video; returns the numbers of its frames and of those without a face.
    """
    from thm_torchmetrics.scoring.reasons import reason_of
    from thm_torchmetrics.scoring.remarks import remarks

    failed = []
    progress.start(len(files))
    for video, file in files.items():
        progress.clip(video.name)
        try:
            with remarks() as notes:
                frames, missing = extract(video, file)
        except Exception as error:
            reason = in_cli_words(reason_of(error))
            failed.append(reason if str(video) in reason else f"{video}: {reason}")
        else:
            progress.note(f"{file}: {frames} frames, {missing} without a face")
        for note in notes:
            progress.note(note)
        progress.done()
    return failed
