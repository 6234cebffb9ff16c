"""What metrics of given vertices share."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.regions.vertices import Numbers, VertexList, vertex_list

FLAME_LIPS = (3531, 3504)
"""The vertices of FLAME in the middle of the upper and of the lower lip."""


class VertexMetric(TalkingHeadMetric):
    """Read vertices, ``(T, V, 3)``, given in one order on both sides; the unit is the user's.

    It is the first base of a metric of meshes; the second says how values are averaged. A frame in which a vertex is
    NaN or infinite is not scored, and counted.

    Args:
        extractor: None; vertices are always given.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if an extractor is named.
    """

    feature_shape = (None, 3)
    region: ClassVar[str] = ""
    """The option that lists the vertices to measure; empty if all are measured."""

    def __init__(self, *, extractor: None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if extractor is not None:
            raise InputError(f"{self.key} reads given vertices (T, V, 3), which no extractor gives; leave it out")

    def features(self, chunk: Chunk) -> Tensor:
        """Return the chosen vertices in float64, NaN throughout in frames that hold NaN or infinity."""
        vertices = super().features(chunk)
        whole = vertices.isfinite().all(dim=(1, 2), keepdim=True) if vertices.ndim == 3 else None
        if whole is not None:
            vertices = vertices.where(whole, float("nan"))
        return self.chosen().of(vertices) if self.region else vertices

    def check_mesh(self, preds: Chunk, target: Chunk) -> None:
        """Raise an error if both sides are not of one mesh.

        Raises:
            MismatchError: if they differ in the number of vertices.
        """
        if preds.rows.shape[1] != target.rows.shape[1]:
            raise MismatchError(
                f"the prediction has {preds.rows.shape[1]} vertices and the target {target.rows.shape[1]}; both need "
                "the same mesh"
            )

    def chosen(self) -> VertexList:
        """Return the vertices that are measured.

        Raises:
            InputError: if they were not given.
        """
        found: VertexList | None = getattr(self, self.region)
        if found is None:
            raise InputError(
                f"{self.key} needs `{self.region}`, the numbers of its vertices: a tensor, a list, or a text file; the "
                "lists of BIWI, VOCASET and FLAME come with those data sets"
            )
        return found


class VertexFrameMean(VertexMetric, FrameMean):
    """Average one value per frame of two meshes."""

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        return VertexRun(self, preds, target)

    def pair(self, preds: Chunk, target: Chunk) -> tuple[Tensor, Tensor]:
        """Return the chosen vertices of both sides.

        Raises:
            MismatchError: if the meshes differ in the number of vertices.
        """
        self.check_mesh(preds, target)
        return self.features(preds), self.features(target)


class VertexRun(FrameMeanRun):
    """The run refuses a prediction that is shorter than the target, where the original does."""

    metric: VertexFrameMean

    def close(self) -> None:
        """Check the lengths.

        Raises:
            MismatchError: if the prediction is shorter than the target and the protocol is CodeTalker's.
        """
        check_not_shorter(self.metric.protocol, *self.lengths)
        super().close()


def check_not_shorter(protocol: str, preds: int, target: int) -> None:
    """Raise an error if a prediction is too short for CodeTalker's program.

    Raises:
        MismatchError: if it is shorter than the target.
    """
    if protocol == "codetalker" and preds < target:
        raise MismatchError(
            f"the prediction has {preds} frames and the target {target}; the protocol 'codetalker' cuts the prediction "
            "alone, take 'facediffuser' to cut both"
        )


def two_lips(given: Numbers) -> VertexList:
    """Return a vertex of each lip, by default those of FLAME.

    Raises:
        InputError: if they are not two.
    """
    lips = vertex_list("lips", given) or VertexList(FLAME_LIPS)
    if len(lips.numbers) != 2:
        raise InputError(f"`lips` must be two numbers, of a vertex of each lip, got {len(lips.numbers)}")
    return lips
