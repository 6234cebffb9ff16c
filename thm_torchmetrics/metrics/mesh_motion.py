"""Compute how the timing of the mouth and the dynamics of the upper face of 3-D faces differ, clip by clip."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_mean import ClipMean, ClipMeanRun, ClipRows, ClipValue
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import ClipInput
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.meshes import face_dynamics, mouth_opening, mouth_timing_differences
from thm_torchmetrics.metrics.vertex_metric import VertexMetric, check_not_shorter, two_lips
from thm_torchmetrics.regions.vertices import Numbers, neutral_face, vertex_list

MILLISECONDS = 40.0
"""Milliseconds of a frame at 25 frames per second."""


class MouthTimingMisalignment(VertexMetric, ClipMean, key="mtm"):
    """Compute the misalignment of the mouth's timing (MTM), lower is better, at least 0.

    `functional.meshes.mouth_timing_differences` finds by how many frames the mouth opens and closes early or late; the
    mean of a clip, then over clips. The real clip has twice the frame rate of the generated one, and every second of
    its frames is taken. Protocols, of ``kaist-ami/Perceptual-3D-Talking-Head@530d075 evaluation/evaluate_MTM.py``:

    - ``perceptual`` (default): milliseconds, 40 for each frame, as its README says.
    - ``perceptual-frames``: frames at 25 per second, as the program prints.

    A clip in which no turn of the mouth meets another has no value, and is counted.

    Args:
        lips: numbers of a vertex of the upper lip and one of the lower lip; default: those of FLAME in the middle.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``lips`` are not two numbers, or the mesh lacks one.
        MismatchError: if the meshes differ.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MouthTimingMisalignment
        >>> time = torch.arange(120) / 2
        >>> real = torch.zeros(120, 2, 3)
        >>> real[:, 0, 1] = 2 + torch.sin(time / 4)
        >>> late = torch.zeros(60, 2, 3)
        >>> late[:, 0, 1] = 2 + torch.sin((torch.arange(60) - 2) / 4)
        >>> MouthTimingMisalignment(lips=[0, 1])(late, real)
        tensor(80., dtype=torch.float64)
    """

    region = "lips"
    reasons: ClassVar[Mapping[str, str]] = {
        "no match": "no opening or closing of the mouth meets one of the real clip",
        "gap": "a frame without vertices interrupts the opening of the mouth",
    }
    procedures: ClassVar[Mapping[str, Any]] = {"perceptual": MILLISECONDS, "perceptual-frames": 1.0}
    """The unit of a frame."""

    def __init__(self, *, lips: Numbers = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lips = two_lips(lips)

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return MeshRun(self, preds, target)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the mean over the matches of a clip."""
        made, real = (mouth_opening(side) for side in (rows.preds, rows.target) if side is not None)
        real = real[::2]
        if not bool(made.isfinite().all() and real.isfinite().all()):
            return "gap"
        found = mouth_timing_differences(made, real)
        if not len(found):
            return "no match"
        return ClipValue(float(found.mean()) * self.procedures[self.protocol], detail={"matches": len(found)})


