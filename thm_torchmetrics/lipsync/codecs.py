"""Encode and decode pictures in memory, with the losses of published pipelines.

Each stage equals the output of its tool where that output is fixed; `tests/lipsync/test_codecs.py` compares them with
the tools themselves.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from PIL import Image

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.read_ahead import Picture

_FPS = Fraction(25)
_LARGEST_DENOMINATOR = 1001  # of a rate of pictures, as in 30000/1001
_QP_TO_LAMBDA = 118  # FFmpeg's unit of quality


def fixed_quality(quantiser: int) -> dict[str, str]:
    """Return the encoder's options for ``-qscale:v``, one quantiser for every picture."""
    return {"flags": "+qscale", "global_quality": str(quantiser * _QP_TO_LAMBDA)}


class _Encoder:
    """An encoder takes pictures of one size at a constant rate.

    It is opened with the first picture.
    """

    def __init__(self, codec: str, pixel_format: str, options: Mapping[str, str], fps: Fraction = _FPS) -> None:
        self._codec, self._pixel_format, self._options = codec, pixel_format, dict(options)
        self._tick = 1 / fps
        self._context: VideoCodecContext | None = None
        self._graph: Graph | None = None
        self._count = 0

    def __call__(self, frame: av.VideoFrame) -> av.Packet[VideoStream]:
        """Return the packet of the next picture, from an encoder that holds none back."""
        packets = self.packets(frame)
        if len(packets) != 1:
            raise MediaError(
                f"FFmpeg's encoder {self._codec} gave {len(packets)} packets for one picture; install another release "
                "of av"
            )
        return packets[0]

    def packets(self, frame: av.VideoFrame) -> list[av.Packet[VideoStream]]:
        """Return the packets that are ready after the next picture."""
        frame.pts, frame.time_base = self._count, self._tick
        frame = self._converted(frame)
        frame.pts, frame.time_base, frame.pict_type = self._count, self._tick, PictureType.NONE
        self._count += 1
        if self._context is None:
            self._context = self._opened(frame)
        return self._context.encode(frame)

    def rest(self) -> list[av.Packet[VideoStream]]:
        """Return the packets that were held back."""
        return [] if self._context is None else self._context.encode(None)

    def _opened(self, frame: av.VideoFrame) -> VideoCodecContext:
        context = cast(VideoCodecContext, av.CodecContext.create(self._codec, "w"))
        context.width, context.height, context.pix_fmt = frame.width, frame.height, self._pixel_format
        context.time_base, context.framerate = self._tick, 1 / self._tick
        context.options = self._options
        context.thread_count = 1  # with more, each picture is cut into slices, and the result depends on the machine
        return context

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Convert to the encoder's pixel format as ffmpeg does between decoder and encoder."""
        if self._graph is None:
            self._graph = Graph()
            source = self._graph.add(
                "buffer",
                f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={self._tick}"
                f":range={int(frame.color_range)}:colorspace={int(frame.colorspace)}",
            )
            levels = "pc" if self._pixel_format.startswith("yuvj") else "tv"
            wanted = f"pix_fmts={self._pixel_format}:color_ranges={levels}"
            source.link_to(convert := self._graph.add("format", wanted))
            convert.link_to(self._graph.add("buffersink"))
            self._graph.configure()
        self._graph.push(frame)
        converted = self._graph.pull()
        assert isinstance(converted, av.VideoFrame)  # noqa: S101  (the graph returns every frame)
        return converted


class Mpeg4:
    """Pass pictures through FFmpeg's MPEG-4 encoder and decoder, one by one.

    Args:
        options: options of the encoder.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._encode = _Encoder("mpeg4", "yuv420p", options)
        self._decoder = av.CodecContext.create("mpeg4", "r")
        self._decoder.thread_count = 1

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the next picture as the decoder gives it.

        Raises:
            MediaError: if FFmpeg does not give back one picture for one.
        """
        frames = self._decoder.decode(self._encode(frame))
        if len(frames) != 1:
            raise MediaError(
                f"FFmpeg's MPEG-4 decoder gave {len(frames)} pictures for one; install another release of av"
            )
        return frames[0]


class H264:
    """Pass pictures through x264 at ffmpeg's defaults (CRF 23, medium), and FFmpeg's decoder.

    They are encoded as they are stored, RGB as 4:2:0.
    """

    def __call__(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield the pictures as the decoder gives them, some time after they were taken.

        Raises:
            InputError: if a side is odd and the pixels have less chroma along it, which x264 refuses.
        """
        decoder = av.CodecContext.create("h264", "r")
        decoder.thread_count = 1
        encoder: _Encoder | None = None
        for frame in frames:
            if encoder is None:
                encoder = _x264(frame)
            for packet in encoder.packets(frame):
                yield from decoder.decode(packet)
        for packet in encoder.rest() if encoder else ():
            yield from decoder.decode(packet)
        yield from decoder.decode(None)


def _x264(first: av.VideoFrame) -> _Encoder:
    known = {each.name for each in av.Codec("libx264", "w").video_formats or ()}
    name = first.format.name if first.format.name in known else "yuv420p"
    pixels = av.VideoFormat(name, 16, 16)
    columns, rows = 16 // pixels.chroma_width(16), 16 // pixels.chroma_height(16)  # that share their chroma
    if first.width % columns or first.height % rows:
        raise InputError(
            f"frames of {first.width}x{first.height} cannot be encoded as H.264 ({name}), which needs even sides; cut "
            "off a row or a column, or take a protocol without H.264"
        )
    return _Encoder("libx264", name, {})


class Xvid:
    """Pass pictures through OpenCV's MPEG-4 writer and FFmpeg's decoder.

    The writer is a ``cv2.VideoWriter`` of fourcc XVID or mp4v at 25 pictures per second.

    Args:
        size: height and width.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        rate = 25 * size[0] * size[1]  # OpenCV sets one bit per pixel, and then half as much again
        rate += rate // 2
        self._recode = Mpeg4({"b": str(rate), "bt": str(rate), "g": "12", "qmin": "3"})
        self._reformat = VideoReformatter()

    def __call__(self, picture: Picture) -> av.VideoFrame:
        """Return the next picture ``(H, W, 3)``, RGB, uint8, as it is read from the file."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[..., ::-1]), format="bgr24")
        return self._recode(self._reformat.reformat(frame, format="yuv420p", interpolation="BICUBIC"))


class Jpeg:
    """Pass pictures through FFmpeg's JPEG encoder and libjpeg, which OpenCV and Pillow use.

    Args:
        quantiser: the value of ``-qscale:v``; default: FFmpeg's rate control at its default of 200 kb/s, under which
            the quality of a moving face falls within a second.
        fps: pictures per second, which share that rate; 25 in the crops of syncnet_python, the file's own in Wav2Lip's
            LRS script.
    """

    def __init__(self, quantiser: int | None = None, fps: float = 25.0) -> None:
        self._options = {} if quantiser is None else fixed_quality(quantiser)
        self._fps = Fraction(fps).limit_denominator(_LARGEST_DENOMINATOR)
        self._encode: _Encoder | None = None

    def __call__(self, frame: av.VideoFrame) -> Picture:
        """Return the next picture as it is read from its file, ``(H, W, 3)``, RGB, uint8."""
        if self._encode is None:
            chroma = next((chroma for chroma in ("444", "422") if chroma in frame.format.name), "420")
            self._encode = _Encoder("mjpeg", f"yuvj{chroma}p", self._options, self._fps)
        with Image.open(io.BytesIO(bytes(self._encode(frame)))) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
