"""Turn the arguments of ``update`` into clips, and two clips into pairs of chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip, check_layout, describe_type
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.checks import check_numbers

ClipInput: TypeAlias = Tensor | Clip | Sequence["Tensor | Clip"] | None
AudioInput: TypeAlias = Tensor | Sequence[Tensor] | None


def clips_from(value: ClipInput, name: str, feature_shape: tuple[int | None, ...] | None = None) -> list[AnyClip]:
    """Return a caller's ``preds`` or ``target`` as a list of clips.

    Args:
        value: a clip, a tensor of one clip or of a batch of clips, or a list of clips or of tensors.
        name: the argument's name, for errors.
        feature_shape: shape of one row when features are given instead of frames, None marking a free size.

    Raises:
        InputError: if the value is none of these, or of another shape or dtype.
    """
    if isinstance(value, Clip):
        value = [value]
    if isinstance(value, Tensor):
        check_numbers(name, value)
        one = 4 if feature_shape is None else 1 + len(feature_shape)
        if value.ndim not in (one, one + 1):
            wanted = "(T, 3, H, W) or (B, T, 3, H, W)" if feature_shape is None else _shape_text(feature_shape)
            raise InputError(f"{name} must be {wanted}, got {tuple(value.shape)}")
        if feature_shape is None and value.ndim == 5 and value.shape[1] == 3 != value.shape[2]:
            raise InputError(
                f"{name} must be (B, T, 3, H, W), got {tuple(value.shape)}, which looks like (B, 3, T, H, W); pass "
                f"{name}.transpose(1, 2)"
            )
        value = [value] if value.ndim == one else list(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{name} must be a tensor, a Clip or a list of them, got {describe_type(value)}")
    if feature_shape is None:
        return [item if isinstance(item, Clip) else _frame_clip(item, name) for item in value]
    return [_feature_clip(item, name, feature_shape) for item in value]


def sounds_by_clip(audio: AudioInput, clips: int) -> list[Tensor | None]:
    """Return one sound per clip; None stands for the Clip's own sound."""
    if audio is None:
        return [None] * clips
    if isinstance(audio, Tensor):
        if audio.ndim not in (1, 2):
            raise InputError(f"audio must be (S,) or (B, S), got {tuple(audio.shape)}")
        audio = [audio] if audio.ndim == 1 else list(audio)
    wrong = next((item for item in [audio, *audio] if not isinstance(item, Tensor | list | tuple)), None)
    if wrong is not None:
        raise InputError(f"audio must be tensors (S,), got {describe_type(wrong, 'samples')}")
    if len(audio) != clips:
        raise InputError(f"preds holds {clips} clips and audio {len(audio)} sounds; give one per clip")
    return list(audio)


def pair_chunks(preds: AnyClip | None, target: AnyClip | None) -> Iterator[tuple[Chunk | None, Chunk | None]]:
    """Yield chunks of two clips side by side, the same rows of each, until both have ended."""
    length = min(clip.chunk_length for clip in (preds, target) if clip) if preds or target else 0
    yield from zip_longest(*(clip.chunks(length) if clip else () for clip in (preds, target)))


def _frame_clip(item: Any, name: str) -> Clip:
    if not isinstance(item, Tensor):
        raise InputError(f"{name} must hold tensors or Clips, got {describe_type(item)}")
    check_layout(item, name)
    return Clip(item)


def _feature_clip(item: Any, name: str, shape: tuple[int | None, ...]) -> FeatureClip:
    if not isinstance(item, Tensor):
        raise InputError(
            f"{name} must hold feature tensors {_shape_text(shape)}, got {describe_type(item, 'features')}"
        )
    check_numbers(name, item)
    fits = item.ndim == 1 + len(shape) and all(
        want in (None, got) for want, got in zip(shape, item.shape[1:], strict=True)
    )
    if not fits or item.shape[0] == 0:
        raise InputError(f"{name} must be features {_shape_text(shape)} with T >= 1, got {tuple(item.shape)}")
    if not item.is_floating_point():
        item = item.to(torch.float64)
    return FeatureClip(item)


def _shape_text(shape: tuple[int | None, ...]) -> str:
    row = "".join(f", {'D' if size is None else size}" for size in shape)
    return f"(T{row}) or (B, T{row})" if row else "(T,) or (B, T)"
