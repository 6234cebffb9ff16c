"""Decode one stream of a media file, and notice the damage that FFmpeg conceals."""

from __future__ import annotations

import re
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Generic, TypeAlias, TypeVar

import av
from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.stream import VideoStream

from thm_torchmetrics.errors import MediaError, MediaWarning
from thm_torchmetrics.media.container import OpenMedia, open_media, reason
from thm_torchmetrics.media.file_end import is_cut_off

Packet: TypeAlias = "av.Packet[Stream]"
Frame = TypeVar("Frame", bound="av.VideoFrame | av.AudioFrame")

_HARMLESS = re.compile(r"Invalid PCM packet|time scale")
"""Errors that cost no picture and no sample: half a sample at the end, a header that lacks a unit."""
_SIDE_INFORMATION = re.compile(r"\bSEI\b")
"""Errors in notes beside a picture. Some cameras write them wrong; in a transport stream they mean lost data."""
_JOINABLE = ("mpegts", "mpeg")
"""Formats whose files may be joined by ``cat``; each part has a clock of its own."""
_NEW_CLOCK = 60.0
"""Seconds by which the clock jumps ahead where another recording begins; at a shorter jump, pictures are missing."""


def warn(text: str) -> None:
    """Warn of what a reader remarks on a file."""
    warnings.warn(text, MediaWarning, stacklevel=3)


