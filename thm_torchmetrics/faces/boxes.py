"""Face boxes from the raw outputs of the two S3FD detectors, and the choice of one face.

Convention: boxes are rows ``x1, y1, x2, y2, score`` in pixels, float64 on the CPU, best score first; they are not
clipped to the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor
from torchvision.ops import nms

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.checks import check_option, check_shape

FaceRule: TypeAlias = Literal["largest", "first", "last", "center"]
FACE_RULES = get_args(FaceRule)
"""Names of the rules of `choose_face`."""

_VARIANCES = (0.1, 0.2)  # scales of the offsets of center and sides
_CANDIDATE = 0.05  # score that a box must exceed to be considered at all
_BEST, _KEPT = 5000, 750  # boxes that enter and leave the suppression inside SyncNet's S3FD


class DetectorOutput(NamedTuple):
    """The output of S3FD for a batch at one scale: maps of strides 4, 8, ... 128."""

    loc: Sequence[Tensor]
    """Six maps ``(N, 4, h, w)`` of box offsets."""
    conf: Sequence[Tensor]
    """Six maps ``(N, 2, h, w)`` of logits of background and face."""
    size: tuple[int, int]
    """``(height, width)`` of the network's input."""


def s3fd_faces(outputs: Sequence[DetectorOutput], size: tuple[int, int], threshold: float = 0.9) -> list[Tensor]:
    """Find the faces of SyncNet's detector.

    The boxes of all scales are suppressed together at IoU 0.1.

    Args:
        outputs: one output per scale, of the same N images.
        size: ``(height, width)`` of the images before they were scaled, in pixels.
        threshold: score that a face must exceed; 0.9 in SyncNet's pipeline.

    Returns:
        N tensors ``(k, 5)`` float64, rows x1, y1, x2, y2 (pixels), score; best first, ``k`` may be 0.

    Raises:
        InputError: there is no scale.

    Source: syncnet_python, ``run_pipeline``.
    """
    if not outputs:
        raise InputError("`outputs` must hold the detector's output at one scale at least, got none")
    pixels = torch.tensor([size[1], size[0]] * 2 + [1], dtype=torch.float64)
    faces = []
    for frame in zip(*(s3fd_candidates(output, threshold) for output in outputs), strict=True):
        rows = torch.cat(frame).to(torch.float64) * pixels
        faces.append(rows[nms(rows[:, :4], rows[:, 4], 0.1)])
    return faces


def s3fd_candidates(output: DetectorOutput, threshold: float = 0.9) -> list[Tensor]:
    """Decode the boxes of SyncNet's S3FD at one scale, as its last layer does.

    Softmax, decoding with variances 0.1 and 0.2, score > 0.05, suppression at IoU 0.3 among the best 5000, the best
    750, score > ``threshold``. A box whose IoU equals the limit stays.

    Args:
        output: the output for a batch of N images.
        threshold: score that a box must exceed.

    Returns:
        N tensors ``(k, 5)`` float32 on the CPU: x1, y1, x2, y2 as fractions of the image, score; best first.

    Source: syncnet_python, its S3FD.
    """
    loc, scores = _flat(output)
    priors = s3fd_priors([tuple(layer.shape[-2:]) for layer in output.loc], output.size).to(loc.device)
    boxes = _decode(loc, priors)
    found = []
    for frame, score in zip(boxes, scores, strict=True):
        candidate = score > _CANDIDATE
        rows = torch.cat([frame[candidate], score[candidate, None]], dim=1).cpu()
        rows = rows[rows[:, 4].sort(descending=True, stable=True).indices[:_BEST]]
        rows = rows[nms(rows[:, :4], rows[:, 4], 0.3)[:_KEPT]]
        found.append(rows[rows[:, 4] > threshold])
    return found


def s3fd_priors(maps: Sequence[tuple[int, ...]], size: tuple[int, int]) -> Tensor:
    """Compute the prior boxes of SyncNet's S3FD, one per cell of its maps, row by row.

    Center ``(index + 0.5) * stride / size``, side ``4 * stride / size`` with stride 4, 8, ... 128; not clipped.

    Args:
        maps: ``(height, width)`` of each map, finest first.
        size: ``(height, width)`` of the network's input.

    Returns:
        ``(P, 4)`` float32 on the CPU: center x, center y, width, height as fractions of the image.

    Source: syncnet_python, its S3FD.

    Example:
        >>> s3fd_priors([(1, 2)], (8, 8))
        tensor([[0.2500, 0.2500, 2.0000, 2.0000],
                [0.7500, 0.2500, 2.0000, 2.0000]])
    """
    scale = torch.tensor([size[1], size[0]] * 2, dtype=torch.float64)
    return (_pixel_priors(maps) / scale).to(torch.float32)


