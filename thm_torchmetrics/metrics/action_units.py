"""Compute AUE-U, AUE-L and AUE from the action unit intensities that OpenFace writes."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.core.inputs import ClipInput
from thm_torchmetrics.core.sums import Sums
from thm_torchmetrics.functional.action_units import ACTION_UNITS, LOWER, UPPER, squared_errors


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
    - ``mean``: the mean over units instead of the sum.

    The input is ``preds_au`` and ``target_au``, by name or by position: intensities ``(T, 17)`` or ``(B, T, 17)``, or
    lists of ``(T, 17)``, in OpenFace's order 01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26 45.

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
    width = len(ACTION_UNITS)
    units: ClassVar[tuple[int, ...]] = tuple(range(len(ACTION_UNITS)))
    """Positions of the units in the metric's group."""

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

    def from_mean(self, mean: Tensor) -> Tensor:
        """Return the sum, or the mean, over the units of the group."""
        errors = mean[list(self.units)]
        return errors.mean() if self.protocol == "mean" else errors.sum()

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the error of each unit of the group."""
        errors = self.mean(sums).tolist()
        return {f"AU{ACTION_UNITS[unit]}": errors[unit] for unit in self.units}


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
