"""Encode and decode sound in memory, with the losses and delays of published pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import TypeAlias, cast

import av
import numpy as np
import numpy.typing as npt
import torch
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from torch import Tensor

from thm_torchmetrics.core.clip import AudioSource
from thm_torchmetrics.lipsync.frame_rate import mp3_delay
from thm_torchmetrics.media.audio import Samples, SoundFile, mixed

SoundFrames: TypeAlias = Iterable[av.AudioFrame]

_AAC_DELAY = 1024  # samples that FFmpeg's encoder puts in front
_HELD = 3  # frames of 1024 samples; the encoder adds less than that at the end


class DecodedSound:
    """The sound of a clip as it is decoded, before it is mixed or converted.

    Args:
        source: the source of the sound; a `SoundFile` is read with its own channels and rate.
        audio: the samples if there is no such file, ``(S,)``, int16 or float -1..1.
        sample_rate: rate of the samples in Hz.
        ffmpeg: 4: sound that starts late gets silence at its front; 7: it is moved to the front.

    Attributes:
        frames: the sound, to be read once.
        sample_rate: its rate in Hz.
        late: seconds by which it starts after the pictures and gets no silence.
    """

    def __init__(self, source: AudioSource | None, audio: Tensor, sample_rate: int, ffmpeg: int) -> None:
        self.frames: SoundFrames
        self.sample_rate, self.late = int(sample_rate), 0.0
        if not isinstance(source, SoundFile):
            samples = audio if audio.dtype == torch.int16 else audio.to(torch.float32)
            self.frames = sound_frames(samples.cpu().numpy(), self.sample_rate)
            return
        decoded = source.decoded()
        first, late = next(decoded)
        self.sample_rate = first.sample_rate
        self.frames = chain([first], (frame for frame, _ in decoded))
        if ffmpeg == 7:
            self.late = late
        elif late > 0:
            self.frames = after_silence(self.frames, late)

    @property
    def avi_delay(self) -> int:
        """Return the frames of 40 ms by which it moves the pictures of an AVI file, where it is MP3."""
        return mp3_delay(mp3_rate(self.sample_rate), self.late)


def mp3(frames: SoundFrames, sample_rate: int = 16000) -> Samples:
    """Pass sound through the MP3 encoder LAME at its default bit rate, and FFmpeg's decoder.

    The result is late by `frame_rate.MP3_DELAY` samples. Rates that MP3 lacks are converted to the nearest, more than
    two channels to two, as ffmpeg does.

    Args:
        frames: the sound as it was decoded.
        sample_rate: rate of the result, which is mono as ``ffmpeg -ac 1`` mixes it.

    Returns:
        Samples ``(S,)``, int16.
    """
    return mixed(_passed(frames, _lame, "mp3float"), sample_rate)


def aac(frames: SoundFrames) -> Iterator[av.AudioFrame]:
    """Pass sound through FFmpeg's AAC encoder at its default bit rate, and its decoder, as in an mp4 file.

    The file states the sound's length, and the decoder drops what the encoder adds in front and at the end; FFmpeg
    keeps what is added at the end before version 9. Rates that AAC lacks are converted to the nearest.

    Args:
        frames: the sound as it was decoded.

    Yields:
        The sound, as long as before.
    """
    seconds = Fraction(0)

    def counted() -> Iterator[av.AudioFrame]:
        nonlocal seconds
        for frame in frames:
            seconds += Fraction(frame.samples, frame.sample_rate)
            yield frame

    position = 0
    held: list[av.AudioFrame] = []  # what the encoder added at the end lies in the last frames
    for frame in _passed(counted(), _aac, "aac"):
        held.append(frame)
        if len(held) > _HELD:
            yield from _part(held[0], max(0, _AAC_DELAY - position), held[0].samples)
            position += held.pop(0).samples
    for frame in held:
        end = round(seconds * frame.sample_rate) + _AAC_DELAY
        yield from _part(frame, max(0, _AAC_DELAY - position), min(frame.samples, end - position))
        position += frame.samples


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
    return _nearest_rate("libmp3lame", sample_rate)


def _passed(
    frames: SoundFrames, opened: Callable[[av.AudioFrame], AudioCodecContext], decoder_name: str
) -> Iterator[av.AudioFrame]:
    """Encode sound, with the encoder that is opened for its first frame, and decode it."""
    decoder = cast(AudioCodecContext, av.CodecContext.create(decoder_name, "r"))
    decoder.options = {"flags2": "+skip_manual"}  # keeps the encoder's delay, which AVI files do not record
    encoder: AudioCodecContext | None = None
    for frame in frames:
        if encoder is None:
            encoder = opened(frame)
            if encoder.extradata:
                decoder.extradata = encoder.extradata
        frame.pts = None
        for packet in encoder.encode(frame):
            yield from decoder.decode(packet)
    for packet in encoder.encode(None) if encoder else ():
        yield from decoder.decode(packet)
    yield from decoder.decode(None)


_PLANAR = {"u8": "s16p", "s16": "s16p", "s32": "s32p"}  # ffmpeg's choice among the formats that LAME takes


def _lame(first: av.AudioFrame) -> AudioCodecContext:
    encoder = _encoder("libmp3lame", first.sample_rate)
    encoder.layout = "mono" if first.layout.nb_channels == 1 else "stereo"
    encoder.format = _PLANAR.get(first.format.name.removesuffix("p"), "fltp")
    return encoder


def _aac(first: av.AudioFrame) -> AudioCodecContext:
    encoder = _encoder("aac", first.sample_rate)
    is_known = first.layout.nb_channels > 2 and "channels" not in first.layout.name
    encoder.layout = first.layout.name if is_known else "mono" if first.layout.nb_channels == 1 else "stereo"
    encoder.format = "fltp"
    encoder.flags |= Flags.global_header
    encoder.open()
    return encoder


def _encoder(name: str, sample_rate: int) -> AudioCodecContext:
    encoder = cast(AudioCodecContext, av.CodecContext.create(name, "w"))
    encoder.sample_rate = _nearest_rate(name, sample_rate)
    encoder.time_base = Fraction(1, encoder.sample_rate)
    encoder.bit_rate = 0  # its default
    return encoder


def _nearest_rate(codec: str, sample_rate: int) -> int:
    rates: Iterable[int] = av.Codec(codec, "w").audio_rates or ()
    return min(rates, key=lambda rate: abs(rate - sample_rate))


def _part(frame: av.AudioFrame, start: int, stop: int) -> Iterator[av.AudioFrame]:
    """Yield the samples of a frame of AAC from ``start`` to before ``stop``, if there are any."""
    if start < stop:
        rows = np.ascontiguousarray(frame.to_ndarray()[:, start:stop], np.float32)
        part = av.AudioFrame.from_ndarray(rows, frame.format.name, frame.layout.name)
        part.sample_rate = frame.sample_rate
        yield part