def fan_s3fd_faces(output: DetectorOutput, threshold: float = 0.5) -> list[Tensor]:
    """Find the faces of face-alignment's own S3FD.

    Priors in pixels (side four strides), score > 0.05, suppression at IoU 0.3 where sides and areas count one pixel
    more than the difference of the corners, then score > ``threshold``.

    Args:
        output: the output for a batch of N images at native size.
        threshold: score that a face must exceed.

    Returns:
        N tensors ``(k, 5)`` float64, rows x1, y1, x2, y2 (pixels), score; best first, ``k`` may be 0.

    Source: face_alignment 1.5.0 (Bulat and Tzimiropoulos, 2017), ``detection.sfd``.
    """
    loc, scores = _flat(output)
    priors = _pixel_priors([tuple(layer.shape[-2:]) for layer in output.loc])
    corners = torch.tensor([0, 0, 1, 1], dtype=torch.float64)
    faces = []
    for frame, score in zip(loc, scores, strict=True):
        candidate = (score > _CANDIDATE).cpu()
        boxes = _decode(frame.cpu()[candidate], priors[candidate])
        rows = torch.cat([boxes, score.cpu()[candidate, None].to(torch.float64)], dim=1)
        rows = rows[nms(rows[:, :4] + corners, rows[:, 4], 0.3)]
        faces.append(rows[rows[:, 4] > threshold])
    return faces


def choose_face(boxes: Tensor, rule: str = "largest", size: tuple[int, int] | None = None) -> int | None:
    """Choose one of the faces of a frame.

    ``largest`` takes the largest box; ``first`` the best score; ``last`` the worst score above the detector's
    threshold, as the landmark meters of the NeRF and Gaussian papers do; ``center`` the face nearest to the middle of
    the frame.

    Args:
        boxes: ``(k, 5)`` rows x1, y1, x2, y2, score, or ``(k, 4)`` already ordered by descending score.
        rule: one of `FACE_RULES`; among equals the earlier row wins.
        size: ``(height, width)`` of the frame, for ``center`` only.

    Returns:
        The row, or None if there is no face.

    Raises:
        InputError: the rule is unknown, the boxes have another shape, or ``center`` comes without a size.

    Example:
        >>> faces = torch.tensor([[0, 0, 10, 10, 0.99], [50, 50, 90, 90, 0.95]])
        >>> choose_face(faces, "largest"), choose_face(faces, "first")
        (1, 0)
    """
    check_shape("boxes", boxes, ("k", (4, 5)), "face boxes")
    check_option("rule", rule, FACE_RULES)
    if rule == "center" and size is None:
        raise InputError("`rule` 'center' needs size=(height, width) of the frame, got none")
    if len(boxes) == 0:
        return None
    return int(_preference(boxes.to(torch.float64), rule, size or (0, 0)).argmax())


def _pixel_priors(maps: Sequence[tuple[int, ...]]) -> Tensor:
    """Return ``(P, 4)`` float64: center and sides in pixels of the network's input."""
    layers = []
    for level, (height, width) in enumerate(maps):
        stride = 4 << level
        y = (torch.arange(height, dtype=torch.float64) + 0.5) * stride
        x = (torch.arange(width, dtype=torch.float64) + 0.5) * stride
        y, x = (axis.flatten() for axis in torch.meshgrid(y, x, indexing="ij"))
        side = torch.full_like(x, 4.0 * stride)
        layers.append(torch.stack([x, y, side, side], dim=1))
    return torch.cat(layers)


def _flat(output: DetectorOutput) -> tuple[Tensor, Tensor]:
    """Return offsets ``(N, P, 4)`` and face scores ``(N, P)`` of all maps, in the order of the priors."""
    loc = torch.cat([layer.flatten(2) for layer in output.loc], dim=2).transpose(1, 2)
    conf = torch.cat([layer.flatten(2) for layer in output.conf], dim=2)
    return loc.to(torch.float32), conf.to(torch.float32).softmax(dim=1)[:, 1]


def _decode(loc: Tensor, priors: Tensor) -> Tensor:
    """Return corner boxes from offsets ``(..., P, 4)``, in the precision of the priors."""
    center = priors[:, :2] + loc[..., :2] * _VARIANCES[0] * priors[:, 2:]
    sides = priors[:, 2:] * (loc[..., 2:] * _VARIANCES[1]).exp()
    corner = center - sides / 2
    return torch.cat([corner, corner + sides], dim=-1)


def _preference(boxes: Tensor, rule: str, size: tuple[int, int]) -> Tensor:
    """Return one number per box; the largest wins."""
    if rule == "largest":
        return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if rule == "center":
        middle = torch.tensor([size[1] / 2, size[0] / 2], dtype=boxes.dtype, device=boxes.device)
        return -((boxes[:, :2] + boxes[:, 2:4]) / 2 - middle).square().sum(dim=1)
    rank = -torch.arange(len(boxes), dtype=boxes.dtype, device=boxes.device)
    score = boxes[:, 4] if boxes.shape[1] == 5 else rank
    return score if rule == "first" else -score
