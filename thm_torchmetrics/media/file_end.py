"""Find where a file should end, by the sizes in its own headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from av.stream import Stream

_ISO_BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx")
_FRAMES_ALONE = ("yuv4mpegpipe", "dv")
"""Formats of nothing but frames of one size: bytes after the last whole one are a piece of a frame."""
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
_PACK, _PROGRAM_END = 0xBA, 0xB9
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def is_cut_off(path: Path, stream: Stream, read: int = 0) -> bool:
    """Return whether the file ends before the data that it announces.

    An index (mp4, mov, avi) gives the place of each packet, so a file is complete if it holds all packets of this
    stream. Counts and durations in headers are often wrong and are not used. Where a cut loses the index itself (avi,
    matroska, the end of an mp4), and where there is none, the sizes in the container's own headers decide. A cut
    between two packets of a format without either (transport streams, raw streams), or between two fragments of an mp4,
    is taken for the end.

    Args:
        path: the file.
        stream: its stream.
        read: where the last packet ended, in bytes.
    """
    size = path.stat().st_size
    if any(entry.pos + entry.size > size for entry in stream.index_entries):
        return True
    if read and stream.container.format.name in _FRAMES_ALONE:
        return size != read  # a piece is dropped, or filled up
    with path.open("rb") as file:
        return _announced_end(file, size) > size


def _announced_end(file: BinaryIO, size: int) -> int:
    """Return where the file should end by its headers; 0 if they do not say."""
    head = file.read(16)
    if head[4:8] in _ISO_BOXES:
        return _iso_end(file)
    if length := _transport_packet(file, head):
        return size + -size % length
    for magic, find in _ENDS.items():
        if head.startswith(magic):
            return find(file)
    return 0


def _riff_end(file: BinaryIO) -> int:
    """Return where the last data chunk of an avi or wav file should end, by its header.

    The index of the avi may be missing.
    """
    if _read_at(file, 8, 4) == b"WEBP":
        return 8 + int.from_bytes(_read_at(file, 4, 4), "little")
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


class _Chunks(NamedTuple):
    """A layout says how the chunks of a sound file follow each other.

    Attributes:
        first: place of the first chunk.
        sound: start of the name of the chunk with the samples.
        name: length of a chunk's name.
        size: length of the number after it, the chunk's size.
        order: byte order of that number.
        whole: whether the size counts name and size, too.
        multiple: a chunk begins at a multiple of this.
    """

    first: int
    sound: bytes
    name: int
    size: int
    order: Literal["big", "little"]
    whole: bool
    multiple: int

    def end(self, file: BinaryIO) -> int:
        """Return where the samples should end; 0 if the file does not say."""
        position, head_length = self.first, self.name + self.size
        while len(head := _read_at(file, position, head_length)) == head_length:
            size = int.from_bytes(head[self.name :], self.order)
            if size >= 1 << (8 * self.size - 1) or (self.whole and size < head_length):
                break  # unknown, or no chunk
            end = position + size + (0 if self.whole else head_length)
            if head.startswith(self.sound):
                return end
            position = end + -end % self.multiple
        return 0


def _au_end(file: BinaryIO) -> int:
    start, size = (int.from_bytes(_read_at(file, place, 4), "big") for place in (4, 8))
    return 0 if size == 0xFFFFFFFF else start + size


def _mp3_end(file: BinaryIO) -> int:
    """Return where an mp3 file should end by the table that encoders put into its first frame."""
    start = 0
    while (tag := _read_at(file, start, 10))[:3] == b"ID3" and len(tag) == 10:
        start += 10 + sum((byte & 127) << 7 * place for place, byte in enumerate(reversed(tag[6:])))
    frame = _read_at(file, start, 200)
    for name in (b"Xing", b"Info"):
        place = frame.find(name)
        if 0 < place < len(frame) - 16 and frame[place + 7] & 2:
            # the size in bytes follows, after the number of frames if there is one
            place += 8 + 4 * (frame[place + 7] & 1)
            return start + int.from_bytes(frame[place : place + 4], "big")
    return 0


def _asf_end(file: BinaryIO) -> int:
    """Return where a wmv or wma file should end by its file properties."""
    head = _read_at(file, 0, 1 << 16)
    place = head.find(_ASF_PROPERTIES)
    if place < 0 or place + 88 >= len(head) or head[place + 88] & 1:  # a broadcast does not know its length
        return 0
    return int.from_bytes(head[place + 40 : place + 48], "little")


def _ogg_end(file: BinaryIO) -> int:
    """Return where the last page of an ogg file should end."""
    end = 0
    while (head := _read_at(file, end, 27))[:4] == b"OggS":
        if len(head) < 27:
            return end + 27
        sizes = _read_at(file, end + 27, head[26])
        end += 27 + head[26] + sum(sizes)
        if len(sizes) < head[26]:
            break
    return end


def _flv_end(file: BinaryIO) -> int:
    """Return where the last tag of an flv file should end."""
    end = int.from_bytes(_read_at(file, 5, 4), "big") + 4
    while len(head := _read_at(file, end, 11)) >= 4 and head[0] & 0x1F in (8, 9, 18):
        end += 11 + int.from_bytes(head[1:4], "big") + 4
    return end - 4  # without the number after the tag, which some writers leave out at the end


def _gif_end(file: BinaryIO) -> int:
    """Return where the last block of a gif file should end; writers may leave the mark of the end out."""
    flags = (_read_at(file, 10, 1) or b"\0")[0]
    end = 13 + _colors(flags)
    while (head := _read_at(file, end, 10))[:1] in (b"!", b","):
        if head[:1] == b"!":
            end += 2  # an extension and its kind
        else:
            end += 11 + _colors(head[9] if len(head) == 10 else 0)  # a picture, and the width of its codes
        while size := _read_at(file, end, 1):
            end += 1 + size[0]
            if not size[0]:
                break
        else:
            return end + 1  # the empty piece at the end of the block is missing
    return end


def _colors(flags: int) -> int:
    """Return the length of a table of colors."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _program_end(file: BinaryIO) -> int:
    """Return where the last packet of an MPEG program stream should end."""
    end = 0
    while (head := _read_at(file, end, 14))[:3] == b"\0\0\1" and len(head) > 3:
        if head[3] == _PACK:
            # MPEG-1 has 12 bytes; MPEG-2 has 14, and says how many follow to fill it up
            end += 12 if head[4:5] < b"\x40" else 14 + (head[13:14] or b"\0")[0] % 8
        elif head[3] == _PROGRAM_END:
            end += 4
        else:
            end += 6 + int.from_bytes(head[4:6], "big")
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
    """Return where a matroska or webm file should end.

    A live recording does not give the size of its segment and clusters; there the last element inside decides.
    """
    position = end = 0
    while element := _element(file, position):
        name, start, size = element
        if size is None:
            position = start  # go inside
            continue
        position = end = start + size
        if name == _MATROSKA_SEGMENT:
            break
    return end


