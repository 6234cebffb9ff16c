"""Hash the content of media, so that a file is known by what it holds and not by its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from thm_torchmetrics.media.pictures import PictureFolder

DECODING = 1
"""Version of the pixels, samples and times that this room reads; a change that moves one of them raises it."""


def content_hash(path: Path) -> str:
    """Return the SHA256 of a file, or of the names and the contents of the pictures of a folder or pattern.

    Args:
        path: a file; or what `PictureFolder` takes.

    Raises:
        OSError: if a file cannot be read.
        MediaError: if a folder or pattern has no numbered pictures.
    """
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for picture in PictureFolder(path).files:
        digest.update(f"{picture.name!r} {content_hash(picture)}\n".encode())
    return digest.hexdigest()


def content_stamp(path: Path) -> tuple[tuple[int, int, int], ...]:
    """Return inode, size and time of modification of each file, which change when the content does.

    Args:
        path: as in `content_hash`.

    Raises:
        OSError: if a file cannot be read.
        MediaError: if a folder or pattern has no numbered pictures.
    """
    files = (path,) if path.is_file() else PictureFolder(path).files
    facts = [file.stat() for file in files]
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in facts)
