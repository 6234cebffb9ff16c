"""Read and write videos, audio and tables, and find the files that belong together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thm_torchmetrics.core.clip import Clip
    from thm_torchmetrics.media.pictures import PictureFolder
    from thm_torchmetrics.media.video import VideoFile


def open_video(path: Path | str, *, every: int = 1, fps: float = 25.0) -> VideoFile | PictureFolder:
    """Open a video, or pictures as a video; nothing is read before it is needed.

    Args:
        path: a video file; a folder of numbered pictures; a pattern of them, such as ``DIR/%05d.png``; or a photo,
            which is a video of one frame.
        every: take every n-th frame only.
        fps: frames per second of pictures; a video file has its own.

    Returns:
        A `VideoSource`.

    Raises:
        InputError: if ``every`` is not a whole number of at least 1, or ``fps`` not above 0.
    """
    from thm_torchmetrics.media.pictures import PictureFolder, is_pattern, is_picture
    from thm_torchmetrics.media.video import VideoFile

    path = Path(path)
    if path.is_dir() or is_picture(path) or is_pattern(path):
        return PictureFolder(path, fps=fps, every=every)
    return VideoFile(path, every=every)


def open_clip(path: Path | str, *, audio: Path | str | bool = False, every: int = 1, fps: float = 25.0) -> Clip:
    """Open a video as a clip that is decoded while it is read.

    Args:
        path: the video: a file, a folder or pattern of pictures, or a photo, as `open_video` takes it.
        audio: the file of its sound; True for the video's own track.
        every: take every n-th frame only.
        fps: frames per second of pictures; a video file has its own.

    Raises:
        InputError: if ``audio`` is True for pictures, which have no sound.
        MediaError: if a file cannot be read as video or sound.

    Example:
        >>> clip = open_clip("talk.mp4", audio=True)  # doctest: +SKIP
    """
    from thm_torchmetrics.core.clip import Clip
    from thm_torchmetrics.errors import InputError
    from thm_torchmetrics.media.audio import SoundFile
    from thm_torchmetrics.media.pairing import clip_name
    from thm_torchmetrics.media.pictures import PictureFolder

    video = open_video(path, every=every, fps=fps)
    if audio is True and isinstance(video, PictureFolder):
        raise InputError(f"{path}: pictures have no sound of their own; give the file of the sound, `audio`=FILE")
    source = path if audio is True else audio
    sound = SoundFile(Path(source), own_track=audio is True) if source else None
    clip = Clip(video, audio=sound, key=clip_name(Path(path)))
    if sound is not None:
        _ = clip.audio  # read now, so that a file without sound is an error here
    return clip
