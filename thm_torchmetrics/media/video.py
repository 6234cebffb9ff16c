"""Read videos as frames with their times, with the pixels that OpenCV decodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.container import clock_start, is_cut_off, open_media, reason

Picture = npt.NDArray[np.uint8]
DecodedFrame: TypeAlias = av.VideoFrame
"""A frame as the decoder gives it, before it becomes RGB."""


@dataclass(frozen=True)
class VideoFile:
    """A video file is opened only when it is read; the object is small and picklable.

    It is a `VideoSource`, so ``Clip(VideoFile(path))`` is a clip that decodes on demand. Pixels equal those of
    OpenCV 5's `VideoCapture`, with which the published pipelines read, bit for bit: its decoder, its colour conversion,
    its rotation by the file's metadata. Sizes and rates come from the header and the first frame. The number of frames
    is known only after reading them, because headers are often wrong.

    Args:
        path: the file.
        every: keep every n-th frame only, from the first; ``fps`` remains the file's.

    Raises:
        InputError: if ``every`` is not a whole number of at least 1.
        MediaError: when it is first opened, if the file does not exist, cannot be read or holds no video.

    Example:
        >>> video = VideoFile("talk.mp4", every=5)
        >>> for picture, seconds in video.frames():  # doctest: +SKIP
        ...     print(picture.shape, seconds)
    """

    path: Path
    every: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise InputError(f"every must be a whole number of at least 1 (1 keeps all frames), got {self.every!r}")

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
    def has_audio(self) -> bool:
        """Return whether there is an audio stream."""
        return self._header.has_audio

    @property
    def estimated_frames(self) -> int | None:
        """Return an estimate of the number of frames, for a progress bar.

        It is None if the file does not say.
        """
        frames = self._header.estimated_frames
        return None if frames is None else -(-frames // self.every)

    def frames(self) -> Iterator[tuple[Picture, float]]:
        """Yield the frames in the order in which they are shown, each with its time.

        Yields:
            A picture ``(H, W, 3)``, RGB, uint8 0..255, and its presentation time in seconds on the file's clock, which
            starts with the file's earliest stream: a first frame later than 0 means that the audio starts earlier.
            Times are the file's own, also at a variable frame rate. A frame without a time comes one average interval
            after the frame before.

        Raises:
            MediaError: if the file cannot be opened or has no frames, is damaged or cut off (the message then gives the
                number of frames decoded so far), or changes its size.
        """
        convert = Converter()
        for frame, time, _ in self.decoded():
            yield convert(frame), time

    def decoded(self) -> Iterator[tuple[av.VideoFrame, float, float]]:
        """Yield the frames as the decoder gives them, not rotated.

        Yields:
            A frame, its time and its duration in seconds, the time as in `frames`.
        """
        with open_media(self.path) as container:
            stream = _video_stream(container, self.path)
            stream.thread_type = "AUTO"
            fps, start, tick = _rate(stream), clock_start(container), float(stream.time_base or 0)
            previous = start - 1.0 / fps
            for index, frame in enumerate(_decoded(container, stream, self.path)):
                time = previous + 1.0 / fps if frame.pts is None else frame.time
                previous = time
                if index == 0:
                    first = (frame.width, frame.height)
                elif (frame.width, frame.height) != first:
                    raise MediaError(
                        f"{self.path}: frame {index} is {frame.width}x{frame.height}, those before it are "
                        f"{first[0]}x{first[1]}; convert the video to one size"
                    )
                if index % self.every == 0:
                    yield frame, time - start, frame.duration * tick or 1.0 / fps

    @cached_property
    def _header(self) -> _Header:
        with open_media(self.path) as container:
            stream = _video_stream(container, self.path)
            fps = _rate(stream)
            duration = None if container.duration is None else container.duration / av.time_base
            frame = next(_decoded(container, stream, self.path))
            height, width = frame.height, frame.width
            return _Header(
                fps=fps,
                size=(width, height) if quarter_turns(frame) % 2 else (height, width),
                codec=stream.codec_context.codec.canonical_name,
                has_audio=bool(container.streams.audio),
                estimated_frames=stream.frames or (None if duration is None else round(duration * fps)),
            )


@dataclass(frozen=True)
class _Header:
    fps: float
    size: tuple[int, int]
    codec: str
    has_audio: bool
    estimated_frames: int | None


class Converter:
    """A converter turns frames into RGB arrays with OpenCV's pixels."""

    def __init__(self) -> None:
        self._to_bgr, self._to_rgb = VideoReformatter(), VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Picture:
        """Return the frame, rotated as its file says, ``(H, W, 3)``, uint8."""
        # OpenCV converts to BGR, with bicubic interpolation of the chroma planes, which shows for odd sizes and for
        # more than 8 bits. RGB made directly would differ, too: libswscale has faster, less exact code for BGR only.
        bgr = self._to_bgr.reformat(frame, format="bgr24", interpolation="BICUBIC")
        picture = np.asarray(self._to_rgb.reformat(bgr, format="rgb24").to_ndarray(), np.uint8)
        if quarter_turns(frame):
            picture = np.ascontiguousarray(np.rot90(picture, quarter_turns(frame)))
        return picture


def quarter_turns(frame: av.VideoFrame) -> int:
    """Return how many times to turn the picture left by 90 degrees.

    Other angles are ignored, as in OpenCV.
    """
    return 0 if frame.rotation % 90 else frame.rotation // 90 % 4


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    what = "only audio" if container.streams.audio else "no video"
    raise MediaError(f"{path}: holds {what}; a file with a video stream is needed")


def _rate(stream: VideoStream) -> float:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and float(rate) > 0:
            return float(rate)
    return 25.0


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[av.VideoFrame]:
    """Yield the frames of a stream; raise an error where FFmpeg hides damage or stops early."""
    count = 0
    try:
        for packet in container.demux(stream):
            for frame in stream.decode(None) if packet.is_corrupt else packet.decode():
                if frame.is_corrupt:
                    raise MediaError(_broken(path, count, "the next frame is damaged"))
                yield frame
                count += 1
            if packet.is_corrupt:  # after the frames that the decoder still held
                raise MediaError(_broken(path, count, "the next packet is incomplete"))
    except av.error.FFmpegError as error:
        raise MediaError(_broken(path, count, reason(error))) from error
    finally:
        # Waits for the decoder's threads without the GIL. PyAV frees them with the GIL held; where its logging is on
        # (torchvision up to 0.25 turns it on), a thread that logs damage needs the GIL, and the process would hang.
        if stream.codec_context is not None:  # None without a decoder
            stream.codec_context.flush_buffers()
    if is_cut_off(path, stream):
        raise MediaError(_broken(path, count, "the rest of the file is missing"))
    if not count:
        raise MediaError(f"{path}: the video stream has no frames; convert or export it again")


def _broken(path: Path, count: int, why: str) -> str:
    return f"{path}: breaks off after {count} decoded frames ({why}); copy it again, or convert it to drop the rest"