class StreamReader(Generic[Frame]):
    """A reader decodes one stream from its start to its end.

    Args:
        media: the open file.
        stream: its video or audio stream.
        decode: ``stream.decode``.
        remark: called at the end with each remark on the file; default: `warn`.
        alone: whether to decode in the calling thread, so that each message of FFmpeg is surely about this file.

    Attributes:
        count: the decoded frames.
        seconds: the length of the decoded sound.
    """

    def __init__(
        self,
        media: OpenMedia,
        stream: VideoStream | AudioStream,
        decode: Callable[[Packet | None], list[Frame]],
        remark: Callable[[str], None] = warn,
        alone: bool = False,
    ) -> None:
        self.count = 0
        self.seconds = 0.0
        self._media = media
        self._stream = stream
        self._decode = decode
        self._remark = remark
        self._alone = alone
        self._cleared = alone
        self._packets = 0
        self._end = 0
        self._parts = 1
        self._damage = ""
        self._harmless: list[str] = []

    def frames(self) -> Iterator[tuple[Frame, bool]]:
        """Yield the frames, each with whether another clock starts with it.

        Raises:
            MediaError: if FFmpeg reports damage, stops early or reads less than the file announces.
        """
        try:
            yield from self._frames()
        except MediaError:
            raise
        except Exception as error:  # FFmpeg's errors, and what PyAV raises on odd headers
            raise self.broken(self._report() or reason(error)) from error
        finally:
            # Waits for the decoder's threads without the GIL. PyAV frees them with the GIL held; a thread that logs
            # damage needs the GIL, and the process would hang.
            self._stream.codec_context.flush_buffers()
        self._check_end()
        if not self._alone:
            for text in self._remarks():
                self._remark(text)

    def broken(self, why: str) -> MediaError:
        """Return the error that says how far the stream could be decoded."""
        how_far = f"breaks off after {self.count} decoded frames"
        if isinstance(self._stream, AudioStream):
            how_far = f"its audio breaks off after {self.seconds:.2f} s"
        return MediaError(f"{self._media.path}: {how_far} ({why}); copy it again, or convert it to drop the rest")

    def _frames(self) -> Iterator[tuple[Frame, bool]]:
        self._stream.codec_context.options = self._media.decoder_options
        if self._alone:
            self._stream.codec_context.thread_count = 1
        restarted = False
        for packet, restarts in self._steps():
            if restarts:
                for frame in self._decoded(None):
                    yield frame, restarted
                    restarted = False
                self._stream.codec_context.flush_buffers()
                self._parts += 1
                restarted = True
            for frame in self._decoded(packet):
                yield frame, restarted
                restarted = False
        if self._damage:
            for frame in self._decoded(None):  # those that the decoder still holds
                yield frame, restarted
                restarted = False
            raise self.broken(self._damage)

    def _decoded(self, packet: Packet | None) -> Iterator[Frame]:
        with self._media.log.calling():
            frames = self._decode(packet)
        if report := self._report():
            raise self.broken(report)
        for frame in frames:
            if frame.is_corrupt:
                raise self.broken("the next frame is damaged")
            if isinstance(frame, av.VideoFrame):
                self._media.check_size(frame.width, frame.height)
            yield frame
            self.count += 1
            if isinstance(frame, av.AudioFrame):
                self.seconds += frame.samples / frame.sample_rate

    def _steps(self) -> Iterator[tuple[Packet, bool]]:
        """Yield the packets up to the first damaged one, each with whether another clock starts with it."""
        packets = self._demuxed()
        ahead = deque(islice(packets, 3))
        before: Packet | None = None
        while ahead:
            packet = ahead[0]
            if packet.is_corrupt and not self._is_whole(list(ahead)):
                self._damage = "the next packet is incomplete"
                return
            yield packet, before is not None and self._restarts(before, packet)
            before = ahead.popleft()
            ahead.extend(islice(packets, 1))

    def _demuxed(self) -> Iterator[Packet]:
        """Yield the packets of the stream, the last of which is empty and empties the decoder."""
        packets = self._media.container.demux(self._stream)
        while not self._damage:
            with self._media.log.calling():
                packet = next(packets, None)
            if report := self._report():
                self._damage = report
                return
            if packet is None:
                return
            if packet.size:
                self._packets += not packet.is_discard
                self._end = 0 if packet.pos is None else packet.pos + packet.size
            yield packet

    def _restarts(self, before: Packet, packet: Packet) -> bool:
        """Return whether another recording, with another clock, begins with a packet."""
        step = _step(before, packet)
        if step is None or self._media.container.format.name not in _JOINABLE or not packet.is_keyframe:
            return False
        return step < 0 or step > _NEW_CLOCK

    def _is_whole(self, packets: list[Packet]) -> bool:
        """Return whether a packet that FFmpeg calls corrupt has all its data.

        FFmpeg marks the last packet but one before a jump of a transport stream's counters. Such a jump is also where
        two recordings are joined: then another clock starts, or the next group of pictures follows in time.

        PCM may end anywhere, and FFmpeg marks that, too; the header says whether samples are missing.
        """
        if self._stream.codec_context.name.startswith("pcm_"):
            return True
        if self._media.container.format.name != "mpegts":
            return False
        if any(self._restarts(before, packet) for before, packet in pairwise(packets)):
            return True
        if isinstance(self._stream, AudioStream) or not any(packet.is_keyframe for packet in packets[1:]):
            return False
        return all(_is_next(before, packet) for before, packet in pairwise(packets))

    def _report(self) -> str:
        """Return the damage that FFmpeg has reported since; empty if there is none."""
        log = self._media.log
        errors, log.errors = log.errors, []
        self._harmless += filter(self._is_harmless, errors)
        damage = [text for text in errors if not self._is_harmless(text)]
        if damage:
            self._media.check_size_in(damage)
            return f"FFmpeg reports damage: {damage[0]}"
        if log.doubtful and not self._cleared:
            self._cleared = True
            self._check_alone()
        return ""

    def _check_alone(self) -> None:
        """Decode the file once more, in this thread.

        Raises:
            MediaError: if FFmpeg reports an error that is surely about this file.
        """
        with open_media(self._media.path, self._media.max_pixels) as media:
            stream = media.container.streams[self._stream.index]
            if isinstance(stream, VideoStream):  # sound is decoded in one thread as it is
                for _ in StreamReader(media, stream, stream.decode, alone=True).frames():
                    pass

    def _check_end(self) -> None:
        path, stream = self._media.path, self._stream
        if is_cut_off(path, stream, self._end):
            raise self.broken("the rest of the file is missing")
        # FFmpeg reads the first seconds when it opens a file, and does not report again what was wrong with them
        for text in self._media.opening:
            if not self._is_harmless(text) and not self._is_about_another(text):
                raise self.broken(f"FFmpeg reported damage when it opened the file: {text}")
        missing = 0
        if self._media.container.format.name == "avi":
            missing = sum(entry.size > 0 for entry in stream.index_entries) - self._packets
        if stream.codec_context.codec.canonical_name == "av1":
            missing = self._packets - self.count  # each packet shows one picture; PyAV drops the last one's error
        if missing > 0:
            raise self.broken(f"{missing} of its packets gave no frame")

    def _is_harmless(self, text: str) -> bool:
        if _SIDE_INFORMATION.search(text):
            return self._media.container.format.name not in _JOINABLE
        return _HARMLESS.search(text) is not None

    def _is_about_another(self, text: str) -> bool:
        """Return whether a report at opening is about another stream, or about a cover picture that was not decoded."""
        streams = [stream for stream in self._media.container.streams if stream is not self._stream]
        names = {stream.codec_context.name for stream in streams if stream.codec_context is not None}
        return text.partition(":")[0] in names - {self._stream.codec_context.name} | {"IMGUTILS"}

    def _remarks(self) -> Iterator[str]:
        texts = list(dict.fromkeys([*self._media.opening, *self._harmless]))
        if texts:
            yield (
                f"{self._media.path}: was read to its end, but FFmpeg reports: {'; '.join(texts)}; convert it if its "
                "frames or times look wrong"
            )
        if self._parts > 1:
            yield (
                f"{self._media.path}: is {self._parts} recordings one after the other; they are read as one, each "
                "right after the one before, and its sound may be off by up to 0.05 s per part; convert it to be sure"
            )


def _step(before: Packet, packet: Packet) -> float | None:
    """Return the seconds from one packet to the next in the order of decoding; None if one has no time."""
    if before.dts is None or packet.dts is None:
        return None
    return float((packet.dts - before.dts) * packet.time_base)


def _is_next(before: Packet, packet: Packet) -> bool:
    """Return whether no frame is missing between two packets; the empty one at the end is never the next."""
    step = _step(before, packet)
    if step is None or not before.duration:
        return False
    return 0 < step <= 1.6 * float(before.duration * before.time_base)
