"""Compute the share of clips that move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, check_fps
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.dynamic_degree import fastest_flow, is_dynamic


class DynamicDegree(FrameMean, key="dynamic-degree"):
    r"""Compute the share of clips that move (dynamic degree), in ``[0, 1]``; a static video has 0.

    A clip moves if the mean length of the longest 5 percent of its flow vectors is above
    :math:`\max(1, 8 / \text{fps}) \cdot 6 \min(H, W) / 256` pixels in at least round(4 n / 16) pairs of its n sampled
    frames, halves rounded to the even number.

    The input is optical flow between consecutive sampled frames, ``(n - 1, 2, H, W)``, x and y in pixels, from any
    network. Protocol ``vbench`` is the rule of VBench (Z. Huang et al., CVPR 2024; Vchitect/VBench@45e79ec
    vbench/dynamic_degree.py), which takes every max(1, round(fps / 8))-th frame and RAFT with 20 iterations. Pairs
    whose flow holds NaN or infinity are left out and counted. By the rule every clip of two sampled frames moves. More
    motion is not better in every clip: compare with the real videos.

    Args:
        fps: frames per second of the video before frames were sampled; below 8 it raises the threshold.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``fps`` is not above 0; on ``update``, if the flow has fewer than 20 pixels.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import DynamicDegree
        >>> still, moving = torch.zeros(15, 2, 32, 32), torch.full((15, 2, 32, 32), 2.0)
        >>> DynamicDegree()([still, moving])
        tensor(0.5000, dtype=torch.float64)
    """

    feature_shape = (2, None, None)
    averages = ("clip",)
    procedures: ClassVar[Mapping[str, Any]] = {"vbench": is_dynamic}

    def __init__(self, *, fps: float = 8.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_fps(fps)
        self.fps = fps

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return DynamicRun(self, preds, target)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the length of the fastest flow of every pair of frames.

        Raises:
            InputError: if 5 percent of the flow are no pixel.
        """
        height, width = preds.rows.shape[-2:]
        if height * width < 20:
            raise InputError(f"the flow is {width}x{height}, needs at least 20 pixels; give it at the frames' size")
        return fastest_flow(preds.rows)


class DynamicRun(FrameMeanRun):
    """The run decides at the end of the clip, when all its pairs are known."""

    metric: DynamicDegree

    def __init__(self, metric: FrameMean, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        super().__init__(metric, preds, target)
        self._fastest: list[Tensor] = []
        self._size = (0, 0)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Reduce the flow of every pair to one length."""
        if preds is not None:
            self._fastest.append(self.metric.per_frame(preds, preds))
            height, width = preds.rows.shape[-2:]
            self._size = (height, width)

    def close(self) -> None:
        """Decide whether the clip moves, by the pairs that have a flow."""
        super().close()
        if not self._fastest:
            return
        fastest = torch.cat(self._fastest)
        fastest = fastest[~fastest.isnan()]
        self.sums.scored = len(fastest)
        if len(fastest):
            self.sums.weight = 1
            self.sums.total = float(self.metric.procedures[self.metric.protocol](fastest, self._size, self.metric.fps))
