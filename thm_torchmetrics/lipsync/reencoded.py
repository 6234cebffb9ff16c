"""Measure lip sync on re-encoded video, as the published scripts do.

syncnet_python's pipeline writes and reads an AVI file (MPEG-4, MP3, 25 frames per second); JPEG files of it, from which
faces are detected and cropped; an XVID file of the crops; and JPEG files of that, which SyncNet reads. Here the same
encoders and decoders work in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count, islice, pairwise
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

import av
import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.lipsync.codecs import Jpeg, Mpeg4, Xvid, fixed_quality
from thm_torchmetrics.lipsync.frame_rate import constant_rate, variable_rate, with_empty_ticks
from thm_torchmetrics.lipsync.protocols import LipSyncResult, Reencoding, Tracked, WholeFrames
from thm_torchmetrics.lipsync.sound import DecodedSound, SoundFrames, mp3
from thm_torchmetrics.lipsync.windows import SIDE, check_speech
from thm_torchmetrics.media.read_ahead import Picture
from thm_torchmetrics.media.video import Converter, quarter_turns

TimedFrames: TypeAlias = Iterator[tuple[av.VideoFrame, float, float]]
Item = TypeVar("Item")


@runtime_checkable
class DecodedSource(Protocol):
    """A `VideoSource` of this kind also gives its frames as they were decoded, before RGB."""

    def decoded(self) -> TimedFrames:
        """Yield the frames, each with its time and its duration in seconds."""


class ReencodedFrames(WholeFrames):
    """Protocol ``wav2lip-lrs-jpeg`` is ``wav2lip-lrs`` on JPEG files at the file's own rate.

    The files are those of ffmpeg at its default quality, 200 kb/s at that rate.
    """

    reads_chunks = False

    def finish(self) -> LipSyncResult:
        """Return the result of the clip."""
        fps = self._options.fps or self._clip.fps
        jpeg = Jpeg(fps=fps)
        pictures = (jpeg(frame) for frame, _ in constant_rate(as_decoded(self._clip, self._options.fps), fps))
        for batch in _batches(pictures, self._clip.chunk_length):
            self._add_frames(_tensor(batch, self._options.device))
        return super().finish()


class ReencodedTracks(Tracked):
    """Protocol ``syncnet-python`` is ``tracked`` on re-encoded video.

    It reads a clip twice. Cuts are detected in the AVI file, faces in the JPEG files, which are a few more. The
    pipeline counts both alike, so detected cuts are a few frames early.
    """

    reads_chunks = False

    def _read_sound(self, audio: Tensor, sample_rate: int) -> Tensor:
        sound = self._decoded_sound(audio, sample_rate)
        self._delay = sound.avi_delay  # the sound's early start moves the pictures
        return torch.from_numpy(mp3(self._muxed(sound.frames))).to(torch.float32)

    def _decoded_sound(self, audio: Tensor, sample_rate: int) -> DecodedSound:
        check_speech(audio, sample_rate)
        return DecodedSound(self._options.audio_source, audio, sample_rate, self._options.ffmpeg)

    def _muxed(self, sound: SoundFrames) -> SoundFrames:
        """Return the sound as it is in the video file that the pipeline reads."""
        return sound

    def finish(self) -> LipSyncResult:
        """Return the result of the clip."""
        convert = Converter()
        length = self._clip.chunk_length
        for batch in _batches(self._read(), length):
            avi = [convert(frame) for frame, _ in batch]
            self._finder.compare(_tensor(avi, self._options.device))
            # a picture that stays long is read many times
            for pictures in _batches((picture for _, read in batch for picture in read), length):
                self._finder.find(_tensor(pictures, self._options.device))
        return self._result()

    def _frames(self) -> Iterator[Tensor]:
        pictures = chain.from_iterable(read for _, read in self._read())
        for batch in _batches(pictures, self._clip.chunk_length):
            yield _tensor(batch, self._options.device)

    def _read(self) -> Iterator[tuple[av.VideoFrame, list[Picture]]]:
        """Yield each picture of the AVI file, with the JPEG files that are written at its turn."""
        mpeg4, jpeg = Mpeg4(fixed_quality(2)), Jpeg(2)

        def avi() -> Iterator[tuple[tuple[av.VideoFrame, Picture], int]]:
            frames = as_decoded(self._clip, self._options.fps)
            fps = self._options.fps or self._clip.fps
            ticks = variable_rate(frames, source_fps=fps) if self._options.ffmpeg == 4 else constant_rate(frames)
            for frame, tick in ticks:
                encoded = mpeg4(frame)
                yield (encoded, jpeg(encoded)), tick

        for (frame, _), read in with_empty_ticks(avi(), self._delay):
            yield frame, [picture for _, picture in read]

    def _reencoding(self) -> Reencoding:
        xvid, jpeg = Xvid((SIDE, SIDE)), Jpeg()

        def encode(crops: Tensor) -> Tensor:
            pictures = crops.permute(0, 2, 3, 1).cpu().numpy()
            return _tensor([jpeg(xvid(picture)) for picture in pictures], crops.device)

        return encode


def as_decoded(clip: Clip, fps: float | None = None) -> TimedFrames:
    """Yield a clip's frames as the decoder of its file gives them.

    They are RGB if the clip has no file or is shown rotated.

    Args:
        clip: the clip.
        fps: frames per second, used instead of the clip's own times.

    Yields:
        A frame, its time and its duration in seconds.
    """
    if fps is None and isinstance(clip.video_source, DecodedSource):
        convert = Converter()
        for frame, time, duration in clip.video_source.decoded():
            yield _rgb(convert(frame)) if quarter_turns(frame) else frame, time, duration
        return
    pictures = (picture for chunk in clip.chunks() for picture in chunk.as_uint8().permute(0, 2, 3, 1).cpu().numpy())
    step = 1 / (fps or clip.fps)
    given = None if fps else clip.times
    times = chain(given, [given[-1] + step]) if given else (i * step for i in count())
    for picture, (time, following) in zip(pictures, pairwise(times), strict=False):
        yield _rgb(picture), time, following - time


def _rgb(picture: Picture) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")


def _batches(items: Iterable[Item], length: int) -> Iterator[list[Item]]:
    items = iter(items)
    while batch := list(islice(items, length)):
        yield batch


def _tensor(pictures: list[Picture], device: torch.device) -> Tensor:
    """Return pictures as frames ``(n, 3, H, W)``."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(device)
