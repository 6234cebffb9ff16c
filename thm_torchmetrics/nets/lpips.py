"""LPIPS is the distance of a classifier's feature maps with a weight per channel.

R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018; version 0.1 of
``richzhang/PerceptualSimilarity``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
import torchvision
from torch import Tensor, nn

from thm_torchmetrics.nets.memory_format import channels_last_on_cpu


class Backbone(NamedTuple):
    """A backbone is a torchvision classifier with the ``features`` layers that LPIPS compares."""

    model: str
    """Name of the classifier in ``torchvision.models``."""
    taps: tuple[int, ...]
    """Positions of the compared layers."""
    channels: tuple[int, ...]
    """Channels of the compared layers."""


_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of RGB in -1..1

BACKBONES = {
    "alex": Backbone("alexnet", (1, 4, 7, 9, 11), (64, 192, 384, 256, 256)),
    "vgg": Backbone("vgg16", (3, 8, 15, 22, 29), (64, 128, 256, 512, 512)),
    "squeeze": Backbone("squeezenet1_1", (1, 4, 7, 9, 10, 11, 12), (64, 128, 256, 384, 384, 512, 512)),
}
"""The classifiers that the published weights exist for."""


class LPIPS(nn.Module):
    r"""LPIPS measures the perceptual distance of two images.

    .. math:: d(x, y) = \sum_l \operatorname{mean}_{h,w} \sum_c w_{l,c} (\hat f_{l,c,h,w}(x) - \hat f_{l,c,h,w}(y))^2

    with :math:`\hat f_l` the feature map of layer :math:`l` divided by its norm over channels. The keys are those of
    the classifier's checkpoint (``features.*``) and ``heads.l`` for the channel weights.

    Input: two batches float32 ``(N, 3, H, W)``, RGB, 0..1.
    Output: ``(N,)`` float32, >= 0.

    Args:
        net: one of `BACKBONES`: ``"alex"``, ``"vgg"`` or ``"squeeze"``.
    """

    def __init__(self, net: str) -> None:
        super().__init__()
        self.backbone = BACKBONES[net]
        features = getattr(torchvision.models, self.backbone.model)(weights=None).features
        self.features = features[: self.backbone.taps[-1] + 1]
        self.heads = nn.ParameterList(torch.zeros(count, dtype=torch.float32) for count in self.backbone.channels)

    def forward(self, preds: Tensor, target: Tensor) -> Tensor:
        """Return distances ``(N,)`` of frames ``(N, 3, H, W)``, RGB, float32 in 0..1."""
        total = preds.new_zeros(len(preds))
        for x, norm, head in self._layers(torch.cat([preds, target])):
            difference = (x[: len(preds)] / norm[: len(preds)]).sub_(x[len(preds) :] / norm[len(preds) :])
            squares = torch.linalg.vector_norm(difference, dim=(2, 3)).square()
            total = total + squares @ head / difference[0, 0].numel()
        return total

    def rows(self, frames: Tensor) -> Tensor:
        """Return features ``(N, D)`` whose squared Euclidean distances are those of LPIPS.

        Each feature map is divided by its norm over channels, and multiplied by the root of the channel's weight over
        the number of positions.

        Args:
            frames: ``(N, 3, H, W)``, RGB, float32 in 0..1.
        """
        parts = [x / norm * (head / x[0, 0].numel()).sqrt()[:, None, None] for x, norm, head in self._layers(frames)]
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def _layers(self, frames: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the compared feature maps, with their norms over channels and the weights of the channels."""
        shift, scale = (frames.new_tensor(v).reshape(1, 3, 1, 1) for v in (_SHIFT, _SCALE))
        x = channels_last_on_cpu(frames * (2 / scale) - (1 + shift) / scale)
        for (start, stop), head in zip(pairwise((-1, *self.backbone.taps)), self.heads, strict=True):
            x = self.features[start + 1 : stop + 1](x)
            yield x, torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10, head
