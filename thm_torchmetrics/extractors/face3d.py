"""The 257 coefficients of a 3-D face that Deep3DFaceRecon's network estimates in every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from thm_torchmetrics import weights as checkpoints
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.landmarks import crop_landmarks
from thm_torchmetrics.extractors.network import FrozenNetwork, CustomFiles
from thm_torchmetrics.faces.deep3d import crop
from thm_torchmetrics.nets.deep3d import Deep3DNet

NUM_COEFFICIENTS = 257

RELEASES = ("deep3d", "deep3d-2023")
"""Two published checkpoints that share the file name ``epoch_20.pth``: the first one, and the update of April 2023."""


def face3d_makers(
    files: CustomFiles = None, *, landmarks: str = "fan", face: str = "largest"
) -> dict[str, Callable[[], Any]]:
    """What makes each extractor of coefficients, by name.

    Args:
        files: the user's own checkpoints; a single file is the coefficient network's.
        landmarks: what finds the face, ``fan`` or ``dlib``.
        face: which face of a frame counts: ``largest``, ``first`` (best score), ``last`` (worst) or ``center``.

    Raises:
        InputError: when made, if there is no such landmark extractor or rule.
    """
    return {
        name: lambda name=name: Deep3D.of(name, files, landmarks=crop_landmarks(landmarks, files, face))  # type: ignore[misc]
        for name in RELEASES
    }


@dataclass(frozen=True)
class Deep3D(FrozenNetwork):
    """Deep3DFaceRecon's ResNet-50 (Y. Deng et al., 2019) on the face cut to 224x224 by five points of its landmarks.

    Attributes:
        landmarks: the extractor of the 68 points.
    """

    landmarks: Any = None

    def __str__(self) -> str:
        """The release that the checkpoint is by its hash, else the name under which it was given."""
        same = (name for name in RELEASES if checkpoints.registry()[name].sha256 == self.sha256)
        return next(same, self.weight)

    def build(self) -> nn.Module:
        """The architecture."""
        return Deep3DNet()

    def extract(self, chunk: Chunk) -> Tensor:
        """Coefficients ``(n, 257)``, columns as in `functional.face3d.COEFFICIENTS`; NaN where a frame has no face."""
        frames = chunk.as_uint8()
        network = self.network(frames.device)

        def estimate(crops: Tensor) -> Tensor:
            coefficients: Tensor = network(crops.to(torch.float32) / 255.0)
            return coefficients

        crops, found = crop(frames, chunk.features(self.landmarks))
        return self.in_batches(estimate, crops).masked_fill(~found[:, None], torch.nan)
