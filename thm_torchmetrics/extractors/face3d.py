"""Extract the 257 coefficients of a 3-D face with Deep3DFaceRecon's network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FaceNetwork
from thm_torchmetrics.faces.deep3d import crop
from thm_torchmetrics.nets.deep3d import Deep3DNet

NUM_COEFFICIENTS = 257

RELEASES = ("deep3d", "deep3d-2023")
"""The two published checkpoints, both named ``epoch_20.pth``: the first release, and the update of April 2023."""


@dataclass(frozen=True)
class Deep3D(FaceNetwork):
    """Run Deep3DFaceRecon's ResNet-50 (Y. Deng et al., 2019) on the aligned face.

    The face is cropped to 224x224 by five points of its landmarks.
    """

    kind = "face3d"
    default_landmarks = "fan"

    @property
    def name(self) -> str:
        """Return the release with the checkpoint's hash, else the name under which it was given."""
        same = (name for name in RELEASES if weights.registry()[name].sha256 == self.checkpoint.sha256)
        return next(same, self.checkpoint.name)

    def build(self) -> nn.Module:
        """Return the architecture."""
        return Deep3DNet()

    def extract(self, chunk: Chunk) -> Tensor:
        """Return coefficients ``(n, 257)``; NaN if a frame has no face.

        The columns are those of `functional.face3d.COEFFICIENTS`.
        """
        frames = chunk.as_uint8()
        network = self.network(frames.device)

        def estimate(crops: Tensor) -> Tensor:
            coefficients: Tensor = network(crops.to(torch.float32) / 255.0)
            return coefficients

        crops, found = crop(frames, self.points(chunk))
        return self.in_batches(estimate, crops).masked_fill(~found[:, None], torch.nan)
