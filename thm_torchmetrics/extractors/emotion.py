"""Valence, arousal and emotion features of the face in every frame: EmoNet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.landmarks import crop_landmarks
from thm_torchmetrics.extractors.network import FrozenNetwork, CustomFiles
from thm_torchmetrics.faces.crops import EMOTION_CROP_SIZE, emotion_crops
from thm_torchmetrics.imaging.resize import resize
from thm_torchmetrics.nets.emonet import EmoNet

AFFECT = slice(0, 2)
"""Columns of valence and arousal in what `Emotion` returns."""

FEATURES = slice(2, None)
"""Columns of the features."""

_EXPRESSIONS = {"emonet8": 8, "emonet5": 5}


def emotion_makers(
    files: CustomFiles = None,
    *,
    whole_frame: bool = False,
    landmarks: str = "fan",
    face: str = "largest",
    mirror: bool = False,
) -> dict[str, Callable[[], Any]]:
    """What makes each emotion extractor, by name.

    Args:
        files: the user's own checkpoints; a single file is EmoNet's.
        whole_frame: whether the network sees the whole frame instead of the face.
        landmarks: what finds the face, ``fan`` or ``dlib``.
        face: which face of a frame counts: ``largest``, ``first`` (best score), ``last`` (worst) or ``center``.
        mirror: whether to average with what the network makes of the mirrored image.
    """

    def emonet(name: str) -> Emotion:
        points = None if whole_frame else crop_landmarks(landmarks, files, face)
        return Emotion.of(name, files, landmarks=points, mirror=mirror)

    return {name: lambda name=name: emonet(name) for name in _EXPRESSIONS}  # type: ignore[misc]


@dataclass(frozen=True)
class Emotion(FrozenNetwork):
    """EmoNet, on the square around the face's landmarks, or on the whole frame where there are no landmarks.

    Attributes:
        landmarks: the extractor of the 68 points; None for the whole frame.
        mirror: whether the rows are averaged with those of the mirrored image.
    """

    landmarks: Any = None
    mirror: bool = False

    def __str__(self) -> str:
        return self.weight

    def build(self) -> nn.Module:
        """The architecture."""
        return EmoNet(_EXPRESSIONS[self.weight])

    def extract(self, chunk: Chunk) -> Tensor:
        """Rows ``(n, 130)``: valence, arousal (not clamped) and 128 features; NaN where a frame has no face."""
        frames, size = chunk.as_uint8(), EMOTION_CROP_SIZE
        if self.landmarks is None:
            return self._rows(resize(frames, (size, size)))
        crops, found = emotion_crops(frames, chunk.features(self.landmarks))
        return self._rows(crops).masked_fill(~found[:, None], torch.nan)

    def _rows(self, crops: Tensor) -> Tensor:
        network = self.network(crops.device)

        def run(images: Tensor) -> Tensor:
            output = network(images)
            return torch.cat([output["valence"][:, None], output["arousal"][:, None], output["features"]], dim=1)

        def batch(part: Tensor) -> Tensor:
            images = part.to(torch.float32) / 255.0
            return (run(images) + run(images.flip(3))) / 2 if self.mirror else run(images)

        return self.in_batches(batch, crops)
