"""Detect faces with the two S3FD detectors, SyncNet's and face-alignment's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.network import PooledNetwork
from thm_torchmetrics.faces.boxes import DetectorOutput, fan_s3fd_faces, s3fd_faces
from thm_torchmetrics.imaging.resize import resize_by
from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD
from thm_torchmetrics.nets.s3fd_syncnet import S3FD

_LEAST_SIDE = 28  # least side of the input of SyncNet's detector, which is halved five times
_LEAST_SIDE_FACE_ALIGNMENT = 32  # face-alignment's rounds down where the other rounds up
_MEAN_RGB = (123.0, 117.0, 104.0)
_MEAN_BGR = (104.0, 117.0, 123.0)


@dataclass(frozen=True)
class SyncNetS3FD(PooledNetwork):
    """Run the S3FD of syncnet_python on frames shrunk by a factor.

    Attributes:
        scale: the factor; small faces are not found in small pictures.
        threshold: smallest score, exclusive.
    """

    batch_size: int = 16
    scale: float = 0.25
    threshold: float = 0.9

    def build(self) -> nn.Module:
        """Return the architecture."""
        return S3FD()

    def faces(self, frames: Tensor) -> list[Tensor]:
        """Return boxes ``(k, 5)`` of each frame of ``(n, 3, H, W)``, RGB, uint8, best first.

        They are in pixels of the full frame.

        Raises:
            InputError: if the shrunk frames are too small for the network.
        """
        network = self.network(frames.device)
        mean = torch.tensor(_MEAN_RGB, dtype=torch.float32, device=frames.device).reshape(1, 3, 1, 1)
        size = (frames.shape[-2], frames.shape[-1])
        if round(self.scale * min(size)) < _LEAST_SIDE:
            raise InputError(
                f"frames of {size[1]}x{size[0]} are too small to look for faces at scale {self.scale:g}: {_LEAST_SIDE} "
                "pixels must be left; pass facedet_scale=1, or a protocol that takes whole frames, such as wav2lip-lrs"
            )
        found: list[Tensor] = []

        def detect(batch: Tensor) -> Tensor:
            small = resize_by(batch, self.scale)
            loc, conf = network(small.to(torch.float32) - mean)
            output = DetectorOutput(loc, conf, (small.shape[-2], small.shape[-1]))
            found.extend(s3fd_faces([output], size, self.threshold))
            return batch.new_empty(0)

        self.in_batches(detect, frames)
        return found


@dataclass(frozen=True)
class FaceAlignmentS3FD(PooledNetwork):
    """Run the S3FD of face-alignment on frames at their own size."""

    batch_size: int = 8

    def build(self) -> nn.Module:
        """Return the architecture."""
        return FanS3FD()

    def faces(self, chunk: Chunk) -> list[Tensor]:
        """Return boxes ``(k, 5)`` of each frame, best first; the chunk caches them.

        Raises:
            InputError: if the frames are too small for the network.
        """
        found: list[Tensor] = chunk.cached((self, "faces"), lambda: self._detect(chunk.as_uint8()))
        return found

    def _detect(self, frames: Tensor) -> list[Tensor]:
        (height, width), least = frames.shape[-2:], _LEAST_SIDE_FACE_ALIGNMENT
        if min(height, width) < least:
            raise InputError(
                f"the face detector of fan needs frames of at least {least}x{least} pixels, got {width}x{height}; "
                'enlarge them, or take the landmarks of "dlib"'
            )
        network = self.network(frames.device)
        mean = torch.tensor(_MEAN_BGR, dtype=torch.float32, device=frames.device).reshape(1, 3, 1, 1)
        found: list[Tensor] = []

        def detect(batch: Tensor) -> Tensor:
            loc, conf = network(batch.flip(1).to(torch.float32) - mean)
            found.extend(fan_s3fd_faces(DetectorOutput(loc, conf, (batch.shape[-2], batch.shape[-1]))))
            return batch.new_empty(0)

        self.in_batches(detect, frames)
        return found
