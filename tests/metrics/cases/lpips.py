"""A case of LPIPS: the metric around a network; the network itself is compared in `tests/extractors/test_lpips.py`."""

import torch
from metrics.cases.case import Case, frame_mean
from metrics.cases.image_quality import unit, videos
from torch import Tensor


class MeanDistance(torch.nn.Module):
    """A stand-in for a network that compares frames."""

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute difference of every pair of frames."""
        return (preds - target).abs().mean(dim=(1, 2, 3))


def _mean_distance(preds: Tensor, target: Tensor) -> float:
    return (unit(preds) - unit(target)).abs().mean().item()


CASES = [Case("lpips", videos(), frame_mean(_mean_distance), {"extractor": MeanDistance()})]
