"""Audio of a file, as one mono track at a wanted rate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import InputContainer

from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.media.container import clock_start, is_cut_off, open_media, reason

Samples = npt.NDArray[np.int16]


def read_audio(path: Path | str, sample_rate: int = 16000, *, align_to_video: bool = True) -> Samples:
    """The sound of an audio or video file, mono, as 16-bit samples.

    Channels are mixed and the rate is converted by libswresample, as by ``ffmpeg -ac 1 -ar 16000 -acodec pcm_s16le``:
    stereo becomes (L + R) / 2. Of several audio streams the one is taken that FFmpeg takes.

    Args:
        path: the file.
        sample_rate: samples per second of the result.
        align_to_video: put sample 0 at time 0 of the clock of `VideoFile.frames`: sound that starts 2.43 s after the
            pictures gets 2.43 s of silence at its front, sound that starts before time 0 loses what is earlier. False:
            the first sample is the first that the file has, and such sound leads the pictures (ffmpeg 7 and later do
            this by default; ffmpeg 4.2 with ``-async 1`` pads). A file without video starts at its first sample.

    Returns:
        Samples ``(S,)``, int16, -32768..32767.

    Raises:
        InputError: if the sample rate is not above 0.
        MediaError: if the file cannot be opened, has no audio or no samples, or is damaged or cut off.

    Example:
        >>> read_audio("talk.wav").shape  # doctest: +SKIP
        (160768,)
    """
    path = Path(path)
    if sample_rate <= 0:
        raise InputError(f"sample_rate must be above 0 (16000 is what lip sync needs), got {sample_rate}")
    with open_media(path) as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise MediaError(f"{path}: has no audio stream; give a wav file, or a video with sound")
        start, parts = _resampled(container, stream, path, int(sample_rate))
        if not sum(map(len, parts)):
            raise MediaError(f"{path}: its audio stream has no samples; record or export it again")
        if align_to_video and container.streams.video:
            lead = round((start - clock_start(container)) * sample_rate)
            parts = [np.zeros(max(lead, 0), np.int16), np.concatenate(parts)[max(-lead, 0) :]]
    return np.concatenate(parts)


def _resampled(container: InputContainer, stream: AudioStream, path: Path, rate: int) -> tuple[float, list[Samples]]:
    """The time of the first sample in seconds, and all samples, piece by piece."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    start, parts = None, []
    for frame in _decoded(container, stream, path):
        if start is None:
            start = 0.0 if frame.pts is None else frame.time
        parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return start or 0.0, parts


def _decoded(container: InputContainer, stream: AudioStream, path: Path) -> Iterator[av.AudioFrame]:
    """The frames of a stream; where FFmpeg would stop early without a word, an error."""
    seconds = 0.0
    # PCM may end anywhere, with a packet that FFmpeg then calls corrupt; its header tells whether samples are missing.
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
