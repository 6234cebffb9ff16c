"""A clip and its chunks: what travels through every metric."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from copy import copy
from itertools import islice, zip_longest
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.frames import check_frames

CHUNK_FRAMES = 64
CHUNK_VALUES = 2**25
"""A chunk holds at most this many frames and this many pixel values (of one side), whichever is fewer."""


@runtime_checkable
class FrameSource(Protocol):
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
class SoundSource(Protocol):
    """Something that knows where its sound comes from; `media.audio.SoundFile` is one."""

    def mono(self, sample_rate: int) -> np.ndarray:
        """Samples ``(S,)``, int16, one track at this rate."""


class Extractor(Protocol):
    """What turns a chunk into one row of features per frame; hashable, so that chunks can remember its result."""

    def __hash__(self) -> int: ...

    def extract(self, chunk: Chunk) -> Tensor:
        """Features ``(n, ...)`` of the chunk's frames, NaN in the rows of frames that have none."""


class Chunk:
    """A run of consecutive frames of one clip (or of ready-made features), which remembers what was made of it.

    Args:
        rows: frames ``(n, 3, H, W)``, RGB, uint8 or float 0..1; or features, one row per frame.
        start: index of the first row in its clip.
        times: presentation time of each row in seconds.
    """

    def __init__(self, rows: Tensor, start: int = 0, times: Sequence[float] = (), *, _parent: Chunk | None = None):
        self.rows = rows
        self.start = start
        self.times = times
        self._parent = _parent
        self._memory: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self.rows.shape[0]

    def head(self, count: int) -> Chunk:
        """The first ``count`` rows; features are still computed, once, for the whole chunk."""
        if count >= len(self):
            return self
        return Chunk(self.rows[:count], self.start, self.times[:count], _parent=self)

    def to(self, device: torch.device) -> Chunk:
        """The chunk on a device; asked twice, it is moved once."""
        if self.rows.device == device:
            return self
        moved: Chunk = self.remember(
            ("device", device), lambda: Chunk(self.rows.to(device, non_blocking=True), self.start, self.times)
        )
        return moved

    def remember(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value under ``key``, made at the first call."""
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]

    def features(self, extractor: Extractor) -> Tensor:
        """What an extractor makes of the frames, computed once per chunk."""
        if self._parent is not None:
            return self._parent.features(extractor)[: len(self)]
        features: Tensor = self.remember(extractor, lambda: extractor.extract(self))
        return features

    def unit(self) -> Tensor:
        """The frames as float32 in 0..1.

        Raises:
            InputError: if float frames leave [0, 1] or hold NaN.
        """
        if self._parent is not None:
            return self._parent.unit()[: len(self)]
        unit: Tensor = self.remember("unit", self._as_unit)
        return unit

    def _as_unit(self) -> Tensor:
        check_frames("frames", self.rows)
        frames = self.rows.to(torch.float32)
        return frames / 255.0 if self.rows.dtype == torch.uint8 else frames

    def bytes(self) -> Tensor:
        """The frames as uint8; float frames are rounded to the nearest of 256 levels."""
        if self.rows.dtype == torch.uint8:
            return self.rows
        return (self.unit() * 255).round().to(torch.uint8)


class Clip:
    """One video clip: frames (a tensor, or a source that decodes on demand), frame rate, audio and a name.

    Args:
        frames: ``(T, 3, H, W)``, RGB, uint8 0..255 or float 0..1 (the dtype decides), or a `FrameSource`.
        fps: frames per second; a source knows its own.
        audio: ``(S,)``, mono, float -1..1 or int16, or a `SoundSource`, which is read at once.
        sample_rate: samples per second of the audio; a source is read at this rate.
        key: name of the clip in reports and errors.
        times: presentation time of each frame of a tensor, in seconds; default: by ``fps``.

    Attributes:
        source: the `FrameSource` that the frames are, or were read from; None for a tensor of the caller's.
        sound: the `SoundSource` of the audio, None for a tensor of the caller's.

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
        frames: Tensor | FrameSource,
        *,
        fps: float | None = None,
        audio: Tensor | SoundSource | None = None,
        sample_rate: int = 16000,
        key: str = "",
        times: Sequence[float] = (),
    ) -> None:
        if isinstance(frames, Tensor):
            _check_layout(frames, "frames")
            if times and len(times) != len(frames):
                raise InputError(f"there are {len(times)} times for {len(frames)} frames")
        elif not isinstance(frames, FrameSource):
            raise InputError(
                f"a Clip takes a tensor (T, 3, H, W) or a video source such as media.VideoFile, got {type(frames)}"
            )
        self.frames = frames
        self.source = None if isinstance(frames, Tensor) else frames
        self.fps = fps or (25.0 if isinstance(frames, Tensor) else frames.fps)
        self.sample_rate = sample_rate
        self.sound: SoundSource | None = None
        self._audio: Tensor | None = None
        if audio is None or isinstance(audio, Tensor):
            self._audio = audio
        else:
            self.hear(audio)
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
        self._audio, self.sound = samples, None

    def hear(self, sound: SoundSource) -> None:
        """Read the clip's audio from a source.

        Raises:
            MediaError: if the source's file cannot be read.
        """
        self._audio, self.sound = torch.from_numpy(sound.mono(self.sample_rate)), sound

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

    def _with(self, frames: Tensor | FrameSource, audio: Tensor | None) -> Clip:
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
ClipInput: TypeAlias = Tensor | Clip | Sequence["Tensor | Clip"] | None


