"""What a case is, and the means over frames and clips that the references of several families share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from thm_torchmetrics import catalog
from thm_torchmetrics.collection import metric_class
from thm_torchmetrics.core.metric import TalkingHeadMetric

ClipInputs: TypeAlias = Mapping[str, Tensor]
Reference: TypeAlias = Callable[[list[ClipInputs]], float]

GIVEN: Mapping[str, Any] = {"extractor": None}
"""The options of a metric whose features are given."""


@dataclass(frozen=True)
class Case:
    """One metric in one configuration.

    Attributes:
        key: ``key`` or ``key:protocol``.
        clips: arguments of ``update``, clip by clip; clip 0 has ``preds == target``, all differ in length.
        reference: the value over clips, by code that is not ours.
        options: further options of the constructor.
        tolerance: relative, of the value against the reference.
    """

    key: str
    clips: list[ClipInputs]
    reference: Reference
    options: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-5

    def make(self, **options: Any) -> TalkingHeadMetric:
        """Make the metric of the case."""
        choice = catalog.find_choice(self.key)
        return metric_class(choice.row)(protocol=choice.protocol, **self.options, **options)

    @property
    def name(self) -> str:
        """The key with the options."""
        return " ".join([self.key, *(f"{k}={v}" for k, v in self.options.items())])


def frame_mean(per_frame: Callable[[Tensor, Tensor], float]) -> Reference:
    """The mean over all frames of all clips."""

    def value(clips: list[ClipInputs]) -> float:
        pairs = [pair for clip in clips for pair in zip(clip["preds"], clip["target"], strict=True)]
        return float(np.mean([per_frame(preds, target) for preds, target in pairs]))

    return value


def clip_mean(value: Reference) -> Reference:
    """The mean over clips of a reference of one clip."""
    return lambda clips: float(np.mean([value([clip]) for clip in clips]))


def face_mean(per_row: Callable[[Any, Any], Any]) -> Reference:
    """The mean over frames with a face on both sides, row by row in NumPy."""

    def value(clips: list[ClipInputs]) -> float:
        rows = [pair for clip in clips for pair in zip(clip["preds"].numpy(), clip["target"].numpy(), strict=True)]
        return float(np.mean([per_row(a, b) for a, b in rows if not (np.isnan(a).any() or np.isnan(b).any())]))

    return value
