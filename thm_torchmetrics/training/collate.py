"""Collate samples that hold clips, or tensors of unequal lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import default_collate

from thm_torchmetrics.core.clip import Clip


def collate_clips(samples: Sequence[Any]) -> Any:
    """Make a batch of samples as PyTorch does, but of clips, and of tensors of unequal shapes, a list.

    Metrics take such lists as they take tensors: ``metrics.update(batch["preds"], batch["target"])``. Clips that read
    files open them in the process that uses them.

    Args:
        samples: what the dataset returns: `Clip`, tensors, numbers, text; or a mapping, a tuple or a list of them.

    Returns:
        A batch of the same structure.

    Example:
        >>> import torch
        >>> batch = collate_clips([{"frames": torch.zeros(8, 3, 64, 64)}, {"frames": torch.zeros(9, 3, 64, 64)}])
        >>> [len(frames) for frames in batch["frames"]]
        [8, 9]
    """
    first = samples[0]
    if isinstance(first, Clip):
        return list(samples)
    if isinstance(first, Tensor):
        return default_collate(list(samples)) if len({each.shape for each in samples}) == 1 else list(samples)
    if isinstance(first, Mapping):
        return {name: collate_clips([sample[name] for sample in samples]) for name in first}
    if isinstance(first, tuple | list):
        parts = [collate_clips(part) for part in zip(*samples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    return default_collate(list(samples))
