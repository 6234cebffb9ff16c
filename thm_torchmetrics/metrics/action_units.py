"""Compute AUE-U, AUE-L and AUE from the action unit intensities that OpenFace writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.inputs import ClipInput
from thm_torchmetrics.core.score import Tally
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.functional.action_units import ACTION_UNITS, LOWER, UPPER, squared_errors

Units: TypeAlias = tuple[int, ...]
"""Positions of some units in OpenFace's order."""


class ActionUnitError(FrameMean, key="aue"):
    r"""Compute the action unit error of the whole face (AUE), lower is better, at least 0.

    .. math:: \text{AUE} = \sum_{u} \frac{1}{T} \sum_{t} (\hat a_{u,t} - a_{u,t})^2

    in squared intensity units, over the 17 action units whose intensity (0..5) OpenFace estimates.
    `ActionUnitErrorUpper` and `ActionUnitErrorLower` take the units of the upper and of the lower face; their sum is
    this one.

    Protocols:

    - ``talkinggaussian`` (default): the sum over units, as the scripts of TalkingGaussian and InsTaG print it. Rows are
      paired by position and surplus rows of the longer file are dropped; pass ``align="truncate"`` for that. Those
      scripts keep failed frames (``success`` 0); `media.openface` can filter them.
    - ``mean``: the mean over units instead of the sum; no published source is known.

    The input is ``preds_au`` and ``target_au``, by name or by position: intensities ``(T, 17)`` or ``(B, T, 17)``, or
    lists of ``(T, 17)``, 0..5, in OpenFace's order 01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45. A frame is
    scored if both sides have a value of every unit of the metric; NaN in other units does not matter.

    Args:
        protocol: see above.
        average: ``"frame"`` (default of both protocols) or ``"clip"``.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ActionUnitError
        >>> target = torch.zeros(10, 17)
        >>> ActionUnitError()(preds_au=target + 0.5, target_au=target)  # 17 units * 0.25
        tensor(4.2500, dtype=torch.float64)
    """

    feature_shape = (len(ACTION_UNITS),)
    procedures: ClassVar[Mapping[str, Any]] = {"talkinggaussian": torch.sum, "mean": torch.mean}
    """What is made of the units' errors."""
    units: ClassVar[Units] = tuple(range(len(ACTION_UNITS)))
    """The units of the metric."""
    groups: ClassVar[tuple[Units, ...]] = (units, UPPER, LOWER)
    """The groups of units that the state has sums of, `units` among them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.missing == "error":
            # a run fails by the units of its own metric, so that the metrics of other units need runs of their own
            self.required = self.units

    @property
    def needed_units(self) -> tuple[str, ...]:
        """Return the numbers of the units that a table of OpenFace must hold, such as ``"01"``."""
        return tuple(ACTION_UNITS[unit] for unit in self.units)

    def fields(self) -> Fields:
        """Return the sums of each group of units; a row that lacks a unit counts for the groups without it."""
        each = (len(self.groups),)
        return {"total": (*each, len(ACTION_UNITS)), "weight": each, "scored": each, "aligned": 1, "left_out": 1}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ActionUnitRun:
        """Start the run of one clip."""
        return ActionUnitRun(self, preds, target)

    def update(
        self,
        preds: ClipInput = None,
        target: ClipInput = None,
        *,
        preds_au: ClipInput = None,
        target_au: ClipInput = None,
    ) -> None:
        """Add clips by their action units, given by keyword or as ``preds`` and ``target``."""
        super().update(preds if preds_au is None else preds_au, target if target_au is None else target_au)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the squared error of every unit in every frame."""
        return squared_errors(self.features(preds), self.features(target))

    def contribution(self, sums: Sums) -> Sums:
        """Return the sums that one clip adds to the state.

        With ``average="clip"`` they are its means, with weight 1.
        """
        if self.average == "frame":
            return sums
        added = self.named(sums.vector.clone())
        measured = sums.weight > 0
        added.total = torch.where(measured[:, None], sums.total / sums.weight[:, None], 0.0)
        added.weight = measured.to(sums.vector)
        return added

    def mean(self, sums: Sums) -> Tensor:
        """Return the mean error of each unit of the metric."""
        return sums.total[self._group, list(self.units)] / sums.weight[self._group]

    def from_mean(self, mean: Tensor) -> Tensor:
        """Return the sum, or the mean, over the units."""
        value: Tensor = self.procedures[self.protocol](mean)
        return value

    def tally(self, sums: Sums) -> Tally:
        """Count the frames that have a value of every unit of the metric, and all."""
        counts = torch.stack([sums.scored[self._group], sums.aligned, sums.left_out])
        return Tally(*(int(count) for count in counts.tolist()))

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the error of each unit of the metric."""
        errors = self.mean(sums).tolist()
        return {f"AU{ACTION_UNITS[unit]}": error for unit, error in zip(self.units, errors, strict=True)}

    @property
    def _group(self) -> int:
        return self.groups.index(self.units)


class ActionUnitRun(FrameMeanRun):
    """The run adds the errors of a frame to the sums of every group of units of which it has all."""

    metric: ActionUnitError

    def add_values(self, values: Tensor, weight: float = 1.0) -> None:
        """Add the errors ``(n, 17)`` of some frames, NaN where there is no value."""
        sums = self.sums
        values = values.to(sums.vector)
        for group, units in enumerate(self.metric.groups):
            whole = ~values[:, units].isnan().any(dim=1, keepdim=True)
            total = torch.where(whole, values, 0.0).sum(dim=0)
            count = whole.sum(dtype=values.dtype)
            sums.total[group, units] += weight * total[list(units)]
            sums.weight[group] += weight * count
            sums.scored[group] += count


class ActionUnitErrorUpper(ActionUnitError, key="aue-u", reads_state_of_parent=True):
    """Compute the action unit error of the upper face (AUE-U), lower is better.

    Its units are AU 01 02 04 05 06 07 09 45; for the rest see `ActionUnitError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ActionUnitErrorUpper
        >>> target = torch.zeros(10, 17)
        >>> ActionUnitErrorUpper()(preds_au=target + 0.5, target_au=target)  # 8 units * 0.25
        tensor(2., dtype=torch.float64)
    """

    units = UPPER


class ActionUnitErrorLower(ActionUnitError, key="aue-l", reads_state_of_parent=True):
    """Compute the action unit error of the lower face (AUE-L), lower is better.

    Its units are AU 10 12 14 15 17 20 23 25 26; for the rest see `ActionUnitError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ActionUnitErrorLower
        >>> target = torch.zeros(10, 17)
        >>> ActionUnitErrorLower()(preds_au=target + 0.5, target_au=target)  # 9 units * 0.25
        tensor(2.2500, dtype=torch.float64)
    """

    units = LOWER
