"""Compute KID, the kernel inception distance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import whole_number
from thm_torchmetrics.core.precision import narrowest
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.core.warn import warn_caller
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.inception import NUM_FEATURES
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.functional.kernel_distance import kernel_distance
from thm_torchmetrics.weights import CustomFiles

_SIDES = ("preds", "target")


class KernelInceptionDistance(SetDistance, key="kid"):
    r"""Compute the kernel inception distance (KID), lower is better; about 0, or just below, for equal distributions.

    The squared maximum mean discrepancy of the Inception features of all generated and all real frames, with the kernel
    ``k(x, y) = (x . y / D + 1)^3`` (M. Binkowski et al., 2018); `functional.kernel_distance` has the formula. The
    estimate is unbiased for any number of frames from 2, where FID of few frames is too large. Papers often print
    1,000 times the value. The numbers of frames of the two sides may differ.

    Protocols:

    - ``torch-fidelity`` (default): features as ``fid:torch-fidelity`` makes them. github.com/toshas/torch-fidelity
      prints the mean over 100 random subsets of 1,000 frames, and refuses fewer frames. The value here is what that
      mean estimates: that over all subsets, of any size. It depends on no order and no seed.

    The kernel needs the features themselves, so memory is bounded by a sample: up to ``max_samples`` frames of each
    side are kept, which takes 16 (D + 1) bytes a frame of the limit in each copy of the state, 134 MB as it stands. Of
    more frames a random sample is taken: a hash of its features decides whether a frame is kept, so the sample is the
    same whatever the order, the batches and the number of processes. Features that differ in the last bits, as those
    of two devices do, give another sample. ``compute`` warns where frames were left out in this way.

    With ``extractor=None`` the input is features, ``(T, num_features)``.

    Args:
        protocol: see above.
        extractor: ``"inception"``; a module that maps ``(N, 3, H, W)``, float32 in 0..1, to ``(N, num_features)``; or
            None.
        num_features: length of a feature.
        max_samples: the most frames of a side that are kept, at least 2.
        weights: your own checkpoint, or several by name.
        kwargs: the options of `SetDistance`, such as ``reset_target`` and ``target``, and of `TalkingHeadMetric`.

    Raises:
        InputError: if ``max_samples`` is no whole number of at least 2; on ``update``, if features have another length.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import KernelInceptionDistance
        >>> metric = KernelInceptionDistance(extractor=None, num_features=1)
        >>> metric(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])).item()  # 1 + 8 - 2 (1 + 27) / 2
        -19.0
    """

    feature_shape = (None,)
    procedures: ClassVar[Mapping[str, Any]] = {"torch-fidelity": kernel_distance}

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "inception",
        num_features: int = NUM_FEATURES,
        max_samples: int = 4096,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.num_features = whole_number("num_features", num_features, 1)
        self.max_samples = whole_number("max_samples", max_samples, 2)
        self.extractor = make_extractor("inception", extractor, weights, protocol=self.protocol)

    @property
    def side_shape(self) -> tuple[int, ...]:
        """Return the shape of the state of one side.

        The first row begins with the number of frames. In the others stand the kept frames: the hash, which is above 0
        and falls from row to row, and the features. Rows of zeros are free.
        """
        return self.max_samples + 1, self.num_features + 1

    def count(self, side: Tensor) -> int:
        """Return the number of frames of one side that have features, kept or not."""
        return int(side[0, 0])

    def merged(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the state of all frames of two states: numbers add up, and the frames of largest hashes stay."""
        states = self.named(one), self.named(other)
        sides = {name: [getattr(state, name) for state in states] for name in _SIDES}
        rows = {name: _largest(torch.cat([*map(_kept, each)]), self.max_samples) for name, each in sides.items()}
        counts = {name: first[0, 0] + second[0, 0] for name, (first, second) in sides.items()}
        return self.filled(rows, counts, states[0].seen + states[1].seen).vector

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return SampleRun(self, preds, target)

    def compute(self) -> Tensor:
        """Return the distance, with a warning where it is of a sample of the frames; NaN below two frames a side."""
        value = super().compute()
        counts = self._counts(self.named(self.sums))
        if max(counts) > self.max_samples:
            warn_caller(
                f"KID of {counts[0]} generated and {counts[1]} real frames is of a random sample of at most "
                f"{self.max_samples} a side; pass max_samples={max(counts)} to measure all"
            )
        return value

    def value(self, sums: Sums) -> Tensor:
        """Return the distance; NaN below two frames a side."""
        preds, target = (_kept(side)[:, 1:] for side in self.sides(sums))
        return kernel_distance(preds, target)

    def unpacked(self, arrays: Mapping[str, Tensor]) -> Sums:
        """Return what a clip adds to the state, from its features."""
        rows = {name: hashed(arrays[name]) for name in _SIDES}
        return self.filled(rows, {name: arrays[f"{name}_count"] for name in _SIDES}, arrays["seen"])

    def filled(self, rows: Mapping[str, Tensor], counts: Mapping[str, Any], seen: Tensor) -> Sums:
        """Return the sums of the kept rows of both sides, which begin with their hash, and of the numbers of frames."""
        sums = self.named(torch.zeros_like(self.sums))
        sums.seen = seen
        for name in _SIDES:
            side = getattr(sums, name)
            side[0, 0] = counts[name]
            side[1 : len(rows[name]) + 1] = rows[name]
        return sums


