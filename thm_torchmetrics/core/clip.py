"""A clip has frames, times, audio and a name; it is measured chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import partial
from itertools import islice
from math import inf
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, Extract, FeatureExtractor, frames_per_chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.checks import check_numbers, check_pixel_dtype


@runtime_checkable
class VideoSource(Protocol):
    """A video source yields its frames any number of times, as `media.video.VideoFile` does."""

    @property
    def fps(self) -> float:
        """Return the average number of frames per second."""

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of a frame."""

    def frames(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield the frames, RGB uint8 ``(H, W, 3)``, each with its presentation time in seconds."""


@runtime_checkable
class AudioSource(Protocol):
    """An audio source reads a sound track, as `media.audio.SoundFile` does."""

    @property
    def origin(self) -> str:
        """Return where the sound comes from, for reports."""

    def mono(self, sample_rate: int) -> np.ndarray:
        """Return the samples ``(S,)``, int16, mixed to one channel, at this rate."""


class Clip:
    """A clip holds the frames of one video, their rate, the audio and a name.

    The frames are a tensor, or a source that decodes on demand.

    Args:
        frames: ``(T, 3, H, W)``, RGB, uint8 0..255 or float 0..1 (the dtype decides), or a `VideoSource`.
        fps: frames per second; default: the source's own, or 25 for a tensor, whose ``rate`` is then unknown.
        audio: ``(S,)``, mono, float -1..1 or int16, or an `AudioSource`, which is read when it is needed.
        sample_rate: samples per second of the audio; a source is read at this rate.
        key: the clip's name in reports and errors.
        times: presentation time of each frame of a tensor, in seconds; default: by ``fps``.

    Attributes:
        rate: ``fps`` where it was given or the source has it, else None. Clips of different known rates are not paired
            frame by frame unless that is asked for.
        extract: returns an extractor's features of a chunk of a source, where they may be known already; its first
            argument is the number of frames of a whole chunk. None, the default: the extractor computes them.
        video_source: the `VideoSource` of the frames; None if they were given as a tensor.
        audio_source: the `AudioSource` of the audio; None if it was given as a tensor.

    Raises:
        InputError: if the shape or dtype is none of the above, or there are not as many times as frames.

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
            check_layout(frames, "frames")
            if times and len(times) != len(frames):
                raise InputError(f"there are {len(times)} times for {len(frames)} frames; give one per frame")
        elif not isinstance(frames, VideoSource):
            raise InputError(
                "a Clip takes a tensor (T, 3, H, W) or a video source such as media.open_video(path), got "
                f"{describe_type(frames)}"
            )
        if audio is not None and not isinstance(audio, Tensor | AudioSource):
            raise InputError(
                "a Clip's audio is a tensor (S,) or an audio source such as media.audio.SoundFile(path), got "
                f"{describe_type(audio, 'samples')}"
            )
        check_fps(fps)
        self.frames = frames
        self.extract: Callable[[int, FeatureExtractor, Chunk], Tensor] | None = None
        self.video_source = None if isinstance(frames, Tensor) else frames
        self.rate = fps or (None if isinstance(frames, Tensor) else frames.fps)
        self.fps = self.rate or 25.0
        self.sample_rate = sample_rate
        self.audio_source = None if audio is None or isinstance(audio, Tensor) else audio
        self._audio = audio if isinstance(audio, Tensor) else None
        self.key = key
        self.times = times
        self._chunks: dict[int, list[Chunk]] = {}
        self._version: int | None = None
        self._is_loaded = False

    def __repr__(self) -> str:
        what = tuple(self.frames.shape) if isinstance(self.frames, Tensor) else self.frames
        return f"Clip({what}, fps={self.fps:g}, key={self.key!r})"

    @property
    def audio(self) -> Tensor | None:
        """Return the samples ``(S,)``; setting them drops `audio_source`.

        Raises:
            MediaError: if the source's sound cannot be read.
        """
        if self._audio is None and self.audio_source is not None:
            self._audio = torch.from_numpy(self.audio_source.mono(self.sample_rate))
        return self._audio

    @audio.setter
    def audio(self, samples: Tensor | None) -> None:
        self._audio, self.audio_source = samples, None

    @property
    def has_audio(self) -> bool:
        """Return whether a sound was given with the clip; a file's track may still turn out to be absent."""
        return self._audio is not None or self.audio_source is not None

    @property
    def length(self) -> int | None:
        """Return the number of frames; None for a source, which must be read to count them."""
        return self.frames.shape[0] if isinstance(self.frames, Tensor) else None

    @property
    def duration(self) -> float | None:
        """Return the seconds that the frames last; None if a source does not say."""
        if not isinstance(self.frames, Tensor):
            return getattr(self.frames, "duration", None)
        return (self.times[-1] - self.times[0] if self.times else (len(self.frames) - 1) / self.fps) + 1 / self.fps

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of a frame."""
        if not isinstance(self.frames, Tensor):
            return self.frames.size
        height, width = self.frames.shape[-2:]
        return height, width

    @property
    def chunk_length(self) -> int:
        """Return the number of frames per chunk, small enough for a chunk of large frames."""
        height, width = self.size
        return frames_per_chunk(3 * height * width)

    def chunks(self, length: int | None = None) -> Iterator[Chunk]:
        """Return the clip chunk by chunk, from the start.

        A source is opened now, so that those of two clips can read at once. The chunks of a tensor are kept, with their
        features, until PyTorch writes into the tensor. A tensor that was made in inference mode does not tell; its
        chunks are kept only by what `load` returns.

        Raises:
            InputError: by the iterator, if the frames of a source differ in size or dtype.
        """
        length = length or self.chunk_length
        if not isinstance(self.frames, Tensor):
            extract = None if self.extract is None else partial(self.extract, length)
            return _collect(self.frames.frames(), length, extract)
        version = None if self.frames.is_inference() else self.frames._version
        if version != self._version or (version is None and not self._is_loaded):
            self._chunks, self._version = {}, version
        if length not in self._chunks:
            times = self.times or [i / self.fps for i in range(len(self.frames))]
            self._chunks[length] = list(_split(self.frames, length, times))
        return iter(self._chunks[length])

    def load(self) -> Clip:
        """Return the clip with all its frames in memory."""
        if isinstance(self.frames, Tensor):
            if not self.frames.is_inference():
                return self
            loaded = self._with(self.frames, self._audio)
        else:
            chunks = list(self.chunks())
            loaded = self._with(torch.cat([chunk.rows for chunk in chunks]), self._audio)
            loaded.times = [time for chunk in chunks for time in chunk.times]
        loaded._is_loaded = True
        return loaded

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Clip:
        """Return the clip with its tensors on a device; Lightning calls this on batches."""
        return self._moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Clip:
        """Return the clip in page-locked memory; a DataLoader with ``pin_memory=True`` calls this."""
        return self._moved(Tensor.pin_memory)

    def _moved(self, move: Callable[[Tensor], Tensor]) -> Clip:
        frames = move(self.frames) if isinstance(self.frames, Tensor) else self.frames
        return self._with(frames, None if self._audio is None else move(self._audio))

    def _with(self, frames: Tensor | VideoSource, audio: Tensor | None) -> Clip:
        """Return the same clip with other tensors."""
        clip = copy(self)
        clip.frames, clip._audio, clip._chunks = frames, audio, {}
        return clip


class FeatureClip:
    """A feature clip holds one row of features per frame instead of frames.

    Args:
        rows: the features, one row per frame.
        key: the clip's name in reports and errors.
        rate: frames per second; None if it is not known.
        times: time of each row in seconds; default: by ``rate``, none if that is not known.
    """

    def __init__(self, rows: Tensor, key: str = "", *, rate: float | None = None, times: Sequence[float] = ()) -> None:
        self.key = key
        self.rate = rate
        self.length = self.chunk_length = rows.shape[0]
        self._chunk = Chunk(rows, 0, times or ([i / rate for i in range(len(rows))] if rate else ()))

    def chunks(self, length: int | None = None) -> Iterator[Chunk]:
        """Yield the whole clip as one chunk."""
        yield self._chunk


AnyClip: TypeAlias = Clip | FeatureClip


def check_fps(fps: float | None) -> None:
    """Raise an error unless frames per second are a number above 0, or not given.

    Raises:
        InputError: if they are 0 or below, NaN, infinite, or text.
    """
    if isinstance(fps, str) or (fps is not None and not 0 < fps < inf):
        raise InputError(f"fps must be above 0, got {fps!r}")


def describe_type(value: object, what: str = "frames") -> str:
    """Return the type of a wrong value, with the way to a right one where it is known."""
    if isinstance(value, np.ndarray):
        layout = ", channels first: (T, 3, H, W)" if what == "frames" else ""
        return f"a NumPy array; pass torch.from_numpy(array){layout}"
    if isinstance(value, str | Path) and what != "features":
        return f"the path {str(value)!r}; pass media.open_clip(path{', audio=path' if what == 'samples' else ''})"
    return type(value).__name__


def check_layout(frames: Tensor, name: str) -> None:
    """Raise an error unless a tensor has the shape and dtype of a clip's frames.

    Values are checked chunk by chunk.
    """
    check_numbers(name, frames)
    if frames.ndim != 4 or frames.shape[1] != 3 or 0 in frames.shape:
        raise InputError(f"{name} must be frames (T, 3, H, W) with T, H, W >= 1, got {tuple(frames.shape)}")
    check_pixel_dtype(name, frames)


def _split(frames: Tensor, length: int, times: Sequence[float]) -> Iterator[Chunk]:
    if len(frames) <= length:
        yield Chunk(frames, 0, times)
        return
    for start in range(0, len(frames), length):
        yield Chunk(frames[start : start + length], start, times[start : start + length])


def _collect(frames: Iterable[tuple[np.ndarray, float]], length: int, extract: Extract | None) -> Iterator[Chunk]:
    start = 0
    frames = iter(frames)
    for first, first_time in frames:
        # filled in place, so that a picture is freed before the next one is needed
        pictures, times = np.empty((length, *first.shape), first.dtype), [first_time]
        pictures[0] = first
        for picture, time in islice(frames, length - 1):
            if (picture.shape, picture.dtype) != (first.shape, first.dtype):
                raise InputError(
                    f"frame {start + len(times)} of a video source is {picture.shape} {picture.dtype}, those before it "
                    f"are {first.shape} {first.dtype}; all must be alike"
                )
            pictures[len(times)] = picture
            times.append(time)
        yield Chunk(torch.from_numpy(pictures[: len(times)]).permute(0, 3, 1, 2), start, times, extract=extract)
        start += len(times)
