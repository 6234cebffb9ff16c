"""Extract the head pose in degrees, by landmarks or by the angles of a 3-D face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.extractors.face3d import Deep3D
from thm_torchmetrics.faces.head_pose import head_pose
from thm_torchmetrics.functional.face3d import COEFFICIENTS
from thm_torchmetrics.weights import CustomFiles


@dataclass(frozen=True)
class PerspectivePose(Extractor):
    """Estimate the pose by the perspective of six of the 68 landmarks, as `faces.head_pose` does.

    Attributes:
        landmarks: the extractor of the points.
    """

    kind = "pose"
    default_landmarks = "fan"

    landmarks: Extractor

    @classmethod
    def required(cls, name: str) -> tuple[str, ...]:
        """Return no checkpoint; the landmarks have theirs."""
        return ()

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, *, landmarks: Extractor | None = None, **options: Any) -> Self:
        """Return the extractor; ``options`` are those of other extractors of head pose."""
        return cls(landmarks or DlibLandmarks.make("dlib", files))

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "pnp"

    def extract(self, chunk: Chunk) -> Tensor:
        """Return pitch, yaw and roll ``(n, 3)`` in degrees, float64; NaN if a frame has no face."""
        height, width = chunk.rows.shape[-2:]
        return head_pose(chunk.features(self.landmarks), (height, width))


@dataclass(frozen=True)
class Deep3DPose(Extractor):
    """Take the pose from the coefficients of Deep3DFaceRecon, which are computed once for all metrics of them.

    Attributes:
        coefficients: the extractor of the coefficients.
    """

    kind = "pose"
    default_landmarks = "fan"

    coefficients: Deep3D

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, *, landmarks: Extractor | None = None, **options: Any) -> Self:
        """Return the extractor; ``options`` are those of other extractors of head pose.

        Raises:
            WeightsError: if the checkpoint is absent, corrupt or not allowed.
        """
        return cls(Deep3D.make(name, files, landmarks=landmarks))

    @property
    def name(self) -> str:
        """Return the name of the network for reports."""
        return self.coefficients.name

    @property
    def landmarks(self) -> Extractor | None:
        """Return the extractor of the points by which the face is cropped."""
        return self.coefficients.landmarks

    def extract(self, chunk: Chunk) -> Tensor:
        """Return the angles about x, y and z ``(n, 3)`` in degrees; NaN if a frame has no face."""
        return torch.rad2deg(chunk.features(self.coefficients)[:, COEFFICIENTS["angle"]])
