"""Find videos, folders of pictures, and photos."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.find import by_key, clip_key, list_files, nothing_found
from thm_torchmetrics.media.numbered_files import numbered
from thm_torchmetrics.media.pictures import PICTURE_SUFFIXES, is_picture

_PREVIEWS = (".gif", ".apng")
"""Suffixes of animations, which people put beside a video to show it on a page."""


@dataclass(frozen=True)
class FoundVideos:
    """Videos and pictures of one folder and its subfolders.

    What the pictures of a folder are depends on their names:

    - If one of them is named as a clip of another input (a video, a folder of pictures, a sound, a table), all are
      photos, clips of one frame each.
    - Otherwise, if they are a numbered series (``0001.png``, ``0002.png``), they are the frames of one clip that is
      named as the folder.
    - Otherwise they are photos.

    Pictures beside videos are photos only in the first case, and a picture or a folder named as a video is never one.
    What is left over is passed over, with a remark.

    Args:
        folder: the folder.
        videos: video files by clip.
        series: pictures by the folder that holds them.
        others: files that are neither.
    """

    folder: Path
    videos: dict[str, Path]
    pictures: dict[Path, list[Path]]
    others: list[Path]

    @property
    def names(self) -> set[str]:
        """Return the names of the clips, those of folders of pictures included."""
        return set(self.videos) | {clip_key(self.folder, folder) for folder in self.pictures if folder != self.folder}

    def resolve(self, elsewhere: Set[str]) -> tuple[dict[str, Path] | None, list[Path]]:
        """Return the clips by key, and the files that are passed over.

        Args:
            elsewhere: names of the clips of the other inputs.

        Returns:
            None for the clips if the folder holds the frames of a single one.

        Raises:
            InputError: if two clips have one key.
        """
        photos: list[Path] = []
        series: list[Path] = []
        passed_over = list(self.others)
        beside = {path.parent for path in self.videos.values()}
        for folder, pictures in self.pictures.items():
            free = [path for path in pictures if clip_key(self.folder, path) not in self.videos]
            if any(clip_key(self.folder, path) in elsewhere for path in free):
                photos += free
                passed_over += [path for path in pictures if path not in free]
            elif folder in beside or clip_key(self.folder, folder) in self.videos:
                passed_over += pictures
            elif numbered(pictures) is None or (folder == self.folder and len(pictures) == 1):
                photos += pictures
            else:
                series.append(folder)
        single = series == [self.folder] and not photos and not self.videos
        if self.folder in series and not single:
            series.remove(self.folder)
            passed_over += self.pictures[self.folder]
        clips = self.videos | by_key(self.folder, photos + series)
        return (None if single else clips), passed_over


def find_videos(folder: Path, suffixes: Iterable[str]) -> FoundVideos:
    """Find the videos and pictures of a folder and its subfolders.

    Args:
        folder: the folder to search, as `list_files` does.
        suffixes: suffixes of videos, in lower case with the dot.

    Raises:
        InputError: if the folder does not exist or cannot be searched, holds neither, or holds two videos of one key.
            An animation (``a.gif``) beside a video of its name is passed over, as its preview.
    """
    suffixes = tuple(suffixes)
    files = list_files(folder)
    found = [path for path in files if path.suffix.lower() in suffixes]
    previews = by_key(folder, [path for path in found if path.suffix.lower() in _PREVIEWS])
    videos = previews | by_key(folder, [path for path in found if path.suffix.lower() not in _PREVIEWS])
    pictures: dict[Path, list[Path]] = {}
    others = [path for path in found if path not in videos.values()]
    for path in files:
        if is_picture(path):
            pictures.setdefault(path.parent, []).append(path)
        elif path.suffix.lower() not in suffixes:
            others.append(path)
    if not videos and not pictures:
        raise InputError(nothing_found(folder, (*suffixes, *PICTURE_SUFFIXES), files))
    return FoundVideos(folder, videos, pictures, others)
