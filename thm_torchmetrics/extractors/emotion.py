"""Extract valence, arousal, features and logits of expressions of the face in every frame with EmoNet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors.network import FaceNetwork
from thm_torchmetrics.faces.crops import EMOTION_CROP_SIZE, emotion_crops
from thm_torchmetrics.imaging.resize import resize
from thm_torchmetrics.nets.emonet import EmoNet

AFFECT = slice(0, 2)
"""Columns of valence and arousal in the rows of `Emotion`."""

FEATURES = slice(2, 130)
"""Columns of the features."""

LOGITS = slice(130, None)
"""Columns of the logits of the expressions."""

EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
"""The expressions of ``emonet8`` in the order of its outputs; ``emonet5`` has the first five."""

_EXPRESSIONS = {"emonet8": 8, "emonet5": 5}


@dataclass(frozen=True)
class Emotion(FaceNetwork):
    """Run EmoNet on the square around the face, or on the whole frame without landmarks.

    Attributes:
        mirror: whether the rows are averaged with those of the mirrored image.
    """

    kind = "emotion"
    default_landmarks = "fan"
    whole_frames = True

    mirror: bool = False

    numerics = 2

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the expressions in the order of their logits."""
        return EXPRESSIONS[: _EXPRESSIONS[self.checkpoint.name]]

    def build(self) -> nn.Module:
        """Return the architecture."""
        return EmoNet(_EXPRESSIONS[self.checkpoint.name])

    def extract(self, chunk: Chunk) -> Tensor:
        """Return rows of valence, arousal, 128 features and the logits; NaN if a frame has no face.

        Valence and arousal are not clamped.
        """
        frames, size = chunk.as_uint8(), EMOTION_CROP_SIZE
        if self.landmarks is None:
            return self._rows(resize(frames, (size, size)))
        crops, found = emotion_crops(frames, self.points(chunk))
        return self._rows(crops).masked_fill(~found[:, None], torch.nan)

    def _rows(self, crops: Tensor) -> Tensor:
        network = self.network(crops.device)

        def run(images: Tensor) -> Tensor:
            output = network(images)
            affect = output["valence"][:, None], output["arousal"][:, None]
            return torch.cat([*affect, output["features"], output["expression"]], dim=1)

        def batch(part: Tensor) -> Tensor:
            images = part.to(torch.float32) / 255.0
            return (run(images) + run(images.flip(3))) / 2 if self.mirror else run(images)

        return self.in_batches(batch, crops)
