"""Read the audio of a file as one mono track at a given rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.container import clock_start, is_cut_off, open_media, reason
from thm_torchmetrics.media.pairing import VIDEO_SUFFIXES

Samples = npt.NDArray[np.int16]


def read_audio(path: Path | str, sample_rate: int = 16000, *, align_to_video: bool = True) -> Samples:
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

    Returns:
        Samples ``(S,)``, int16, -32768..32767.

    Raises:
        InputError: if the sample rate is not above 0.
        MediaError: if the file cannot be opened, has no audio or no samples, or is damaged or cut off.

    Example:
        >>> read_audio("talk.wav").shape  # doctest: +SKIP
        (160768,)
    """
    if sample_rate <= 0:
        raise InputError(f"sample_rate must be above 0 (16000 is what lip sync needs), got {sample_rate}")
    frames = SoundFile(Path(path)).decoded()
    first, start = next(frames)
    samples = mixed(chain([first], (frame for frame, _ in frames)), int(sample_rate))
    if not len(samples):
        raise MediaError(f"{path}: its audio stream has no samples; record or export it again")
    lead = round(start * sample_rate) if align_to_video else 0
    return np.concatenate([np.zeros(max(lead, 0), np.int16), samples[max(-lead, 0) :]])


@dataclass(frozen=True)
class SoundFile:
    """A sound file is the sound of an audio or video file, opened only when it is read.

    It is small and picklable. It is an `AudioSource`, so ``Clip(frames, audio=SoundFile(path))`` reads its sound on
    demand.

    Args:
        path: the file.
    """

    path: Path

    @property
    def origin(self) -> str:
        """Return ``own sound track`` for a video and ``audio file`` otherwise, for reports."""
        return "own sound track" if self.path.suffix.lower() in VIDEO_SUFFIXES else "audio file"

    def mono(self, sample_rate: int) -> Samples:
        """Return the samples ``(S,)``, as `read_audio` reads them."""
        return read_audio(self.path, sample_rate)

    def decoded(self) -> Iterator[tuple[av.AudioFrame, float]]:
        """Yield the sound as the decoder gives it, with the time at which the whole of it starts.

        The time is in seconds on the clock of `VideoFile.frames`; 0 for a file without video.

        Raises:
            MediaError: if the file cannot be opened, has no audio, or is damaged or cut off.
        """
        with open_media(self.path) as container:
            stream = container.streams.best("audio")
            if not isinstance(stream, AudioStream):
                raise MediaError(f"{self.path}: has no audio stream; give a wav file, or a video with sound")
            start: float | None = None
            for frame in _decoded(container, stream, self.path):
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


def _decoded(container: InputContainer, stream: AudioStream, path: Path) -> Iterator[av.AudioFrame]:
    """Yield the frames of a stream; raise an error where FFmpeg would stop early without one."""
    seconds = 0.0
    # PCM may end anywhere, with a packet that FFmpeg then calls corrupt; its header says whether samples are missing.
    pcm = stream.codec_context.name.startswith("pcm_")
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt and not pcm:
                raise MediaError(_broken(path, seconds, "the next packet is incomplete"))
            for frame in packet.decode():
                yield frame
                seconds += frame.samples / frame.sample_rate
    except av.error.FFmpegError as error:
        raise MediaError(_broken(path, seconds, reason(error))) from error
    if is_cut_off(path, stream):
        raise MediaError(_broken(path, seconds, "the rest of the file is missing"))


def _broken(path: Path, seconds: float, why: str) -> str:
    return f"{path}: its audio breaks off after {seconds:.2f} s ({why}); copy it again, or convert it to drop the rest"
