"""Encode and decode pictures and sound in memory, with the losses of published pipelines.

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
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from PIL import Image

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.audio import Samples, mixed
from thm_torchmetrics.media.video import Picture

_TICK = Fraction(1, 25)
_QP_TO_LAMBDA = 118  # FFmpeg's unit of quality


def fixed_quality(quantiser: int) -> dict[str, str]:
    """Return the encoder's options for ``-qscale:v``, one quantiser for every picture."""
    return {"flags": "+qscale", "global_quality": str(quantiser * _QP_TO_LAMBDA)}


class _Encoder:
    """An encoder gives one packet for every picture.

    It is opened with the first picture, whose size all others must have.
    """

    def __init__(self, codec: str, pixel_format: str, options: Mapping[str, str]) -> None:
        self._codec, self._pixel_format, self._options = codec, pixel_format, dict(options)
        self._context: VideoCodecContext | None = None
        self._graph: Graph | None = None
        self._count = 0

    def __call__(self, frame: av.VideoFrame) -> av.Packet[VideoStream]:
        frame.pts, frame.time_base = self._count, _TICK
        frame = self._converted(frame)
        frame.pts, frame.time_base, frame.pict_type = self._count, _TICK, PictureType.NONE
        self._count += 1
        if self._context is None:
            self._context = self._opened(frame)
        packets = self._context.encode(frame)
        if len(packets) != 1:
            raise MediaError(f"FFmpeg's encoder {self._codec} gave {len(packets)} packets for one picture")
        return packets[0]

    def _opened(self, frame: av.VideoFrame) -> VideoCodecContext:
        context = cast(VideoCodecContext, av.CodecContext.create(self._codec, "w"))
        context.width, context.height, context.pix_fmt = frame.width, frame.height, self._pixel_format
        context.time_base, context.framerate = _TICK, 1 / _TICK
        context.options = self._options
        context.thread_count = 1  # with more, each picture is cut into slices, and the result depends on the machine
        return context

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Convert to the encoder's pixel format as ffmpeg does between decoder and encoder."""
        if self._graph is None:
            self._graph = Graph()
            source = self._graph.add(
                "buffer",
                f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={_TICK}"
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
            raise MediaError(f"FFmpeg's MPEG-4 decoder gave {len(frames)} pictures for one")
        return frames[0]


class Xvid:
    """Pass pictures through OpenCV's XVID writer and FFmpeg's decoder.

    The writer is a ``cv2.VideoWriter`` of fourcc XVID at 25 pictures per second.

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
    """

    def __init__(self, quantiser: int | None = None) -> None:
        self._options = {} if quantiser is None else fixed_quality(quantiser)
        self._encode: _Encoder | None = None

    def __call__(self, frame: av.VideoFrame) -> Picture:
        """Return the next picture as it is read from its file, ``(H, W, 3)``, RGB, uint8."""
        if self._encode is None:
            chroma = next((chroma for chroma in ("444", "422") if chroma in frame.format.name), "420")
            self._encode = _Encoder("mjpeg", f"yuvj{chroma}p", self._options)
        with Image.open(io.BytesIO(bytes(self._encode(frame)))) as image:
            return np.asarray(image.convert("RGB"), np.uint8)


def mp3(frames: Iterable[av.AudioFrame], sample_rate: int = 16000) -> Samples:
    """Pass sound through the MP3 encoder LAME at its default bit rate, and FFmpeg's decoder.

    The result is late by `frame_rate.MP3_DELAY` samples. Rates that MP3 lacks are converted to the nearest, more than
    two channels to two, as ffmpeg does.

    Args:
        frames: the sound as it was decoded.
        sample_rate: rate of the result, which is mono as ``ffmpeg -ac 1`` mixes it.

    Returns:
        Samples ``(S,)``, int16.
    """
    decoder = cast(AudioCodecContext, av.CodecContext.create("mp3float", "r"))
    decoder.options = {"flags2": "+skip_manual"}  # keeps the encoder's delay, which AVI files do not record
    encoder: AudioCodecContext | None = None

    def decoded() -> Iterable[av.AudioFrame]:
        nonlocal encoder
        for frame in frames:
            if encoder is None:
                encoder = _lame(frame)
            frame.pts = None
            for packet in encoder.encode(frame):
                yield from decoder.decode(packet)
        for packet in encoder.encode(None) if encoder else ():
            yield from decoder.decode(packet)
        yield from decoder.decode(None)

    return mixed(decoded(), sample_rate)


def sound_frames(samples: npt.NDArray[np.generic], sample_rate: int) -> Iterator[av.AudioFrame]:
    """Yield samples ``(S,)``, mono, int16 or float32 -1..1, in frames like a decoder's."""
    for start in range(0, len(samples), sample_rate):
        part = np.ascontiguousarray(samples[None, start : start + sample_rate])
        frame = av.AudioFrame.from_ndarray(part, "s16" if part.dtype == np.int16 else "flt", "mono")
        frame.sample_rate = sample_rate
        yield frame


def after_silence(frames: Iterable[av.AudioFrame], seconds: float) -> Iterator[av.AudioFrame]:
    """Yield sound with silence in front."""
    for index, frame in enumerate(frames):
        if not index:
            rows, per_sample = frame.to_ndarray(), frame.to_ndarray().shape[1] // frame.samples
            size = (len(rows), round(seconds * frame.sample_rate) * per_sample)
            silence = np.full(size, 128 if rows.dtype == np.uint8 else 0, rows.dtype)
            quiet = av.AudioFrame.from_ndarray(silence, frame.format.name, frame.layout.name)
            quiet.sample_rate = frame.sample_rate
            yield quiet
        yield frame


def mp3_rate(sample_rate: int) -> int:
    """Return the nearest rate that MP3 can store."""
    rates: Iterable[int] = av.Codec("libmp3lame", "w").audio_rates or ()
    return min(rates, key=lambda rate: abs(rate - sample_rate))


_PLANAR = {"u8": "s16p", "s16": "s16p", "s32": "s32p"}  # ffmpeg's choice among the formats that LAME takes


def _lame(first: av.AudioFrame) -> AudioCodecContext:
    encoder = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate = mp3_rate(first.sample_rate)
    encoder.time_base = Fraction(1, encoder.sample_rate)
    encoder.layout = "mono" if first.layout.nb_channels == 1 else "stereo"
    encoder.format = _PLANAR.get(first.format.name.removesuffix("p"), "fltp")
    encoder.bit_rate = 0  # LAME's default
    return encoder
