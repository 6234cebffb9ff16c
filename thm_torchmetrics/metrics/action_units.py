"""Compute AUE-U, AUE-L and AUE from action unit intensities: those that OpenFace writes, or an extractor gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.inputs import ClipInput
from thm_torchmetrics.core.score import Tally
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.extractors.openface_au import DYNAMIC, STATIC
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.action_units import ACTION_UNITS, LOWER, UPPER, squared_errors
from thm_torchmetrics.weights import CustomFiles

Units: TypeAlias = tuple[int, ...]
"""Positions of some units in OpenFace's order."""

_STATIC = "talkinggaussian-static"
_ALL = tuple(range(len(ACTION_UNITS)))


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
    - ``talkinggaussian-static``: the same on tables that ``FeatureExtraction -au_static`` writes, whose units have no
      zero of the clip; ``extractor="openface-au"`` takes the static models.
    - ``mean``: the mean over units instead of the sum; no published source is known.

    By default the input is ``preds_au`` and ``target_au``, by name or by position: intensities ``(T, 17)`` or
    ``(B, T, 17)``, or lists of ``(T, 17)``, 0..5, in OpenFace's order 01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26
    45. A frame is scored if both sides have a value of every unit of the metric; NaN in other units does not matter.

    With an extractor the input is ``preds`` and ``target``, frames:

    - ``"openface-au"``: OpenFace 2.2's own models of the 17 units, on the landmarks of this package. The zero of a unit
      is a quantile of the clip, and each value the mean of three frames, so that a clip is scored when it has ended; 17
      numbers per frame are kept until then. A frame without a face is not scored and is counted; in the means of its
      neighbours it has zeros, as in OpenFace. Surplus frames of the longer clip count for its quantiles; with
      ``align="time"`` they are those of the frames on display.
    - ``"libreface"``, ``"libreface-resnet18"``: LibreFace's networks, of 12 units (01 02 04 05 06 09 12 15 17 20 25 26)
      each frame alone: 6 in the upper and 6 in the lower face, over which the sums run.

    **Never compare values by an extractor with those of OpenFace's tables.** With OpenFace's landmarks the models of
    ``"openface-au"`` give the AUE of its tables to about 1 %. The landmarks decide: on four pairs of 251 frames those
    of dlib gave AUE-U / AUE-L of 0.53 / 2.15 where OpenFace (with CLNF landmarks) has 0.36 / 1.49, 2.17 / 1.42 for 2.20
    / 1.29, 0.19 / 0.79 for 0.42 / 1.46, and 0.65 / 1.38 for 0.66 / 1.20. The models are for academic use: ``thm weights
    fetch openface-au --accept-license``.

    Args:
        protocol: see above.
        average: ``"frame"`` (default of all protocols) or ``"clip"``.
        extractor: see above; a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to intensities ``(N, 17)``;
            or None for given intensities.
        landmarks: the landmarks of the extractor, ``"fan"`` or ``"dlib"``.
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` or ``"center"``.
        upsample: number of times that ``dlib`` doubles the frame before it detects faces.
        weights: your own checkpoints by name; that of ``openface-au`` is a folder of the 19 files.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if the protocol is ``talkinggaussian-static`` and the extractor has no static models.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ActionUnitError
        >>> target = torch.zeros(10, 17)
        >>> ActionUnitError()(preds_au=target + 0.5, target_au=target)  # 17 units * 0.25
        tensor(4.2500, dtype=torch.float64)
    """

    feature_shape = (len(ACTION_UNITS),)
    procedures: ClassVar[Mapping[str, Any]] = {"talkinggaussian": torch.sum, _STATIC: torch.sum, "mean": torch.mean}
    """What is made of the units' errors."""
    units: ClassVar[Units] = _ALL
    """The units of the metric."""
    groups: ClassVar[tuple[Units, ...]] = (units, UPPER, LOWER)
    """The groups of units that the state has sums of, `units` among them."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = None,
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        upsample: int = 0,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        options: dict[str, Any] = {"landmarks": landmarks, "face": face, "upsample": upsample}
        if self.protocol == _STATIC and isinstance(extractor, str) and extractor != DYNAMIC:
            raise InputError(f"{extractor} has no static models; take another protocol, such as {self.protocols[0]!r}")
        if extractor == DYNAMIC:
            options["net"] = STATIC if self.protocol == _STATIC else DYNAMIC
        self.extractor = make_extractor("action_units", extractor, weights, **options)
        self.landmarks = landmarks_in_use(self.extractor)
        if self.extractor is not None:
            self.inputs = ("preds", "target")
        if self.missing == "error":
            # a run fails by the units of its own metric, so that the metrics of other units need runs of their own
            self.required = self.units

    @property
    def needed_units(self) -> tuple[str, ...]:
        """Return the numbers of the units that a table of OpenFace must hold, such as ``"01"``."""
        return tuple(ACTION_UNITS[unit] for unit in self.units)

    def given_units(self, group: Units) -> list[int]:
        """Return the units of a group of which there are intensities: not all, if an extractor knows fewer."""
        known = getattr(self.extractor, "units", ACTION_UNITS)
        return [unit for unit in group if ACTION_UNITS[unit] in known]

    def fields(self) -> Fields:
        """Return the sums of each group of units; a row that lacks a unit counts for the groups without it."""
        each = (len(self.groups),)
        return {"total": (*each, len(ACTION_UNITS)), "weight": each, "scored": each, "aligned": 1, "left_out": 1}

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ActionUnitRun:
        """Start the run of one clip."""
        run = CalibratedRun if hasattr(self.extractor, "intensities") else ActionUnitRun
        return run(self, preds, target)

    def update(
        self,
        preds: ClipInput = None,
        target: ClipInput = None,
        *,
        preds_au: ClipInput = None,
        target_au: ClipInput = None,
    ) -> None:
        """Add clips, by their action units, given by keyword or as ``preds`` and ``target``; or by their frames.

        With an extractor ``preds_au`` and ``target_au`` are ignored.
        """
        if self.extractor is None:
            preds = preds if preds_au is None else preds_au
            target = target if target_au is None else target_au
        super().update(preds, target)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the squared error of every unit in every frame; NaN for units of which there are no intensities."""
        return squared_errors(self.features(preds), self.features(target))

    def features(self, chunk: Chunk) -> Tensor:
        """Return a chunk's rows ``(n, 17)``; NaN in the columns of units that the extractor does not know."""
        rows, known = super().features(chunk), self.given_units(_ALL)
        if len(known) == len(ACTION_UNITS):
            return rows
        whole = rows.new_full((len(rows), len(ACTION_UNITS)), torch.nan)
        whole[:, known] = rows
        return whole

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
        return sums.total[self._group, self.given_units(self.units)] / sums.weight[self._group]

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
        errors, units = self.mean(sums).tolist(), self.given_units(self.units)
        return {f"AU{ACTION_UNITS[unit]}": error for unit, error in zip(units, errors, strict=True)}

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
        self.keep(value=values)
        for group, wanted in enumerate(self.metric.groups):
            units = self.metric.given_units(wanted)
            whole = ~values[:, units].isnan().any(dim=1, keepdim=True)
            total = torch.where(whole, values, 0.0).sum(dim=0)
            count = whole.sum(dtype=values.dtype)
            sums.total[group, units] += weight * total[units]
            sums.weight[group] += weight * count
            sums.scored[group] += count

    def series(self, rows: Mapping[str, Tensor], metric: Any) -> dict[str, Tensor]:
        """Return the metric of each frame by itself, by the units that are its own."""
        units = metric.given_units(metric.units)
        return super().series({name: values[:, units] for name, values in rows.items()}, metric)


class CalibratedRun(ActionUnitRun):
    """The run keeps 17 numbers per frame and turns them into intensities when the clip has ended."""

    def __init__(self, metric: ActionUnitError, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        super().__init__(metric, preds, target)
        self._rows: tuple[list[Tensor], list[Tensor]] = ([], [])

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the rows of both sides."""
        for rows, chunk in zip(self._rows, (preds, target), strict=True):
            if chunk is not None:
                rows.append(self.metric.features(chunk))

    def close(self) -> None:
        """Score the frames that both sides have."""
        super().close()
        if all(self._rows):
            preds, target = (self.metric.extractor.intensities(torch.cat(rows)) for rows in self._rows)
            count = min(len(preds), len(target))
            self.add_values(squared_errors(preds[:count], target[:count]))


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
