"""Compute errors of the vertices of 3-D faces, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.functional.meshes import lip_vertex_error, mouth_opening, vertex_distances
from thm_torchmetrics.metrics.vertex_metric import VertexFrameMean, two_lips
from thm_torchmetrics.regions.vertices import Numbers, vertex_list


class LipVertexError(VertexFrameMean, key="lve"):
    r"""Compute the lip vertex error (LVE), lower is better, at least 0.

    .. math:: \text{LVE} = \frac{1}{T} \sum_t \max_{v \in \text{lips}} \|\hat x_{t,v} - x_{t,v}\|^2

    over all frames of all clips. The value of vertices in meters is in square meters; papers print it times a power of
    ten, and some call it a distance. Protocols:

    - ``codetalker`` (default): squared, ``Doubiiu/CodeTalker@1b7cb95 main/cal_metric.py``; the prediction is cut to the
      target, a shorter one is an error. FaceFormer, DiffSpeaker and others print the same.
    - ``facediffuser``: squared; both sides are cut to the shorter.
    - ``euclidean``: the distance itself, this package's own.

    Args:
        lips: numbers of the lip vertices: a tensor, a list, or a text file; a vertex that is listed twice counts once
            here.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``lips`` is no list; on `update`, if it is absent of numbers, or holds one that the mesh lacks.
        MismatchError: if the meshes differ, or a side is too short for the protocol.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipVertexError
        >>> target = torch.zeros(10, 50, 3)
        >>> preds = target + torch.tensor([0.003, 0.004, 0.0])
        >>> f"{LipVertexError(lips=[3, 4, 5])(preds, target):.2e}"  # square meters, of vertices in meters
        '2.50e-05'
    """

    region = "lips"
    procedures: ClassVar[Mapping[str, Any]] = {
        "codetalker": lip_vertex_error,
        "facediffuser": lip_vertex_error,
        "euclidean": lambda preds, target: vertex_distances(preds, target).amax(dim=1),
    }

    def __init__(self, *, lips: Numbers = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lips = vertex_list("lips", lips)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the error of every frame."""
        error: Tensor = self.procedures[self.protocol](*self.pair(preds, target))
        return error


class MeanVertexError(VertexFrameMean, key="mve"):
    r"""Compute the mean vertex error (MVE), lower is better, at least 0, in the vertices' unit.

    .. math:: \text{MVE} = \frac{1}{T V} \sum_t \sum_v \|\hat x_{t,v} - x_{t,v}\|

    Protocol ``facediffuser``: S. Stan et al., FaceDiffuser, 2023: over all vertices and all frames of all clips, not
    squared; both sides are cut to the shorter.

    Args:
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        MismatchError: if the meshes differ.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MeanVertexError
        >>> target = torch.zeros(10, 50, 3)
        >>> MeanVertexError()(target + torch.tensor([3.0, 4.0, 0.0]), target)
        tensor(5., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"facediffuser": vertex_distances}

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the error of every frame."""
        distances: Tensor = self.procedures[self.protocol](*self.pair(preds, target))
        return distances.mean(dim=1)


class UpperFaceVertexError(VertexFrameMean, key="ufve"):
    """Compute the vertex error of the upper face, lower is better, at least 0, in the vertices' unit.

    Protocols:

    - ``mean`` (default): the mean distance over the vertices of the upper face and all frames of all clips.
    - ``emotalk``: the largest distance of a frame, mean over frames; EVE of Z. Peng et al., EmoTalk, 2023, in words.

    Args:
        upper: numbers of the vertices of the upper face (``emotalk``: of eyes and forehead): a tensor, a list, or a
            text file.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``upper`` is no list; on `update`, if it is absent of numbers, or holds one that the mesh lacks.
        MismatchError: if the meshes differ.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import UpperFaceVertexError
        >>> target = torch.zeros(10, 50, 3)
        >>> UpperFaceVertexError(upper=range(20))(target + torch.tensor([3.0, 4.0, 0.0]), target)
        tensor(5., dtype=torch.float64)
    """

    region = "upper"
    procedures: ClassVar[Mapping[str, Any]] = {"mean": Tensor.mean, "emotalk": Tensor.amax}
    """How the distances of a frame become one."""

    def __init__(self, *, upper: Numbers = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.upper = vertex_list("upper", upper)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the error of every frame."""
        error: Tensor = self.procedures[self.protocol](vertex_distances(*self.pair(preds, target)), dim=1)
        return error


class MouthOpeningDifference(VertexFrameMean, key="mod"):
    """Compute the difference of the mouth's opening (MOD), lower is better, at least 0, in the vertices' unit.

    Protocol ``diffposetalk``: Z. Sun et al., DiffPoseTalk, 2024, in words: the absolute difference of the distance
    between upper and lower lip, mean over all frames of all clips. The paper does not name the vertices.

    Args:
        lips: numbers of a vertex of the upper lip and one of the lower lip; default: those of FLAME in the middle.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``lips`` are not two numbers, or the mesh lacks one.
        MismatchError: if the meshes differ.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import MouthOpeningDifference
        >>> closed = torch.zeros(10, 2, 3)
        >>> opened = closed.clone()
        >>> opened[:, 0, 1] = 7
        >>> MouthOpeningDifference(lips=[0, 1])(opened, closed)
        tensor(7., dtype=torch.float64)
    """

    region = "lips"
    procedures: ClassVar[Mapping[str, Any]] = {"diffposetalk": mouth_opening}

    def __init__(self, *, lips: Numbers = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lips = two_lips(lips)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the difference of every frame."""
        opening = self.procedures[self.protocol]
        made, real = self.pair(preds, target)
        difference: Tensor = opening(made) - opening(real)
        return difference.abs()
