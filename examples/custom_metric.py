"""A custom metric, one class with one method: how far the brightness of generated frames is off."""

import torch
from torch import Tensor

from thm_torchmetrics import FrameMean
from thm_torchmetrics.core.chunk import Chunk


class BrightnessError(FrameMean):
    """Mean absolute difference of the frames' mean brightness, in grey levels; lower is better."""

    key = "brightness"
    unit = "levels"
    higher_is_better = False

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the difference of every frame."""
        return 255 * (preds.as_float() - target.as_float()).mean(dim=(1, 2, 3)).abs()


if __name__ == "__main__":
    metric = BrightnessError()
    target = torch.full((2, 10, 3, 64, 64), 100, dtype=torch.uint8)  # two clips of ten frames
    metric.update(target + 7, target)
    print(f"brightness error: {metric.compute():.2f} levels, coverage {metric.coverage:.0%}")
