"""What the tests of lip sync put in the place of SyncNet and of its detector, and what they show them."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from parity.seeded import golden_input
from torch import Tensor

from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.lipsync.tracking import Detector
from thm_torchmetrics.metrics.lipsync_metric import LipSync
from thm_torchmetrics.metrics.syncnet_metric import SyncNetMetric

Boxes = list[list[float]]
M = TypeVar("M", bound=SyncNetMetric)


class SmallSyncNet(torch.nn.Module):
    """Stands in for SyncNet where only the tracks matter."""

    def forward_lip(self, windows: Tensor) -> Tensor:
        """Return 15 numbers a window."""
        return windows[..., ::32, ::32].mean(dim=(3, 4)).flatten(1)

    def forward_audio(self, windows: Tensor) -> Tensor:
        """Return 15 numbers a window."""
        return windows.flatten(1)[:, :15]


class KnownFaces:
    """A detector that knows the faces of every frame, and remembers what it was shown.

    Args:
        boxes: gives the boxes of a frame ``(H, W, 3)`` and its number; or one list of boxes per frame.
        keep: whether the frames are kept; if not, their boxes alone are.
    """

    def __init__(self, boxes: Callable[[npt.NDArray[np.uint8], int], Boxes] | list[Boxes], keep: bool = True) -> None:
        self.boxes = boxes
        self.keep = keep
        self.pictures: list[npt.NDArray[np.uint8]] = []
        self.found: list[Tensor] = []

    def faces(self, frames: Tensor) -> list[Tensor]:
        """Return the boxes of the next frames."""
        start = len(self.found)
        for picture in frames.permute(0, 2, 3, 1).cpu().numpy():
            index = len(self.found)
            rows = self.boxes(picture, index) if callable(self.boxes) else self.boxes[index : index + 1]
            if self.keep:
                self.pictures.append(picture)
            self.found.append(torch.tensor(rows, dtype=torch.float64).reshape(-1, 4))
        return self.found[start:]


def with_detector(metric: M, detector: Detector) -> M:
    """Return the metric with another detector; past the metric's own check, as options are fixed."""
    vars(metric)["detector"] = detector
    return metric


def score_clip(metric: LipSync, clip: Clip, **inputs: Any) -> tuple[ClipScore, dict[str, Any]]:
    """Measure one clip, add it to the metric, and return its score and the detail of it."""
    (run,) = measure_clip({"m": metric}, clip, **inputs).values()
    metric.add(run.sums)
    score = metric.score(run)
    assert score.detail is not None
    return score, dict(score.detail)


def recording(case: str) -> tuple[Tensor, Tensor]:
    """Frames, RGB, and int16 samples of a golden case of SyncNet."""
    clip = golden_input("syncnet", f"{case}_clip")[..., ::-1].copy()
    return torch.from_numpy(clip).permute(0, 3, 1, 2), torch.from_numpy(golden_input("syncnet", f"{case}_wave").copy())
