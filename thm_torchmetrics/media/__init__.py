"""Read and write videos, audio and tables, and find the files that belong together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thm_torchmetrics.core.clip import Clip


def open_clip(path: Path | str, *, audio: Path | str | bool = False, every: int = 1) -> Clip:
    """Open a video file as a clip that is decoded while it is read.

    Args:
        path: the video.
        audio: the file of its sound; True for the video's own track.
        every: take every n-th frame only.

    Raises:
        MediaError: if a file cannot be read as video or sound.

    Example:
        >>> clip = open_clip("talk.mp4", audio=True)  # doctest: +SKIP
    """
    from thm_torchmetrics.core.clip import Clip
    from thm_torchmetrics.media.audio import SoundFile
    from thm_torchmetrics.media.video import VideoFile

    source = path if audio is True else audio
    sound = SoundFile(Path(source)) if source else None
    clip = Clip(VideoFile(Path(path), every=every), audio=sound, key=Path(path).stem)
    if sound is not None:
        _ = clip.audio  # read now, so that a file without sound is an error here
    return clip
