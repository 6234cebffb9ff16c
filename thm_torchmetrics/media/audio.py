"""Read the audio of a file as one mono track at a given rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.clock import clock_start, duration_of
from thm_torchmetrics.media.container import REMEDY, open_media, reason
from thm_torchmetrics.media.decoding import StreamReader

Samples = npt.NDArray[np.int16]

MAX_LEAD = 60.0
"""Seconds by which sound may start after the pictures; what comes before it is filled with silence."""

_RATES = range(1000, 768001)  # Hz, of sound as it is stored; a lower one would grow without bound when converted
_LONGEST_PADDING = 0.2  # seconds; where a header lies by more, all samples count


def read_audio(
    path: Path | str, sample_rate: int = 16000, *, align_to_video: bool = True, max_lead: float = MAX_LEAD
) -> Samples:
    """Read the sound of an audio or video file as mono 16-bit samples.

    Channels are mixed and the rate is converted by libswresample, as by ``ffmpeg -ac 1 -ar 16000 -acodec pcm_s16le``:
    stereo becomes (L + R) / 2. Of several audio streams FFmpeg's choice is taken.

    Args:
        path: the file.
        sample_rate: samples per second of the result.
        align_to_video: put sample 0 at time 0 of the clock of `VideoFile.frames`. Sound that starts 2.43 s after the
            pictures gets 2.43 s of silence at its front; sound that starts before time 0 is cut there. False: sample 0
            is the first sample of the file, and late sound leads the pictures (the default of ffmpeg 7 and later;
            ffmpeg 4.2 with ``-async 1`` pads). A file without video starts at its first sample.
        max_lead: seconds of silence that may be put in front, 60 by default. The limit keeps a broken clock from
            filling the memory.

    Returns:
        Samples ``(S,)``, int16, -32768..32767.

    Raises:
        InputError: if the sample rate is not above 0, or above 768 kHz.
        MediaError: if the file cannot be opened, has no audio or no samples, is damaged or cut off, changes its rate or
            channels, has a rate outside 1..768 kHz, or starts too late.

    Example:
        >>> read_audio("talk.wav").shape  # doctest: +SKIP
        (160768,)
    """
    if not 0 < sample_rate <= _RATES[-1]:
        raise InputError(
            f"sample_rate must be above 0 and at most {_RATES[-1]} (16000 is what lip sync needs), got {sample_rate}"
        )
    frames = SoundFile(Path(path)).decoded()
    first, start = next(frames)
    if align_to_video and start > max_lead:
        raise MediaError(
            f"{path}: its sound starts {start:.1f} s after its pictures, more than {max_lead:g} s, the limit that "
            "keeps a broken clock from filling the memory; convert the file, or raise `read_audio(max_lead=)`"
        )
    try:
        samples = mixed(chain([first], (frame for frame, _ in frames)), int(sample_rate))
    except (OSError, ValueError, av.error.FFmpegError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(
            f"{path}: its sound of {first.layout.nb_channels} channels cannot be converted to {sample_rate} Hz "
            f"({reason(error)}); export it with one channel or two"
        ) from error
    if not len(samples):
        raise MediaError(f"{path}: its sound is shorter than one sample at {sample_rate} Hz; record or export it again")
    lead = round(start * sample_rate) if align_to_video else 0
    return np.concatenate([np.zeros(max(lead, 0), np.int16), samples[max(-lead, 0) :]])


@dataclass(frozen=True)
class SoundFile:
    """A sound file is the sound of an audio or video file, opened only when it is read.

    It is small and picklable. It is an `AudioSource`, so ``Clip(frames, audio=SoundFile(path))`` reads its sound on
    demand.

    Args:
        path: the file.
        own_track: whether it is the track of the clip's own video.
    """

    path: Path
    own_track: bool = False

    @property
    def origin(self) -> str:
        """Return ``own sound track`` or ``audio file``, for reports."""
        return "own sound track" if self.own_track else "audio file"

    def mono(self, sample_rate: int) -> Samples:
        """Return the samples ``(S,)``, as `read_audio` reads them."""
        return read_audio(self.path, sample_rate)

    @property
    def duration(self) -> float | None:
        """Return the length of the sound in seconds as the container states it; None if it does not.

        Raises:
            MediaError: if the file cannot be opened or has no audio.
        """
        with open_media(self.path) as media:
            return duration_of(media.container, _audio_stream(media.container, self.path))

    def decoded(self) -> Iterator[tuple[av.AudioFrame, float]]:
        """Yield the sound as the decoder gives it, with the time at which the whole of it starts.

        The time is in seconds on the clock of `VideoFile.frames`; 0 for a file without video. What an AAC encoder adds
        is left out, as far as the file tells: the frame before the sound in raw AAC (``.aac``), and the samples after
        the end that mp4 and mov state.

        Raises:
            MediaError: if the file cannot be opened, has no audio, is damaged or cut off, changes its rate or channels,
                or has a rate outside 1..768 kHz.
        """
        with open_media(self.path) as media:
            container = media.container
            stream = _audio_stream(container, self.path)
            frames = _checked(self.path, StreamReader(media, stream, stream.decode))
            start: float | None = None
            for frame in _without_padding(container, stream, frames):
                if start is None:
                    start = (frame.time or 0.0) - clock_start(container) if container.streams.video else 0.0
                yield frame, start
            if start is None:
                raise MediaError(f"{self.path}: its audio stream has no samples; record or export it again")


def mixed(frames: Iterable[av.AudioFrame], sample_rate: int) -> Samples:
    """Mix sound to one track ``(S,)`` at a rate, int16.

    libswresample converts it, as by ``ffmpeg -ac 1 -ar``.
    """
    resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate)
    parts = [np.zeros(0, np.int16)]
    for frame in frames:
        parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(parts)


def _audio_stream(container: InputContainer, path: Path) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise MediaError(f"{path}: has no audio stream; give a wav file, or a video with sound")
    if stream.codec_context is None:
        raise MediaError(f"{path}: cannot be opened (FFmpeg has no decoder for its sound): {REMEDY}")
    return stream


def _checked(path: Path, reader: StreamReader[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """Yield the frames of one rate and layout."""
    kind = None
    for frame, _ in reader.frames():
        if frame.sample_rate not in _RATES:
            raise MediaError(
                f"{path}: its sound has {frame.sample_rate:,} samples per second; 1,000 to 768,000 can be read; the "
                "header may be wrong, so export it again"
            )
        if kind is None:
            kind = frame.sample_rate, frame.layout.name
        elif kind != (frame.sample_rate, frame.layout.name):
            raise MediaError(
                f"{path}: its sound changes after {reader.seconds:.2f} s from {kind[0]} Hz {kind[1]} to "
                f"{frame.sample_rate} Hz {frame.layout.name}; convert it to one rate and layout"
            )
        yield frame


def _without_padding(
    container: InputContainer, stream: AudioStream, frames: Iterator[av.AudioFrame]
) -> Iterator[av.AudioFrame]:
    """Yield the frames without what an AAC encoder added.

    An encoder puts a frame or more before the sound and fills the last one. Raw AAC does not say so; there the first
    frame is dropped, since every encoder adds at least that. mp4 and mov state the length of the sound. FFmpeg heeds it
    at the end from version 9 on; here it is heeded under all versions.
    """
    if stream.codec_context.codec.canonical_name != "aac":
        return frames
    if container.format.name == "aac":
        return islice(frames, 1, None)
    stated = duration_of(container, stream) if "mov" in container.format.name.split(",") else None
    return frames if stated is None else _until(frames, stated)


def _until(frames: Iterator[av.AudioFrame], seconds: float) -> Iterator[av.AudioFrame]:
    """Yield the frames up to a length; all of them if there is so much more that the length must be wrong."""
    count = end = 0
    late: list[av.AudioFrame] = []
    for frame in frames:
        count, end = count + frame.samples, round(seconds * frame.sample_rate)
        if count <= end:
            yield frame
            continue
        late.append(frame)
        if count - end > _LONGEST_PADDING * frame.sample_rate:
            yield from late
            yield from frames
            return
    kept = end - (count - sum(frame.samples for frame in late))
    if kept > 0 and late:
        yield _front(late[0], kept)


def _front(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    """Return the first samples of a frame of planes, as AAC is decoded to."""
    front = av.AudioFrame.from_ndarray(frame.to_ndarray()[:, :samples], frame.format.name, frame.layout.name)
    front.sample_rate, front.pts, front.time_base = frame.sample_rate, frame.pts, frame.time_base
    return front
