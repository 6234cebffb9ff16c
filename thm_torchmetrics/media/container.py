"""Open media files."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.ffmpeg_log import ErrorLog

MAX_PIXELS = 8192 * 8192
"""The pixels that a picture may have: 8K (7680x4320) passes, 16000x16000 does not."""

_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if av.__version__.startswith("18.") else {}
"""Options that ignore undecodable metadata; PyAV 19 does so by default."""
REMEDY = "it is no media file, or a copy or download of it was cut short; play it, then copy or convert it again"
"""What to do with a file that cannot be opened."""
_PLAYLISTS = (b"ffconcat", b"#EXTM3U", b"[playlist]", b"[Reference]", b"v=0\r\n", b"v=0\n")
_KINDS = {
    stat.S_ISDIR: "a folder, not a media file; name a file inside it",
    stat.S_ISFIFO: "a pipe, which cannot be read twice; save what comes out of it to a file",
    stat.S_ISSOCK: "a socket, not a media file; save what comes out of it to a file",
    stat.S_ISCHR: "a device, not a media file; record from it to a file",
    stat.S_ISBLK: "a device, not a media file; name a file on it",
}


@dataclass
class OpenMedia:
    """An open media file.

    Attributes:
        path: the file.
        container: the file as FFmpeg reads it.
        log: what FFmpeg reports while it is read.
        opening: what FFmpeg reported while it was opened.
        max_pixels: the pixels that a picture may have.
    """

    path: Path
    container: InputContainer
    log: ErrorLog
    opening: list[str] = field(default_factory=list)
    max_pixels: int = MAX_PIXELS

    @property
    def decoder_options(self) -> dict[str, str]:
        """Return the options of the decoders: checksums are compared, and no picture far too large is decoded."""
        return {"err_detect": "crccheck", "max_pixels": _limit(self.max_pixels)}

    def check_size(self, width: int, height: int) -> None:
        """Check the size of a picture.

        Raises:
            MediaError: if it has more than ``max_pixels`` pixels.
        """
        if width * height > self.max_pixels:
            raise MediaError(
                f"{self.path}: its picture of {width}x{height} is larger than {self.max_pixels:,} pixels, the limit "
                "that keeps a broken header from filling the memory; make it smaller, or raise "
                "`VideoFile(max_pixels=)`"
            )

    def check_size_in(self, errors: list[str]) -> None:
        """Check the size of a picture that FFmpeg refused to decode.

        Raises:
            MediaError: if it is too large.
        """
        for text in errors:
            if found := re.search(r"Picture size (\d+)x(\d+)", text):
                self.check_size(int(found[1]), int(found[2]))


@contextmanager
def open_media(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[OpenMedia]:
    """Open a media file for reading.

    FFmpeg gets the open file instead of its name. So a name such as ``take %d.png`` is no pattern, and a playlist
    cannot name other files.

    Raises:
        MediaError: if there is no such file, or it is a folder, pipe, device or playlist, empty, not permitted to be
            read, or no media file.
    """
    with _opened(path) as descriptor, ErrorLog() as log:
        options = {"fd": str(descriptor), "protocol_whitelist": "fd", "max_pixels": _limit(max_pixels)}
        try:
            with log.calling():
                container = av.open("fd:", options=options, **_LENIENT)
        except Exception as error:  # PyAV also raises IndexError, KeyError and others on damaged headers
            raise MediaError(f"{path}: cannot be opened ({reason(error)}): {REMEDY}") from error
        with container:
            media = OpenMedia(path, container, log, log.errors, max_pixels)
            log.errors = []
            yield media


def _limit(max_pixels: int) -> str:
    """Return FFmpeg's limit, which counts the margins that a decoder adds to a picture."""
    return str(min(2 * max_pixels + (1 << 16), 2**31 - 1))


def library_versions() -> dict[str, str]:
    """Return the versions of FFmpeg's libraries inside PyAV, by name."""
    return {name: ".".join(map(str, version)) for name, version in sorted(av.library_versions.items())}


def reason(error: Exception) -> str:
    """Return the message of FFmpeg or the system, without the path that our messages have."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a file, without waiting for the other end of a pipe, and check that it holds something to decode."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _check_kind(path, path.stat().st_mode)
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise MediaError(f"{path}: may not be read; give yourself the permission to read it") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        raise MediaError(f"{path}: cannot be read ({reason(error)}); check its name, or copy it again") from error
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)  # it may have been replaced meanwhile
        _check_start(path, descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _check_kind(path: Path, mode: int) -> None:
    for is_kind, text in _KINDS.items():
        if is_kind(mode):
            raise MediaError(f"{path}: is {text}")


def _check_start(path: Path, descriptor: int) -> None:
    try:
        head = os.read(descriptor, 16)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({reason(error)}); copy it again, from another disk") from error
    if not head:
        raise MediaError(f"{path}: is empty (0 bytes); copy or write it again")
    if head.removeprefix(b"\xef\xbb\xbf").startswith(_PLAYLISTS):
        raise MediaError(f"{path}: is a playlist, which only names other files; name the video or sound itself")
