"""Open media files, read their clock, and check that they are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from thm_torchmetrics.errors import MediaError

_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if av.__version__.startswith("18.") else {}
"""Options that ignore undecodable metadata; PyAV 19 does so by default."""
_REMEDY = "it is no media file, or a copy or download of it was cut short; play it, then copy or convert it again"
_ISO_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx")


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading.

    A playlist in it may refer to other files, but not to the network.

    Raises:
        MediaError: if there is no such file, or it is a folder, empty, not permitted to be read, or no media file.
    """
    _check_readable(path)
    try:
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file"}, **_LENIENT)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path}: cannot be opened ({reason(error)}): {_REMEDY}") from error
    with container:
        yield container


def library_versions() -> dict[str, str]:
    """Return the versions of FFmpeg's libraries inside PyAV, by name."""
    return {name: ".".join(map(str, version)) for name, version in sorted(av.library_versions.items())}


def reason(error: Exception) -> str:
    """Return the message of FFmpeg or the system, without the path that our messages have."""
    return getattr(error, "strerror", None) or str(error)


def clock_start(container: InputContainer) -> float:
    """Return the earliest start of the file's streams, in seconds, never below zero.

    A transport stream counts from an arbitrary time. Subtracting this start puts its first picture or sample at time 0
    and keeps the distance between its streams.
    """
    streams = [*container.streams.video, *container.streams.audio]
    starts = [start for start in map(start_of, streams) if start is not None]
    return max(0.0, min(starts, default=0.0))


def start_of(stream: Stream) -> float | None:
    """Return the time in seconds at which a stream starts, as its container gives it."""
    if stream.start_time is None or not stream.time_base or stream.disposition & Disposition.attached_pic:
        return None
    return stream.start_time * float(stream.time_base)


def is_cut_off(path: Path, stream: Stream) -> bool:
    """Return whether the file ends before the data that it announces.

    An index (mp4, mov, avi) gives the place of each packet, so a file is complete if it holds all packets of this
    stream. Counts and durations in headers are often wrong and are not used. Where a cut loses the index itself (avi,
    matroska, the end of an mp4), the sizes in the container's own headers decide. A cut between two packets of a format
    without either (transport streams, flv), or between two fragments of an mp4, is taken for the end.
    """
    size = path.stat().st_size
    if any(entry.pos + entry.size > size for entry in stream.index_entries):
        return True
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] == b"RIFF":
            return _riff_end(file) > size
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _matroska_end(file) > size
        if head[4:8] in _ISO_BOXES:
            return _iso_end(file) > size
    return False


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise MediaError(f"{path}: is a folder, not a media file; name a file inside it")
        with path.open("rb") as file:
            if not file.read(1):
                raise MediaError(f"{path}: is empty (0 bytes); copy or write it again")
    except FileNotFoundError as error:
        raise MediaError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise MediaError(f"{path}: may not be read; give yourself the permission to read it") from error
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({reason(error)})") from error


def _riff_end(file: BinaryIO) -> int:
    """Return where the last data chunk of an avi or wav file should end, by its header.

    The index of the avi may be missing.
    """
    end = position = 0
    while len(head := _read_at(file, position, 8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name == b"RIFF" or (name == b"LIST" and not size):
            position += 12  # step inside; a list of size 0 was never finished
            continue
        if size >= 0x7FFFF000 or not name.isascii():
            break  # a stream of unknown length, or no chunk at all
        position += 8 + size + size % 2
        if name in (b"LIST", b"data") or name[:2].isdigit():  # 00dc, 01wb: packets of an unfinished list
            end = position - size % 2
    return end


def _iso_end(file: BinaryIO) -> int:
    """Return where the last box of an mp4 that describes samples should end.

    The samples themselves are in the index. In a fragmented file an index covers only the fragments before the cut, so
    there the samples count, too.
    """
    end = position = 0
    names = [b"moov", b"moof"]
    while len(head := _read_at(file, position, 16)) >= 8:
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:], "big")
        if size < 8:
            break  # 0: to the end of the file
        position += size
        if name in names:
            end = position
        if name == b"moof":
            names.append(b"mdat")
    return end


def _matroska_end(file: BinaryIO) -> int:
    """Return where the segment of a matroska or webm file should end, 0 if it does not say."""
    size, start = _element_size(file, 4)  # after the identifier of the header, of four bytes as that of the segment
    if size is not None:
        size, start = _element_size(file, start + size + 4)
    return 0 if size is None else start + size


def _element_size(file: BinaryIO, position: int) -> tuple[int | None, int]:
    """Return the EBML length at a position, and where the data that it measures starts.

    The length is None if it is unknown, which is coded as all ones.
    """
    first = _read_at(file, position, 1)
    if not first or not first[0]:
        return None, position
    length = 9 - first[0].bit_length()
    value = int.from_bytes(_read_at(file, position, length), "big") & ((1 << 7 * length) - 1)
    start = position + length
    return (None if value == (1 << 7 * length) - 1 else value), start


def _read_at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
