"""Compute the steadiness of a clip from frame to frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.functional.flicker import temporal_flicker


class TemporalFlicker(FrameMean, key="flicker"):
    r"""Compute how little a clip changes from frame to frame, higher is steadier, in ``[0, 1]``.

    .. math:: \text{flicker} = \frac{1}{T - 1} \sum_t \frac{255 - \operatorname{mean}(|x_t - x_{t-1}|)}{255}

    over channels and pixels, on the scale 0..255, and then the mean over clips.

    Protocol ``vbench``: the temporal flickering of VBench (Z. Huang et al., CVPR 2024; Vchitect/VBench@45e79ec
    vbench/temporal_flickering.py). VBench shows it of still scenes: motion lowers it as flicker does, and a frozen
    video has 1. Compare it with the value of the real videos. The metric reads ``preds`` alone. A clip of T frames has
    T - 1 pairs, which are what is counted; a clip of one frame is not scored.

    Args:
        average: ``"clip"`` (default) or ``"frame"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import TemporalFlicker
        >>> frames = torch.tensor([0, 51, 51], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 3, 8, 8)
        >>> round(TemporalFlicker()(frames).item(), 6)
        0.9
    """

    procedures: ClassVar[Mapping[str, Any]] = {"vbench": temporal_flicker}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return FlickerRun(self, preds, target)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the value of every frame but the first."""
        steadiness: Tensor = self.procedures[self.protocol](preds.rows)
        return steadiness

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, for the warning."""
        tally = self.tally(sums)
        one = tally.aligned and not tally.scored
        return "no clip has two frames, which flicker compares" if one else super().why_nan(sums)


class FlickerRun(FrameMeanRun):
    """The run scores each frame beside the one before, which it keeps from chunk to chunk."""

    _last: Tensor | None = None

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Score the next frames."""
        if preds is None:
            return
        rows = preds.rows if self._last is None else torch.cat([self._last, preds.rows])
        self.add_values(self.metric.per_frame(Chunk(rows), Chunk(rows)))
        self._last = rows[-1:]

    def close(self) -> None:
        """Count the pairs; a single frame counts as one that cannot be scored."""
        self.sums.aligned = max(self.lengths[0] - 1, 1)
