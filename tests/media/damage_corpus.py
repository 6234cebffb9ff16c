"""Small media files of many formats by FFmpeg, and what can be wrong with them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.8")
NOISE = ("-f", "lavfi", "-i", "anoisesrc=sample_rate=44100:duration=1.5:seed=3:amplitude=0.3")
_H264 = ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", "-g", "8")
_HEVC = ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=8")

VIDEOS: dict[str, tuple[str, ...]] = {
    "h264.mp4": _H264,
    "front.mp4": (*_H264, "-movflags", "faststart"),
    "fragments.mp4": (*_H264, "-movflags", "frag_keyframe+empty_moov"),
    "hevc.mp4": _HEVC,
    "av1.mp4": ("-c:v", "libaom-av1", "-cpu-used", "8"),
    "h264.mov": _H264,
    "png.mov": ("-c:v", "png"),
    "h264.mkv": _H264,
    "ffv1.mkv": ("-c:v", "ffv1"),
    "vp8.webm": ("-c:v", "libvpx"),
    "vp9.webm": ("-c:v", "libvpx-vp9"),
    "live.webm": ("-c:v", "libvpx", "-live", "1"),
    "mpeg4.avi": ("-c:v", "mpeg4"),
    "h264.avi": _H264,
    "jpeg.avi": ("-c:v", "mjpeg"),
    "h264.ts": _H264,
    "camera.mts": (*_H264, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "mpeg1.mpg": ("-c:v", "mpeg1video"),
    "h264.flv": _H264,
    "a.wmv": ("-c:v", "wmv2"),
    "theora.ogv": ("-c:v", "libtheora"),
    "a.mxf": ("-c:v", "mpeg2video"),
    "a.y4m": ("-pix_fmt", "yuv420p"),
    "a.h264": _H264,
    "a.hevc": ("-c:v", "libx265", "-x265-params", "log-level=error"),
    "a.mjpeg": ("-f", "mjpeg"),
    "a.gif": (),
    "a.apng": ("-f", "apng"),
    "a.png": ("-frames:v", "1"),
    "a.jpg": ("-frames:v", "1"),
    "a.webp": ("-frames:v", "1"),
    "a.bmp": ("-frames:v", "1"),
    "a.tiff": ("-frames:v", "1"),
}
"""Options of FFmpeg by file."""

SOUNDS: dict[str, tuple[str, ...]] = {
    "a.wav": (),
    "float.wav": ("-c:a", "pcm_f32le"),
    "a.mp3": (),
    "a.flac": (),
    "vorbis.ogg": (),
    "flac.ogg": ("-c:a", "flac"),
    "a.opus": (),
    "aac.m4a": (),
    "a.aac": (),
    "a.aiff": (),
    "a.ac3": (),
    "a.wma": (),
    "a.w64": (),
    "a.caf": ("-c:a", "pcm_s16le"),
    "mp3.mka": ("-c:a", "libmp3lame"),
    "a.au": (),
    "a.tta": (),
    "a.wv": (),
}


def make(folder: Path, ffmpeg: Callable[..., None]) -> dict[str, Path]:
    """All files, by name."""
    for source, files in ((PICTURES, VIDEOS), (NOISE, SOUNDS)):
        for name, options in files.items():
            ffmpeg(*source, *options, folder / name)
    return {name: folder / name for name in (*VIDEOS, *SOUNDS)}


def damaged(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """Copies with one flipped bit, cut off, with a hole of zeros, and with a piece taken out."""
    rng = np.random.default_rng(seed)
    size, hole = len(data), max(8, len(data) // 25)
    for _ in range(2):
        copy = bytearray(data)
        copy[rng.integers(size // 10, size)] ^= 1 << rng.integers(8)
        yield "flip", bytes(copy)
    for tenth in (3, 8):
        yield "cut", data[: size * tenth // 10 + 1]
    start = rng.integers(size // 4, size - hole)
    yield "hole", data[:start] + bytes(hole) + data[start + hole :]
    yield "gone", data[:start] + data[start + hole :]
