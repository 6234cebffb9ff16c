"""A clip and its chunks: what travels through every metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from itertools import islice
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import CHUNK_FRAMES, CHUNK_VALUES, Chunk
from thm_torchmetrics.errors import InputError


@runtime_checkable
class VideoSource(Protocol):
    """Something that yields its frames on demand, again and again; `media.VideoFile` is one."""

    @property
    def fps(self) -> float:
        """Average frames per second."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:
        """The frames, RGB uint8 ``(H, W, 3)``, each with its presentation time in seconds."""


@runtime_checkable
class AudioSource(Protocol):
    """Something that knows where its sound comes from; `media.audio.SoundFile` is one."""

    def mono(self, sample_rate: int) -> np.ndarray:
        """Samples ``(S,)``, int16, one track at this rate."""


class Clip:
    """One video clip: frames (a tensor, or a source that decodes on demand), frame rate, audio and a name.

    Args:
        frames: ``(T, 3, H, W)``, RGB, uint8 0..255 or float 0..1 (the dtype decides), or a `VideoSource`.
        fps: frames per second; a source knows its own.
        audio: ``(S,)``, mono, float -1..1 or int16, or a `AudioSource`, which is read at once.
        sample_rate: samples per second of the audio; a source is read at this rate.
        key: name of the clip in reports and errors.
        times: presentation time of each frame of a tensor, in seconds; default: by ``fps``.

    Attributes:
        source: the `VideoSource` that the frames are, or were read from; None for a tensor of the caller's.
        sound: the `AudioSource` of the audio, None for a tensor of the caller's.

    Raises:
        InputError: if the shape or dtype is none of the above, or there are not as many times as frames.
        MediaError: if a source's sound cannot be read.

    Example:
        >>> import torch
        >>> clip = Clip(torch.zeros(100, 3, 64, 64, dtype=torch.uint8), key="demo")
        >>> [len(chunk) for chunk in clip.chunks()]
        [64, 36]
    """

    def __init__(
        self,
        frames: Tensor | VideoSource,
        *,
        fps: float | None = None,
        audio: Tensor | AudioSource | None = None,
        sample_rate: int = 16000,
        key: str = "",
        times: Sequence[float] = (),
    ) -> None:
        if isinstance(frames, Tensor):
            _check_layout(frames, "frames")
            if times and len(times) != len(frames):
                raise InputError(f"there are {len(times)} times for {len(frames)} frames")
        elif not isinstance(frames, VideoSource):
            raise InputError(
                f"a Clip takes a tensor (T, 3, H, W) or a video source such as media.VideoFile, got {type(frames)}"
            )
        self.frames = frames
        self.video_source = None if isinstance(frames, Tensor) else frames
        self.fps = fps or (25.0 if isinstance(frames, Tensor) else frames.fps)
        self.sample_rate = sample_rate
        self.audio_source: AudioSource | None = None
        self._audio: Tensor | None = None
        if audio is None or isinstance(audio, Tensor):
            self._audio = audio
        else:
            self.read_audio(audio)
        self.key = key
        self.times = times
        self._chunks: dict[int, list[Chunk]] = {}

    def __repr__(self) -> str:
        what = tuple(self.frames.shape) if isinstance(self.frames, Tensor) else self.frames
        return f"Clip({what}, fps={self.fps:g}, key={self.key!r})"

    @property
    def audio(self) -> Tensor | None:
        """The samples ``(S,)``; those that are set from outside have no `sound` behind them."""
        return self._audio

    @audio.setter
    def audio(self, samples: Tensor | None) -> None:
        self._audio, self.audio_source = samples, None

    def read_audio(self, sound: AudioSource) -> None:
        """Read the clip's audio from a source.

        Raises:
            MediaError: if the source's file cannot be read.
        """
        self._audio, self.audio_source = torch.from_numpy(sound.mono(self.sample_rate)), sound

    @property
    def length(self) -> int | None:
        """Number of frames; None for a source, which has to be read to know."""
        return self.frames.shape[0] if isinstance(self.frames, Tensor) else None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""
        if not isinstance(self.frames, Tensor):
            return self.frames.size
        height, width = self.frames.shape[-2:]
        return height, width

    @property
    def chunk_length(self) -> int:
        """How many frames a chunk holds by default: as many as keep it small."""
        height, width = self.size
        return max(1, min(CHUNK_FRAMES, CHUNK_VALUES // (3 * height * width)))

    def chunks(self, length: int | None = None) -> Iterator[Chunk]:
        """The clip from the start, chunk by chunk; those of a tensor live, with their features, as long as the clip."""
        length = length or self.chunk_length
        if isinstance(self.frames, Tensor):
            if length not in self._chunks:
                times = self.times or [i / self.fps for i in range(len(self.frames))]
                self._chunks[length] = list(_split(self.frames, length, times))
            yield from self._chunks[length]
        else:
            yield from _collect(self.frames.frames(), length)

    def load(self) -> Clip:
        """The clip with all its frames in memory; a source is read once, for several readers."""
        if isinstance(self.frames, Tensor):
            return self
        chunks = list(self.chunks())
        loaded = self._with(torch.cat([chunk.rows for chunk in chunks]), self._audio)
        loaded.times = [time for chunk in chunks for time in chunk.times]
        return loaded

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Clip:
        """The clip with frames and audio on a device; Lightning calls this on batches. A source stays as it is."""
        return self._moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Clip:
        """The clip in page-locked memory; a DataLoader with ``pin_memory=True`` calls this."""
        return self._moved(Tensor.pin_memory)

    def _moved(self, move: Callable[[Tensor], Tensor]) -> Clip:
        frames = move(self.frames) if isinstance(self.frames, Tensor) else self.frames
        return self._with(frames, None if self._audio is None else move(self._audio))

    def _with(self, frames: Tensor | VideoSource, audio: Tensor | None) -> Clip:
        """The same clip with other tensors."""
        clip = copy(self)
        clip.frames, clip._audio, clip._chunks = frames, audio, {}
        return clip


class FeatureClip:
    """A clip given by its features, one row per frame, instead of by its frames."""

    def __init__(self, rows: Tensor, key: str = "") -> None:
        self.key = key
        self.length = rows.shape[0]
        self._chunk = Chunk(rows)

        self.chunk_length = self.length

    def chunks(self, length: int | None = None) -> Iterator[Chunk]:
        """The whole clip as one chunk."""
        yield self._chunk


AnyClip: TypeAlias = Clip | FeatureClip


def _check_layout(frames: Tensor, name: str) -> None:
    """Shape and dtype; values are looked at when they are used, chunk by chunk."""
    if frames.ndim != 4 or frames.shape[1] != 3 or 0 in frames.shape:
        raise InputError(f"{name} must be frames (T, 3, H, W) with T, H, W >= 1, got {tuple(frames.shape)}")
    if frames.dtype != torch.uint8 and not frames.is_floating_point():
        raise InputError(f"{name} must be uint8 (0..255) or float (0..1), got {frames.dtype}; convert it to uint8")


def _split(frames: Tensor, length: int, times: Sequence[float]) -> Iterator[Chunk]:
    for start in range(0, frames.shape[0], length):
        yield Chunk(frames[start : start + length], start, times[start : start + length])


def _collect(frames: Iterable[tuple[np.ndarray, float]], length: int) -> Iterator[Chunk]:
    start = 0
    frames = iter(frames)
    while batch := list(islice(frames, length)):
        pictures, times = zip(*batch, strict=True)
        yield Chunk(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), start, times)
        start += len(pictures)
