"""TITLE core/frechet_distance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.metric import Score, TalkingHeadMetric, Tally
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.frechet import frechet_distance, frechet_sums


class FrechetDistance(TalkingHeadMetric):
    """A Fréchet distance between the features of all generated and of all real frames, whose numbers may differ.

    State: for each side the sum over frames of the outer product of ``(1, feature)`` with itself, which holds their
    number, their sum and their second moments; and the number of frames seen on both sides.
    """

    paired = False
    pooled = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.average == "clip":
            raise InputError(f'{type(self).__name__} compares whole sets of frames; it has no average="clip"')

    def _allocate(self, size: int, family: str, **options: Any) -> None:
        self.num_features = size
        super()._allocate(2 * (size + 1) ** 2 + 1, family, **options)

    def _measure(self, preds: Chunk | None, target: Chunk | None) -> Tensor | None:
        blocks = [self._side(chunk) for chunk in (preds, target)]
        return torch.cat([*blocks, blocks[0].new_zeros(1)])

    def _side(self, chunk: Chunk | None) -> Tensor:
        if chunk is None:
            return torch.zeros((self.num_features + 1) ** 2, dtype=torch.float64, device=self.sums.device)
        features = self._features(chunk)
        if features.shape[1] != self.num_features:
            raise InputError(
                f"{type(self).__name__} was made for {self.num_features} features per frame and got "
                f"{features.shape[1]}; pass num_features={features.shape[1]}"
            )
        return frechet_sums(features).flatten()

    def _finish(self, clip: Tensor) -> None:
        clip[-1] = sum(self._lengths)

    def _blocks(self, sums: Tensor) -> tuple[Tensor, Tensor]:
        preds, target = sums[:-1].reshape(2, self.num_features + 1, self.num_features + 1)
        return preds, target

    def _counts(self, sums: Tensor) -> tuple[int, int]:
        preds, target = (int(block[0, 0]) for block in self._blocks(sums))
        return preds, target

    def _value(self, sums: Tensor) -> Tensor:
        return frechet_distance(*self._blocks(sums))

    def tally(self, sums: Tensor) -> Tally:
        """Frames with features and frames seen, of both sides together."""
        return Tally(sum(self._counts(sums)), int(sums[-1]), 0)

    def score(self, clip: Tensor) -> Score:
        """How many frames a clip added; a distance of distributions has no value per clip."""
        return Score(None, self.tally(clip).scored, 0, None)

    def _detail(self, sums: Tensor) -> dict[str, Any]:
        preds, target = self._counts(sums)
        return {"frames_preds": preds, "frames_target": target}
