"""A Fréchet metric compares the distributions of two sets of features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import whole_number
from thm_torchmetrics.core.precision import narrowest
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.core.warn import warn_caller
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.functional.frechet import frechet_distance, frechet_gradient, frechet_sums

_TOLERATED = 1e-4
"""The share of the distance that rounding may make up without a warning."""

_NOISE = 1e-6
"""The share of the variances below which rounding matters to no distance, not even to one near 0."""


class FrechetDistance(SetDistance):
    """Compute the Fréchet distance between the features of all generated and all real frames.

    The numbers of frames of the two sides may differ. Each side sums, over its frames, the outer product of
    ``(1, feature)`` with itself, which holds their number, their sum and their second moments. ``seen`` counts the
    frames of each side. Where the mean of the features is more than about 10^6 times their deviation, sums in float64
    cannot hold the deviation, and ``compute`` warns.

    Args:
        num_features: length of a feature.
        kwargs: the options of `SetDistance`.
    """

    def __init__(self, *, num_features: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_features = whole_number("num_features", num_features, 1)

    @property
    def dimensions(self) -> int:
        """Return how many features of a sample are compared; all by default."""
        return self.num_features

    def compared(self, features: Tensor) -> Tensor:
        """Return the features that are compared, ``(n, dimensions)``; all by default."""
        return features

    @property
    def side_shape(self) -> tuple[int, ...]:
        """Return the shape of the sums of one side."""
        return self.dimensions + 1, self.dimensions + 1

    def count(self, side: Tensor) -> int:
        """Return the number of samples in the sums of one side."""
        return int(side[0, 0])

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return FrechetRun(self, preds, target)

    def compute(self) -> Tensor:
        """Return the distance, with a warning where the sums cannot hold it, or where there are few frames.

        It is NaN below two frames a side.
        """
        value = super().compute()
        sides = self.sides(self.named(self.sums))
        error, variance = (sum(parts) for parts in zip(*map(_rounding, sides), strict=True))
        if error > max(_TOLERATED * float(value), _NOISE * variance):
            warn_caller(
                f"{type(self).__name__} is {float(value):.4g}, of which {error:.2g} may be rounding: the mean of the "
                "features is too large for their deviation; subtract one vector, such as the mean of some real "
                "features, from the features of both sides, which leaves the distance as it is"
            )
        return value

    def value(self, sums: Sums) -> Tensor:
        """Return the distance; NaN below two frames a side."""
        return frechet_distance(*self.sides(sums), **self.convention)

    @property
    def convention(self) -> Mapping[str, Any]:
        """Return how `frechet_distance` forms the covariances; default: over ``n - 1``."""
        return {}

    @property
    def has_gradient(self) -> bool:
        """Return whether `gradient` knows the distance of the protocol."""
        return True

    def gradient(self, sums: Sums) -> Tensor:
        """Return the gradient of the distance with respect to the vector of sums; see `frechet_gradient`."""
        found = self.named(torch.zeros_like(sums.vector))
        found.preds, found.target = frechet_gradient(*self.sides(sums), **self.convention)
        return found.vector

    def unpacked(self, arrays: Mapping[str, Tensor]) -> Sums:
        """Return the sums of a clip's features, which are added in the order and the parts of the run."""
        if "sums" in arrays:
            return super().unpacked(arrays)
        sums = self.named(torch.zeros_like(self.sums))
        for name in self.fields().keys() - {"preds", "target"}:
            setattr(sums, name, arrays[name])
        for name in ("preds", "target"):
            rows = arrays[name].to(sums.vector)
            for part in torch.split(rows, arrays[f"{name}_parts"].tolist()):
                getattr(sums, name).add_(frechet_sums(part))
        return sums


class FrechetRun(ClipRun[FrechetDistance]):
    """The run adds the features of each side separately."""

    def __init__(self, metric: FrechetDistance, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        super().__init__(metric, preds, target)
        self._rows: dict[str, list[Tensor]] | None = {"preds": [], "target": []}

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Add the features of both sides."""
        for name, chunk in (("preds", preds), ("target", target)):
            if chunk is None:
                continue
            self.add_features(name, self.metric.features(chunk))

    def add_features(self, name: str, features: Tensor) -> None:
        """Add features ``(n, num_features)`` of one side.

        Raises:
            InputError: if they have another shape.
        """
        check_shape(name, features, ("N", "D"), "features")
        if features.shape[1] != self.metric.num_features:
            raise InputError(
                f"{type(self.metric).__name__} was made for {self.metric.num_features} features per "
                f"{self.metric.counted.removesuffix('s')} and got {features.shape[1]}; pass "
                f"num_features={features.shape[1]}"
            )
        rows = self.metric.compared(features)
        getattr(self.sums, name).add_(frechet_sums(rows).to(self.sums.vector.device))
        self._keep(name, rows)

    def packed(self) -> dict[str, Tensor]:
        """Return the features themselves as long as they are fewer numbers than their sums.

        Those that float32 holds are packed as float32. ``preds_parts`` and ``target_parts`` are the numbers of rows
        that were added at once, by which `FrechetDistance.unpacked` gives the same sums to the last bit.
        """
        if self._rows is None:
            return super().packed()
        width = self.metric.dimensions
        counts = self.metric.fields().keys() - self._rows.keys()
        arrays = {name: getattr(self.sums, name).clone() for name in counts}
        for name, parts in self._rows.items():
            arrays[name] = torch.cat(parts) if parts else torch.zeros(0, width, dtype=torch.float32)
            arrays[f"{name}_parts"] = torch.tensor([len(part) for part in parts], dtype=torch.int64)
        return arrays

    def _keep(self, name: str, features: Tensor) -> None:
        """Keep the rows of a side for `packed`, unless there are too many."""
        if self._rows is None:
            return
        self._rows[name].append(narrowest(features).cpu())
        if sum(part.nbytes for rows in self._rows.values() for part in rows) > self.sums.vector.nbytes:
            self._rows = None

    def close(self) -> None:
        """Count the frames seen."""
        self.sums.seen = self.sums.vector.new_tensor(self.lengths)


def _rounding(sums: Tensor) -> tuple[float, float]:
    """Return what float64 may round off the variances of one side, and their sum."""
    count, total, squares = float(sums[0, 0]), sums[0, 1:], sums.diagonal()[1:]
    if count < 2:
        return 0.0, 0.0
    square_of_mean = float((total / count).square().sum())
    return torch.finfo(sums.dtype).eps * square_of_mean, float(squares.sum()) / count - square_of_mean