def _element(file: BinaryIO, position: int) -> tuple[bytes, int, int | None] | None:
    """Return the name of the EBML element at a position, where its data starts, and its length.

    It is None where no element is; the length is None if it is unknown, which is coded as all ones.
    """
    name = _read_at(file, position, 4)
    if not name or name[0] < 16:
        return None
    name = name[: 9 - name[0].bit_length()]
    place = position + len(name)
    first = _read_at(file, place, 1)
    if not first:
        return name, place + 1, 0  # the length is missing
    if not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(_read_at(file, place, length), "big") & ((1 << 7 * length) - 1)
    return name, place + length, (None if value == (1 << 7 * length) - 1 else value)


def _transport_packet(file: BinaryIO, head: bytes) -> int:
    """Return the length of a packet of a transport stream; 0 for another file."""
    for sync, length in ((0, 188), (4, 192), (0, 204)):
        if head[sync : sync + 1] == b"G" and all(_read_at(file, sync + n * length, 1) == b"G" for n in range(1, 5)):
            return length
    return 0


def _read_at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


_ENDS: dict[bytes, Callable[[BinaryIO], int]] = {
    b"RIFF": _riff_end,
    b"FORM": _Chunks(12, b"SSND", 4, 4, "big", False, 2).end,
    b"caff": _Chunks(8, b"data", 4, 8, "big", False, 1).end,
    b"riff": _Chunks(40, b"data", 16, 8, "little", True, 8).end,  # Wave64
    b".snd": _au_end,
    b"ID3": _mp3_end,
    b"\xff\xfb": _mp3_end,
    b"\xff\xfa": _mp3_end,
    b"\xff\xf3": _mp3_end,
    b"\xff\xf2": _mp3_end,
    b"0&\xb2u\x8ef\xcf\x11": _asf_end,
    b"OggS": _ogg_end,
    b"FLV": _flv_end,
    b"GIF8": _gif_end,
    b"\0\0\1\xba": _program_end,
    b"\x1a\x45\xdf\xa3": _matroska_end,
}
"""How the end is found, by a file's first bytes."""
