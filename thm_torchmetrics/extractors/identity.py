"""Identity embeddings of the face in every frame: ArcFace's networks, dlib's, or a pack of the insightface package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.dlib import DlibEmbedding
from thm_torchmetrics.extractors.insightface import InsightFace
from thm_torchmetrics.extractors.landmarks import crop_landmarks
from thm_torchmetrics.extractors.network import FrozenNetwork, CustomFiles
from thm_torchmetrics.faces.boxes import FACE_RULES
from thm_torchmetrics.faces.crops import ARCFACE_SIZE, arcface_crops
from thm_torchmetrics.imaging.resize import resize
from thm_torchmetrics.nets.iresnet import IResNet, iresnet18, iresnet50, iresnet100

_NETWORKS: Mapping[str, Callable[[], IResNet]] = MappingProxyType(
    {"arcface-r100": iresnet100, "arcface-r50": iresnet50, "arcface-r18": iresnet18}
)


def identity_makers(
    files: CustomFiles = None, *, whole_frame: bool = False, landmarks: str | None = None, face: str = "largest"
) -> dict[str, Callable[[], Any]]:
    """What makes each identity extractor, by name.

    Args:
        files: the user's own checkpoints; a single file is the recognition network's.
        whole_frame: whether the network sees the whole frame instead of the face.
        landmarks: what finds the face, ``fan`` or ``dlib``; default: ``dlib`` for dlib's network, else ``fan``.
            ``insightface`` brings its own detector.
        face: which face of a frame counts: ``largest``, ``first`` (best score), ``last`` (worst) or ``center``.

    Raises:
        InputError: if there is no such rule; when made, if the extractor cannot work on whole frames.
    """
    if face not in FACE_RULES:
        raise InputError(f"face must be one of {', '.join(map(repr, FACE_RULES))}, got {face!r}")

    def arcface(name: str) -> ArcFace:
        points = None if whole_frame else crop_landmarks(landmarks or "fan", files, face)
        return ArcFace.of(name, files, landmarks=points)

    def on_faces(name: str, make: Callable[[], Any]) -> Any:
        if whole_frame:
            raise InputError(f"the extractor {name!r} works on aligned faces only; take the protocol 'aligned'")
        return make()

    return {
        **{name: lambda name=name: arcface(name) for name in _NETWORKS},  # type: ignore[misc]
        "insightface": lambda: on_faces("insightface", lambda: InsightFace.of(files, face)),
        "dlib": lambda: on_faces(
            "dlib", lambda: DlibEmbedding.of(files, crop_landmarks(landmarks or "dlib", files, face))
        ),
    }


@dataclass(frozen=True)
class ArcFace(FrozenNetwork):
    """The IResNets of ArcFace, on the face aligned by five points, or on the whole frame where there are no landmarks.

    Attributes:
        landmarks: the extractor of the 68 points that the face is aligned by; None for the whole frame.
    """

    landmarks: Any = None

    def __str__(self) -> str:
        return self.weight

    def build(self) -> nn.Module:
        """The architecture."""
        return _NETWORKS[self.weight]()

    def extract(self, chunk: Chunk) -> Tensor:
        """Embeddings ``(n, 512)``, not normalised; NaN where a frame has no face."""
        frames = chunk.as_uint8()
        network = self.network(frames.device)

        def embed(crops: Tensor) -> Tensor:
            embeddings: Tensor = network((crops.to(torch.float32) / 255.0 - 0.5) / 0.5)
            return embeddings

        if self.landmarks is None:
            return self.in_batches(embed, resize(frames, (ARCFACE_SIZE, ARCFACE_SIZE)))
        crops, found = arcface_crops(frames, chunk.features(self.landmarks))
        return self.in_batches(embed, crops).masked_fill(~found[:, None], torch.nan)


def _pictures(chunk: Chunk) -> np.ndarray:
    pictures: np.ndarray = chunk.as_uint8().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pictures