def clips_from(value: ClipInput, name: str, feature_shape: tuple[int | None, ...] | None = None) -> list[AnyClip]:
    """A caller's ``preds`` or ``target`` as a list of clips.

    Args:
        value: a clip, a tensor of one clip or of a batch of clips, or a list of clips or of tensors.
        name: the argument's name, for errors.
        feature_shape: shape of one row when features are given instead of frames, None marking a free size.

    Raises:
        InputError: if the value is nothing of the kind.
    """
    if isinstance(value, Clip):
        value = [value]
    if isinstance(value, Tensor):
        one = 4 if feature_shape is None else 1 + len(feature_shape)
        if value.ndim not in (one, one + 1):
            wanted = "(T, 3, H, W) or (B, T, 3, H, W)" if feature_shape is None else _shape_text(feature_shape)
            raise InputError(f"{name} must be {wanted}, got {tuple(value.shape)}")
        value = [value] if value.ndim == one else list(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{name} must be a tensor, a Clip or a list of them, got {type(value).__name__}")
    if feature_shape is None:
        return [item if isinstance(item, Clip) else _frame_clip(item, name) for item in value]
    return [_feature_clip(item, name, feature_shape) for item in value]


def pair_chunks(preds: AnyClip | None, target: AnyClip | None) -> Iterator[tuple[Chunk | None, Chunk | None]]:
    """Chunks of two clips side by side: the same rows of each, until both have ended."""
    length = min(clip.chunk_length for clip in (preds, target) if clip) if preds or target else 0
    yield from zip_longest(*(clip.chunks(length) if clip else () for clip in (preds, target)))


def _frame_clip(item: Any, name: str) -> Clip:
    if not isinstance(item, Tensor):
        raise InputError(f"{name} must hold tensors or Clips, got {type(item).__name__}")
    _check_layout(item, name)
    return Clip(item)


def _check_layout(frames: Tensor, name: str) -> None:
    """Shape and dtype; values are looked at when they are used, chunk by chunk."""
    if frames.ndim != 4 or frames.shape[1] != 3 or 0 in frames.shape:
        raise InputError(f"{name} must be frames (T, 3, H, W) with T, H, W >= 1, got {tuple(frames.shape)}")
    if frames.dtype != torch.uint8 and not frames.is_floating_point():
        raise InputError(f"{name} must be uint8 (0..255) or float (0..1), got {frames.dtype}; convert it to uint8")


def _feature_clip(item: Any, name: str, shape: tuple[int | None, ...]) -> FeatureClip:
    if not isinstance(item, Tensor):
        raise InputError(f"{name} must hold feature tensors {_shape_text(shape)}, got {type(item).__name__}")
    fits = item.ndim == 1 + len(shape) and all(
        want in (None, got) for want, got in zip(shape, item.shape[1:], strict=True)
    )
    if not fits or item.shape[0] == 0:
        raise InputError(f"{name} must be features {_shape_text(shape)} with T >= 1, got {tuple(item.shape)}")
    if not item.is_floating_point():
        item = item.to(torch.float64)
    return FeatureClip(item)


def _shape_text(shape: tuple[int | None, ...]) -> str:
    row = ", ".join("D" if size is None else str(size) for size in shape)
    return f"(T, {row}) or (B, T, {row})"


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
