"""Read videos as frames with their times, with the pixels that OpenCV decodes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.clock import FrameClock, duration_of, rate_of
from thm_torchmetrics.media.container import MAX_PIXELS, REMEDY, OpenMedia, open_media, reason
from thm_torchmetrics.media.decoding import StreamReader, warn
from thm_torchmetrics.media.pixel_format import PixelFormat
from thm_torchmetrics.media.read_ahead import Picture, ReadAhead, TimedPicture

DecodedFrame: TypeAlias = av.VideoFrame
"""A frame as the decoder gives it, before it becomes RGB."""
TimedFrame: TypeAlias = tuple[DecodedFrame, float, float]
"""A decoded frame, its time and its duration in seconds."""

_DIRECT = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p")
"""Layouts whose RGB, at even sizes, has the bytes of their BGR in the other order."""


@dataclass(frozen=True)
class VideoFile:
    """A video file is opened only when it is read; the object is small and picklable.

    It is a `VideoSource`, so ``Clip(VideoFile(path))`` is a clip that decodes on demand. Pixels equal those of
    OpenCV 5's `VideoCapture`, with which the published pipelines read: its decoder, its color conversion, its rotation
    by the file's metadata. They are equal bit for bit for progressive video of standard dynamic range. In HDR (PQ,
    HLG) OpenCV 5 maps tones, and here the stored values are kept, as ffmpeg does without a filter; interlaced video
    OpenCV 5.0.0 gives as black or broken pictures. Sizes and rates come from the header and the first frame. The
    number of frames is known only after reading them, because headers are often wrong.

    Args:
        path: the file.
        every: keep every n-th frame only, from the first; ``fps`` remains the file's.
        max_pixels: the pixels that a picture may have, 8192x8192 by default. The limit keeps a small file with a
            broken or hostile header from filling the memory.

    Raises:
        InputError: if ``every`` or ``max_pixels`` is not a whole number of at least 1.
        MediaError: when it is first opened, if the file does not exist, cannot be read or holds no video.

    Example:
        >>> video = VideoFile("talk.mp4", every=5)
        >>> for picture, seconds in video.frames():  # doctest: +SKIP
        ...     print(picture.shape, seconds)
    """

    path: Path
    every: int = 1
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        for name, value, why in (("every", self.every, "1 keeps all frames"), ("max_pixels", self.max_pixels, "")):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                hint = f" ({why})" if why else ""
                raise InputError(f"{name} must be a whole number of at least 1{hint}, got {value!r}")

    @property
    def fps(self) -> float:
        """Return the average frames per second of the file; 25 if it does not say."""
        return self._header.fps

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of a frame as it is shown, after rotation."""
        return self._header.size

    @property
    def codec(self) -> str:
        """Return FFmpeg's name of the codec, such as ``h264`` or ``hevc``."""
        return self._header.codec

    @property
    def pixels(self) -> PixelFormat:
        """Return how the pixels of the first frame are stored."""
        return self._header.pixels

    @property
    def has_audio(self) -> bool:
        """Return whether there is an audio stream."""
        return self._header.has_audio

    @property
    def duration(self) -> float | None:
        """Return the length of the pictures in seconds as the container states it; None if it does not."""
        return self._header.duration

    @property
    def estimated_frames(self) -> int | None:
        """Return an estimate of the number of frames, for a progress bar.

        It is None if the file does not say.
        """
        frames = self._header.estimated_frames
        return None if frames is None else -(-frames // self.every)

    def frames(self) -> ReadAhead:
        """Return the frames in the order in which they are shown, each with its time, to be read once.

        A thread decodes them from now on, ahead of their use by at most the frames of a chunk. ``close`` ends it before
        the last frame.

        Returns:
            Pictures ``(H, W, 3)``, RGB, uint8 0..255, with presentation times in seconds on the file's clock, which
            starts with the file's earliest stream: a first frame later than 0 means that the audio starts earlier.
            Times are the file's own, also at a variable frame rate, and never decrease: a frame without a time, or with
            one before that of the frame before, comes one average interval after it. Of recordings joined to one
            transport or program stream, each follows the one before without a gap.

        Raises:
            MediaError: by the iterator, if the file cannot be opened or has no frames, is damaged or cut off (the
                message then gives the number of frames decoded so far), changes its size, or is stored in a way that
                cannot become RGB.

        Warns:
            MediaWarning: if the file was read to its end, but its frame rate varies, its header has a fault that FFmpeg
                reports, its times go back, or it is several recordings one after the other.
        """
        remarks: list[str] = []
        return ReadAhead(self._pictures(remarks.append), remarks)

    def decoded(self) -> Iterator[TimedFrame]:
        """Yield the frames as the decoder gives them, not rotated.

        Yields:
            A frame, its time and its duration in seconds, the time as in `frames`.
        """
        return self._decoded(warn)

    def _pictures(self, remark: Callable[[str], None]) -> Generator[TimedPicture, None, None]:
        convert = Converter()
        for frame, time, _ in self._decoded(remark):
            with self._converting(frame):
                picture = convert(frame)
            yield picture, time

    def _decoded(self, remark: Callable[[str], None]) -> Iterator[TimedFrame]:
        with open_media(self.path, self.max_pixels) as media:
            stream = _video_stream(media, self.path)
            stream.thread_type = "AUTO"
            clock = FrameClock(media.container, stream)
            reader = StreamReader(media, stream, stream.decode, remark)
            first = (0, 0)
            for index, (frame, restarts) in enumerate(reader.frames()):
                size = (frame.width, frame.height)
                if index == 0:
                    first = size
                    with self._converting(frame):
                        Converter()(frame)  # an error here names the file, whoever converts the frames
                elif size != first:
                    raise MediaError(
                        f"{self.path}: frame {index} is {frame.width}x{frame.height}, those before it are "
                        f"{first[0]}x{first[1]}; convert the video to one size"
                    )
                time = clock.time(index, frame, restarts)
                if index % self.every == 0:
                    yield frame, time, clock.duration(frame)
            if not reader.count:
                raise MediaError(f"{self.path}: the video stream has no frames; convert or export it again")
            for text in clock.remarks(self.path):
                remark(text)

    @cached_property
    def _header(self) -> _Header:
        with open_media(self.path, self.max_pixels) as media:
            stream = _video_stream(media, self.path)
            fps = rate_of(stream)
            container = media.container
            length = None if container.duration is None else container.duration / av.time_base
            first = next(StreamReader(media, stream, stream.decode).frames(), None)
            if first is None:
                raise MediaError(f"{self.path}: the video stream has no frames; convert or export it again")
            frame, _ = first
            height, width = frame.height, frame.width
            return _Header(
                fps=fps,
                size=(width, height) if quarter_turns(frame) % 2 else (height, width),
                codec=stream.codec_context.codec.canonical_name,
                pixels=PixelFormat.of(frame),
                has_audio=bool(container.streams.audio),
                duration=duration_of(container, stream),
                estimated_frames=stream.frames or (None if length is None else round(length * fps)),
            )

    @contextmanager
    def _converting(self, frame: av.VideoFrame) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise MediaError(
                f"{self.path}: its pictures ({PixelFormat.of(frame)}) cannot become RGB ({reason(error)}); convert it, "
                "for example by ffmpeg -i FILE -pix_fmt yuv420p -colorspace bt709 NEW.mp4"
            ) from error


@dataclass(frozen=True)
class _Header:
    fps: float
    size: tuple[int, int]
    codec: str
    pixels: PixelFormat
    has_audio: bool
    duration: float | None
    estimated_frames: int | None


class Converter:
    """A converter turns frames into RGB arrays with OpenCV's pixels."""

    def __init__(self) -> None:
        self._to_bgr, self._to_rgb = VideoReformatter(), VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Picture:
        """Return the frame, rotated as its file says, ``(H, W, 3)``, uint8."""
        # OpenCV converts to BGR, with bicubic interpolation of the chroma planes, which shows for odd sizes and for
        # more than 8 bits. libswscale has faster, less exact code for BGR only, so that RGB made directly would differ
        # but for the layouts of `_DIRECT`. One thread: others would cost more than they save beside the decoder's.
        if frame.format.name not in _DIRECT or frame.width % 2 or frame.height % 2:
            frame = self._to_bgr.reformat(frame, format="bgr24", interpolation="BICUBIC", threads=1)
        rgb = self._to_rgb.reformat(frame, format="rgb24", interpolation="BICUBIC", threads=1)
        picture = np.asarray(rgb.to_ndarray(), np.uint8)
        if quarter_turns(frame):
            picture = np.ascontiguousarray(np.rot90(picture, quarter_turns(frame)))
        return picture


def quarter_turns(frame: av.VideoFrame) -> int:
    """Return how many times to turn the picture left by 90 degrees.

    Other angles are ignored, as in OpenCV.
    """
    return 0 if frame.rotation % 90 else frame.rotation // 90 % 4


def _video_stream(media: OpenMedia, path: Path) -> VideoStream:
    container = media.container
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise MediaError(f"{path}: cannot be opened (FFmpeg has no decoder for its pictures): {REMEDY}")
            media.check_size(stream.codec_context.width, stream.codec_context.height)
            if not stream.codec_context.width:  # a picture without a container
                media.check_size_in(media.opening)
            return stream
    what = "only audio" if container.streams.audio else "no video"
    raise MediaError(f"{path}: holds {what}; a file with a video stream is needed")
