"""Write arrays to H.264 videos with sound, and to WAV files."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from numbers import Integral, Real
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.container import reason

_TICK = Fraction(1, 90000)
"""Unit of frame times in seconds; frames of 24, 25, 30, 50 and 60 per second are whole numbers of it apart."""


def write_video(
    path: Path | str,
    frames: Iterable[npt.NDArray[np.uint8]],
    fps: float = 25.0,
    *,
    audio: npt.NDArray[np.generic] | None = None,
    sample_rate: int = 16000,
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    codec_options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Write frames, and sound if it is given, to a video file.

    Args:
        path: the file; its suffix chooses the container (mp4, mov, mkv, avi, ...).
        frames: pictures ``(H, W, 3)``, RGB, uint8, all of one size.
        fps: frames per second.
        audio: ``(S,)``, mono, int16 or float -1..1; encoded as AAC (as MP3 in avi).
        sample_rate: samples per second of the audio.
        times: presentation time of each frame in seconds, increasing, for a variable frame rate; ``fps`` is then only
            the rate in the header. Not for avi, which stores no times.
        codec: FFmpeg's name of the video encoder.
        pixel_format: format of the stored pictures; ``yuv420p``, which every player shows, needs even sizes.
        codec_options: options of the encoder; for ``libx264`` a constant rate factor of 12 by default.
        container_options: options of the container, such as ``{"movflags": "faststart"}``.

    Raises:
        InputError: if there are no frames; if a frame is not such a picture, or of another size than the first, or of
            an odd size; if a rate is not above 0; if the times are fewer than the frames or do not increase; or if the
            audio is not mono int16 or float.
        MediaError: if the file cannot be written, or FFmpeg has no such container, encoder or pixel format.

    Example:
        >>> grey = np.full((64, 64, 3), 128, np.uint8)
        >>> write_video("grey.mp4", [grey] * 25)  # doctest: +SKIP
        PosixPath('grey.mp4')
    """
    path = Path(path)
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise InputError(f"{path}: there are no frames to write; give at least one")
    _check_picture(first, first)
    if codec == "libx264" and pixel_format == "yuv420p" and any(side % 2 for side in first.shape[:2]):
        raise InputError(f"{path}: {pixel_format} needs an even height and width, got {first.shape[:2]}")
    _check_rates(fps, sample_rate)
    samples = None if audio is None else _int16(audio)
    defaults = {"crf": "12", "preset": "veryfast"} if codec == "libx264" else {}
    with (
        _writing(path),
        av.open(str(path.absolute()), "w", options=dict(container_options or {})) as container,
    ):
        rate = Fraction(fps).limit_denominator(1001)
        video = cast(VideoStream, container.add_stream(codec, rate=rate, options=defaults | dict(codec_options or {})))
        video.height, video.width = first.shape[:2]
        video.pix_fmt = pixel_format
        video.codec_context.time_base = 1 / rate if times is None else _TICK
        if samples is not None:
            sound = container.add_stream("mp3" if path.suffix == ".avi" else "aac", rate=sample_rate)
            _write_sound(container, sound, samples)  # written first; the container interleaves it
        for index, picture in enumerate(chain([first], pictures)):
            _check_picture(picture, first)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.time_base = video.codec_context.time_base
            frame.pts = index if times is None else _ticks(times, index)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def write_wav(path: Path | str, audio: npt.NDArray[np.generic], sample_rate: int = 16000) -> Path:
    """Write mono sound ``(S,)``, int16 or float -1..1, as 16-bit PCM.

    Raises:
        InputError: if the audio is of another shape or dtype, or the rate is not above 0.
        MediaError: if the file cannot be written.
    """
    path, samples = Path(path), _int16(audio)
    _check_rates(1, sample_rate)
    with _writing(path), path.open("wb") as target, wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Name the file in the errors of FFmpeg and the system."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, OverflowError, struct.error, wave.Error, av.error.FFmpegError) as error:
        raise MediaError(
            f"{path}: cannot be written ({reason(error)}); check that the folder exists and takes files, and that "
            "FFmpeg has this container, encoder and pixel format"
        ) from error


def _check_rates(fps: float, sample_rate: int) -> None:
    if not (isinstance(fps, Real) and math.isfinite(fps) and fps > 0):
        raise InputError(f"fps must be a number above 0, got {fps!r}")
    if not (isinstance(sample_rate, Integral) and sample_rate > 0):
        raise InputError(f"sample_rate must be a whole number above 0, got {sample_rate!r}")


def _write_sound(container: OutputContainer, stream: AudioStream, samples: npt.NDArray[np.int16]) -> None:
    stream.layout = "mono"
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = stream.sample_rate
    frame.time_base = Fraction(1, stream.sample_rate)
    frame.pts = 0  # without a time the encoder's delay is not marked, and the sound comes late
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _check_picture(picture: npt.NDArray[np.uint8], first: npt.NDArray[np.uint8]) -> None:
    if not isinstance(picture, np.ndarray):
        raise InputError(f"a frame must be a NumPy array (H, W, 3), RGB, uint8, got {type(picture).__name__}")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise InputError(f"a frame must be uint8 (H, W, 3), RGB, got {picture.dtype} {picture.shape}")
    if picture.shape != first.shape:
        raise InputError(f"frames must have one size, got {first.shape[:2]} and then {picture.shape[:2]}")


def _ticks(times: Sequence[float], index: int) -> int:
    if index >= len(times):
        raise InputError(f"there are more frames than times, of which there are {len(times)}; give one per frame")
    if not math.isfinite(times[index]) or (index and times[index] <= times[index - 1]):
        raise InputError(
            f"times must be finite and increase, got {times[max(index - 1, 0)]:g} and then {times[index]:g} s"
        )
    return round(times[index] / _TICK)


def _int16(audio: npt.NDArray[np.generic]) -> npt.NDArray[np.int16]:
    if not isinstance(audio, np.ndarray):
        raise InputError(f"audio must be a NumPy array (S,), int16 or float -1..1, got {type(audio).__name__}")
    if audio.ndim != 1 or not (audio.dtype == np.int16 or np.issubdtype(audio.dtype, np.floating)):
        raise InputError(f"audio must be mono (S,), int16 or float -1..1, got {audio.dtype} {audio.shape}")
    if audio.dtype == np.int16:
        return audio.astype(np.int16)
    if not np.isfinite(audio).all():
        raise InputError("audio holds NaN or infinity; replace it, for example by numpy.nan_to_num")
    return np.clip(np.rint(audio.astype(np.float64) * 32768.0), -32768, 32767).astype(np.int16)
