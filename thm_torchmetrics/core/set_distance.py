"""A set metric compares all generated samples with all real ones; the real side can be kept, or saved."""

from __future__ import annotations

from abc import abstractmethod
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import why_missing
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.fingerprint import weights_digest
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.score import ClipScore, Tally
from thm_torchmetrics.core.statistics_file import SavedStatistics
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.core.warn import warn_caller

_WITHOUT_BEARING = frozenset(
    (
        "protocol",
        "extractor",
        "average",
        "align",
        "missing",
        "resize",
        "target",
        "reset_target",
        "inputs",
        "weights",
        "target_sha256",
        "region_sha256",
    )
)
"""Options that bear on no feature of a real sample, or that are compared by themselves."""


class SetDistance(TalkingHeadMetric):
    """A set metric has one value over all samples, frames or clips, and none per clip.

    The numbers of samples of the two sides may differ, and ``update`` takes one side alone: ``update(preds, [])`` or
    ``update([], target)``.

    Real samples that stay the same need to be measured once only. With ``reset_target=False``, ``reset`` keeps the real
    side, as ``reset_real_features=False`` of torchmetrics does. `save_target` writes its statistics to a file, which
    another metric of equal settings reads with ``target=FILE``; then it needs no ``target`` in ``update``.

    Args:
        target: file of the statistics of the real side.
        reset_target: whether ``reset`` removes the real side, too.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if the statistics are of another metric, protocol, network, weights or options.
    """

    paired = False
    pooled = True
    averages = ("frame",)
    few: ClassVar[str] = ""
    """What few samples do to the value, for the warning."""

    _keeps_target = True

    def __init__(self, *, target: str | Path | None = None, reset_target: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset_target = reset_target
        self.target = None if target is None else str(target)
        self._saved: SavedStatistics | None = None
        if target is not None:
            self._saved = SavedStatistics.read(target)
            self.target_sha256 = self._saved.sha256
            self.inputs = ("preds",)

    @property
    def enough(self) -> int:
        """Return the number of samples a side below which `compute` warns."""
        return 0

    @property
    @abstractmethod
    def side_shape(self) -> tuple[int, ...]:
        """Return the shape of the sums of one side."""

    @abstractmethod
    def count(self, side: Tensor) -> int:
        """Return the number of samples in the sums of one side."""

    def fields(self) -> Fields:
        """Return the sums of both sides, and how many samples of each were seen."""
        return {"preds": self.side_shape, "target": self.side_shape, "seen": 2}

    def sides(self, sums: Sums) -> tuple[Tensor, Tensor]:
        """Return the sums of both sides, of which the real one may be saved statistics."""
        return sums.preds, sums.target if self._saved is None else self._saved.target.to(sums.vector)

    def compute(self) -> Tensor:
        """Return the distance, with a warning where there are few samples; NaN below two a side."""
        value = super().compute()
        counts = self._counts(self.named(self.sums))
        if not torch.isnan(value) and min(counts) < self.enough:
            warn_caller(
                f"{self.key.upper()} of {counts[0]} generated and {counts[1]} real {self.counted}: below {self.enough} "
                f"a side {self.few}"
            )
        return value

    # ---- the real side

    def reset(self) -> None:
        """Remove everything added so far; with ``reset_target=False`` only the generated side."""
        kept = self.named(self.sums)
        super().reset()
        if self.reset_target or not self._keeps_target:
            return
        sums = self.named(torch.zeros_like(self.sums))
        sums.target = kept.target
        for name in self.fields().keys() - {"preds", "target"}:
            getattr(sums, name)[1] = getattr(kept, name)[1]
        vars(self)[self._state_name] = sums.vector

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the metric of this batch alone, and add the batch to the state."""
        self._keeps_target = False  # torchmetrics resets the metric to measure the batch
        try:
            return super().forward(*args, **kwargs)
        finally:
            self._keeps_target = True

    @property
    def sees_target(self) -> bool:
        """Return whether real samples were added."""
        return bool(self.named(self.sums).seen[1])

    def save_target(self, path: str | Path, data: str = "") -> None:
        """Write the statistics of the real side, for ``target=`` of a metric of equal settings.

        In a distributed run, call it on one process within ``metric.sync_context()``, in which the state is that of all
        processes.

        Args:
            path: the file, usually ``.safetensors``.
            data: what the real samples are, such as a name or a hash.

        Raises:
            InputError: if it cannot be written.
        """
        target = self.sides(self.named(self.sums))[1]
        facts = {**self._facts(), "version": metadata.version("thm-torchmetrics"), "data": data}
        SavedStatistics(target, {**facts, self.counted: self.count(target)}).write(path)

    def _seal(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super()._seal(args, kwargs)
        if self._saved is not None:
            self._saved.check(self._facts(), self.side_shape)

    def _facts(self) -> dict[str, Any]:
        """Return the facts that the statistics of the real side depend on."""
        hashes = {
            checkpoint.name: checkpoint.sha256
            for value in vars(self).values()
            for checkpoint in getattr(value, "checkpoints", ())
        }
        module = getattr(self.extractor, "module", None)
        options = {
            name: value
            for name, value in self.settings().items()
            if name not in _WITHOUT_BEARING and name not in self._of_torchmetrics
        }
        return {
            "metric": self.key or type(self).__name__,
            "protocol": self.protocol,
            "extractor": "" if self.extractor is None else str(self.extractor),
            "weights": hashes if module is None else {"module": weights_digest(module)},
            "options": options,
        }

    # ---- results

    def _counts(self, sums: Sums) -> list[int]:
        """Count the samples of each side, saved ones included."""
        return [self.count(side) for side in self.sides(sums)]

    def tally(self, sums: Sums) -> Tally:
        """Count the samples with features and those seen, of both sides together."""
        return Tally(self.count(sums.preds) + self.count(sums.target), int(sums.seen.sum()), 0)

    def score(self, run: ClipRun[Any]) -> ClipScore:
        """Return the number of samples of a clip; a distance of sets has no value per clip."""
        return ClipScore(None, self.tally(run.sums).scored, 0, why=run.why or None)

    def why_nan(self, sums: Sums) -> str:
        """Return which side has too few samples, for the warning."""
        tally = self.tally(sums)
        if not tally.aligned:
            return super().why_nan(sums)
        sides = zip(("prediction", "target"), self._counts(sums), strict=True)
        word = self.counted.removesuffix("s")
        few = [f"{count} {word}{'s' * (count != 1)} of the {side}" for side, count in sides if count < 2]
        missing = tally.aligned - tally.scored
        cause = f"; {self.why_missing(sums, missing)}" if missing else ""
        return f"{' and '.join(few)}: at least 2 needed{cause}"

    def why_missing(self, sums: Sums, missing: int) -> str:
        """Return why some of the samples seen have no features, in words."""
        return why_missing(self.extractor, missing, int(sums.seen.sum()), unit=self.counted.removesuffix("s"))

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the numbers of samples of each side, and what saved statistics are of."""
        preds, target = self._counts(sums)
        found: dict[str, Any] = {f"{self.counted}_preds": preds, f"{self.counted}_target": target}
        return found if self._saved is None else {**found, "target_data": self._saved.facts.get("data", "")}
