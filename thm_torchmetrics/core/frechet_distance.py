"""A Fréchet metric compares the distributions of two sets of features."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.score import ClipScore, Tally
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.frechet import frechet_distance, frechet_sums


class FrechetDistance(TalkingHeadMetric):
    """Compute the Fréchet distance between the features of all generated and all real frames.

    The numbers of frames of the two sides may differ. Each side sums, over its frames, the outer product of
    ``(1, feature)`` with itself, which holds their number, their sum and their second moments. ``seen`` counts the
    frames of both sides.

    Args:
        num_features: length of a feature.
        kwargs: the options of `TalkingHeadMetric`.
    """

    paired = False
    pooled = True
    averages = ("frame",)

    def __init__(self, *, num_features: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_features = num_features

    def fields(self) -> Fields:
        """Return the sums of both sides."""
        size = (self.num_features + 1, self.num_features + 1)
        return {"preds": size, "target": size, "seen": 1}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return FrechetRun(self, preds, target)

    def value(self, sums: Sums) -> Tensor:
        """Return the distance; NaN below two frames a side."""
        return frechet_distance(sums.preds, sums.target)

    def tally(self, sums: Sums) -> Tally:
        """Count the frames with features and the frames seen, of both sides together."""
        return Tally(sum(self.counts(sums)), int(sums.seen), 0)

    def counts(self, sums: Sums) -> tuple[int, int]:
        """Count the frames with features of each side."""
        return int(sums.preds[0, 0]), int(sums.target[0, 0])

    def score(self, run: ClipRun[Any]) -> ClipScore:
        """Return the number of frames of a clip; a distance of sets has no value per clip."""
        return ClipScore(None, self.tally(run.sums).scored, 0)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the numbers of frames of each side."""
        preds, target = self.counts(sums)
        return {"frames_preds": preds, "frames_target": target}


class FrechetRun(ClipRun[FrechetDistance]):
    """The run adds the features of each side separately."""

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the features of both sides."""
        for name, chunk in (("preds", preds), ("target", target)):
            if chunk is None:
                continue
            features = self.metric.features(chunk)
            if features.shape[1] != self.metric.num_features:
                raise InputError(
                    f"{type(self.metric).__name__} was made for {self.metric.num_features} features per frame and got "
                    f"{features.shape[1]}; pass num_features={features.shape[1]}"
                )
            getattr(self.sums, name).add_(frechet_sums(features).to(self.sums.vector.device))

    def close(self) -> None:
        """Count the frames seen."""
        self.sums.seen = sum(self.lengths)
