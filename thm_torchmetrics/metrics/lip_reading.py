"""Compare the features that a network of lip reading gives of two clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.functional.identity import cosine_similarity
from thm_torchmetrics.metrics.identity import NO_DIRECTION


class LipScore(FrameMean, key="lipscore"):
    r"""Compute the cosine of a lip reader's features of both clips, higher is better, in ``[-1, 1]``.

    .. math:: \frac{1}{T} \sum_t \frac{\hat f_t \cdot f_t}{\|\hat f_t\| \, \|f_t\|}

    mean over clips. Protocol ``keysync``: as ``evaluation/lipscore.py`` of A. Bigata et al., KeySync, 2025, compares
    the outputs of auto-avsr's visual encoder. The network is not part of this package, since its checkpoint has no
    published hash: the input is features, one row per frame, ``(T, D)``. A row of NaN, infinity or zeros is a frame
    without a face, which is not scored.

    Args:
        average: ``"clip"`` (default) or ``"frame"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipScore
        >>> LipScore()(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[4.0, 3.0], [5.0, 0.0]]))
        tensor(0.9800, dtype=torch.float64)
    """

    feature_shape = (None,)
    procedures: ClassVar[Mapping[str, Any]] = {"keysync": cosine_similarity}

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the cosine of every frame."""
        cosine: Tensor = self.procedures[self.protocol](self.features(preds), self.features(target))
        return cosine

    def unusable(self) -> str:
        """Return the contents of a given row that cannot be measured, in words."""
        return NO_DIRECTION


class UnsupervisedSynchronization(LipScore, key="avs-u"):
    """Compute the cosine of AV-HuBERT's features of the lips and of the sound (AVSu), higher is better, -1 to 1.

    ``preds`` are the features of the generated frames alone, ``target`` those of the sound of the same clip alone, each
    ``(T, D)``. Protocol ``av-hubert``: D. Yaman et al., "Audio-Visual Speech Representation Expert for Enhanced Talking
    Face Video Generation and Evaluation", arXiv 2405.04327, in words; the mean over frames, then clips, is this
    package's reading. AV-HuBERT's license forbids passing it on, so features are given. For the formula and for rows
    that are not scored see `LipScore`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import UnsupervisedSynchronization
        >>> UnsupervisedSynchronization()(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
        tensor(0.9600, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"av-hubert": cosine_similarity}


class MultimodalSynchronization(LipScore, key="avs-m"):
    """Compute the cosine of AV-HuBERT's features of frames with sound to the real clip's (AVSm), higher is better.

    ``preds`` are the features of the generated frames together with the sound, ``target`` those of the real frames with
    it, each ``(T, D)``; the range is -1 to 1. For the source see `UnsupervisedSynchronization`, for the formula
    `LipScore`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MultimodalSynchronization
        >>> MultimodalSynchronization()(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
        tensor(0.9600, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"av-hubert": cosine_similarity}


class VisualSynchronization(LipScore, key="avs-v"):
    """Compute the cosine of AV-HuBERT's features of the frames to the real clip's (AVSv), higher is better.

    ``preds`` are the features of the generated frames alone, ``target`` those of the real frames alone, each
    ``(T, D)``; the range is -1 to 1. For the source see `UnsupervisedSynchronization`, for the formula `LipScore`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import VisualSynchronization
        >>> VisualSynchronization()(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
        tensor(0.9600, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"av-hubert": cosine_similarity}