class UpperFaceDynamicsDeviation(VertexMetric, ClipMean, key="fdd"):
    r"""Compute the deviation of the upper face's dynamics (FDD), 0 is best, in the square of the vertices' unit.

    .. math:: \text{FDD} = \frac{1}{|U|} \sum_{v \in U} \operatorname{std}_t \|x_{t,v} - n_v\|^2
        - \operatorname{std}_t \|\hat x_{t,v} - n_v\|^2

    with the neutral face n, the population standard deviation, and the **squared** norm; mean over clips. Protocols:

    - ``codetalker`` (default): signed, above 0 where the prediction moves less, so that clips cancel out:
      ``Doubiiu/CodeTalker@1b7cb95 main/cal_metric.py``. Compare its distance from 0. The prediction is cut to the
      target, a shorter one is an error.
    - ``facediffuser``: the absolute value of each clip, ABS FDD of FaceDiffuser; both sides are cut to the shorter.

    A frame that lacks a vertex on one side is left out on both.

    Args:
        upper: numbers of the vertices of the upper face: a tensor, a list, or a text file; one that is listed twice
            counts twice, as in the originals.
        template: the neutral face, ``(V, 3)``, or a file of it (``.npy``, ``.obj``, ``.ply``); zeros if the rows are
            displacements from it. `update` takes one for its clips, too.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on `update`, if ``upper`` or the template is absent, or does not fit the mesh.
        MismatchError: if the meshes differ, or the prediction is too short for the protocol.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import UpperFaceDynamicsDeviation
        >>> real = torch.zeros(2, 50, 3)
        >>> real[1, :, 0] = 2
        >>> still = torch.zeros(2, 50, 3)
        >>> UpperFaceDynamicsDeviation(upper=range(20), template=torch.zeros(50, 3))(still, real)
        tensor(2., dtype=torch.float64)
    """

    region = "upper"
    reasons: ClassVar[Mapping[str, str]] = {"no pair": "no frame has vertices on both sides"}
    procedures: ClassVar[Mapping[str, Any]] = {"codetalker": float, "facediffuser": abs}
    """What becomes of the difference of a clip."""

    def __init__(self, *, upper: Numbers = None, template: Tensor | Path | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.upper = vertex_list("upper", upper)
        self.template = neutral_face(template)

    def update(
        self, preds: ClipInput = None, target: ClipInput = None, *, template: Tensor | Path | str | None = None
    ) -> None:
        """Add clips of one person, all of them or, if one cannot be measured, none.

        Args:
            preds: vertices of the generated clip or clips, ``(T, V, 3)`` or ``(B, T, V, 3)``, or a list.
            target: those of the real clips.
            template: the neutral face of this person; default: the metric's own.

        Raises:
            InputError: if an input is absent, or of another shape.
            MismatchError: if a prediction is too short for the protocol.
        """
        face = neutral_face(template)
        for pair in self.pairs(preds, target):
            self.measure(*pair, template=face)

    def start(
        self,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        template: Tensor | None = None,
        **inputs: Any,
    ) -> ClipRun[Any]:
        """Start the run of one clip.

        Raises:
            InputError: if there is no neutral face.
        """
        face = self.template if template is None else template
        if face is None:
            raise InputError(
                "fdd needs `template`, the neutral face (V, 3) of the person; give zeros if the rows are displacements"
            )
        return DynamicsRun(self, preds, target, face=face)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the deviation of one clip from the displacements of its vertices."""
        sides = [side for side in (rows.target, rows.preds) if side is not None]
        check_not_shorter(self.protocol, len(sides[1]), len(sides[0]))
        sides = [side[: min(map(len, sides))] for side in sides]
        both = sides[0].isfinite().all(dim=(1, 2)) & sides[1].isfinite().all(dim=(1, 2))
        if not bool(both.any()):
            return "no pair"
        real, made = (face_dynamics(side[both]) for side in sides)
        return ClipValue(self.procedures[self.protocol](float(real - made)))


class MeshRun(ClipMeanRun):
    """The run refuses two sides that are not of one mesh."""

    metric: VertexMetric

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the vertices of both sides.

        Raises:
            MismatchError: if the meshes differ in the number of vertices.
        """
        if preds is not None and target is not None:
            self.metric.check_mesh(preds, target)
        super().measure(preds, target)


class DynamicsRun(MeshRun):
    """The run measures displacements from a neutral face.

    Args:
        metric: the metric.
        preds: the generated clip, if it is known at the start.
        target: the real clip, likewise.
        face: the neutral face.
    """

    def __init__(
        self, metric: ClipMean, preds: AnyClip | None = None, target: AnyClip | None = None, *, face: Tensor
    ) -> None:
        super().__init__(metric, preds, target)
        self._vertices = len(face)
        self.face = self.metric.chosen().of(face[None].to(metric.device))

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the vertices of both sides.

        Raises:
            MismatchError: if the meshes, or a mesh and the neutral face, differ in the number of vertices.
        """
        super().measure(preds, target)
        for chunk in filter(None, (preds, target)):
            if chunk.rows.shape[1] != self._vertices:
                raise MismatchError(
                    f"the mesh has {chunk.rows.shape[1]} vertices and `template` {self._vertices}; give the neutral "
                    "face of the same mesh"
                )

    def close(self) -> None:
        """Subtract the neutral face, and measure the clip."""
        self.rows = {side: [part - self.face.to(part) for part in parts] for side, parts in self.rows.items()}
        super().close()