class SampleRun(ClipRun[KernelInceptionDistance]):
    """The run keeps the features of both sides, those of the largest hashes if there are too many."""

    def __init__(
        self, metric: KernelInceptionDistance, preds: AnyClip | None = None, target: AnyClip | None = None
    ) -> None:
        super().__init__(metric, preds, target)
        self._rows = {name: torch.zeros(0, metric.num_features + 1, dtype=torch.float64) for name in _SIDES}
        self._counts = dict.fromkeys(_SIDES, 0)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the features of both sides.

        Raises:
            InputError: if they have another shape.
        """
        for name, chunk in zip(_SIDES, (preds, target), strict=True):
            if chunk is None:
                continue
            features = self.metric.features(chunk)
            check_shape(name, features, ("N", self.metric.num_features), "features")
            rows = hashed(features[~features.isnan().any(dim=1)])
            self._counts[name] += len(rows)
            self._rows[name] = _largest(torch.cat([self._rows[name], rows]), self.metric.max_samples)

    def close(self) -> None:
        """Put the clip into its sums."""
        self.sums = self.metric.filled(self._rows, self._counts, torch.tensor(self.lengths))

    def packed(self) -> dict[str, Tensor]:
        """Return the features, as float32 where that holds them; `KernelInceptionDistance.unpacked` reads them."""
        arrays = {name: narrowest(rows[:, 1:]) for name, rows in self._rows.items()}
        counts = {f"{name}_count": torch.tensor(count) for name, count in self._counts.items()}
        return {**arrays, **counts, "seen": torch.tensor(self.lengths)}


def hashed(features: Tensor) -> Tensor:
    """Return rows of a hash, above 0 and up to 1, which its features alone decide, and the features.

    Args:
        features: ``(n, D)``, finite.

    Returns:
        ``(n, D + 1)`` float64, on the CPU.
    """
    rows = features.cpu().to(torch.float64) + 0.0  # no negative zeros
    digests = [hashlib.blake2b(row.numpy().tobytes(), digest_size=8).digest() for row in rows]
    hashes = [((int.from_bytes(digest, "little") >> 11) + 1) / 2**53 for digest in digests]
    return torch.cat([torch.tensor(hashes, dtype=torch.float64).reshape(-1, 1), rows], dim=1)


def _kept(side: Tensor) -> Tensor:
    """Return the rows of one side that hold frames, which are its first."""
    return side[1 : int(side[1:, 0].count_nonzero()) + 1]


def _largest(rows: Tensor, most: int) -> Tensor:
    """Return the rows of the largest hashes, in falling order."""
    return rows[rows[:, 0].topk(min(most, len(rows))).indices]
