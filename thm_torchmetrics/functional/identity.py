"""Identity: similarity of face embeddings, and the aligned crop that ArcFace networks are trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.warp import warp_affine

_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


def cosine_similarity(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the angle between the embeddings of each row, -1..1: ``a.b / (|a| |b|)``.

    Args:
        a: ``(T, D)``, need not be normalised.
        b: ``(T, D)``.

    Returns:
        ``(T,)`` float64 (on the CPU for MPS); NaN where a side is NaN (no face) or zero.

    Raises:
        MismatchError: The two differ in shape.
        InputError: Not two axes.

    Source: Deng et al., ArcFace, 2019 (CSIM in talking-head papers).

    Example:
        >>> cosine_similarity(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]]))
        tensor([0.9600], dtype=torch.float64)
    """
    a, b = _pair(a, b)
    return (a * b).sum(dim=1) / (a.square().sum(dim=1) * b.square().sum(dim=1)).sqrt()


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distance of each row, the identity distance of the First Order Motion Model's AED.

    Its tables call it Euclidean; the published script sums the squares and takes no root.

    Args:
        a: ``(T, D)`` embeddings, normalised by their network (then 0..4).
        b: ``(T, D)``.

    Returns:
        ``(T,)`` float64; NaN where a side is NaN.

    Raises:
        MismatchError: The two differ in shape.
        InputError: Not two axes.

    Source: Siarohin et al., First Order Motion Model, 2019; pose-evaluation.

    Example:
        >>> squared_distance(torch.tensor([[0.6, 0.8]]), torch.tensor([[0.0, 1.0]])).round(decimals=2)
        tensor([0.4000], dtype=torch.float64)
    """
    a, b = _pair(a, b)
    return (a - b).square().sum(dim=1)


def five_points(landmarks: Tensor) -> Tensor:
    """Eyes, nose and mouth corners from 68 landmarks.

    Each eye is the mean of its two corners (36 and 39, 42 and 45), not of its six points; nose 30, mouth 48 and 54.

    Args:
        landmarks: ``(..., 68, 2)`` x, y.

    Returns:
        ``(..., 5, 2)``: eye on the image's left, the other eye, nose tip, mouth corner on the left, on the right.

    Raises:
        InputError: Not 68 points.

    Source: InsightFace's IJB evaluation; Deep3DFaceRecon.

    Example:
        >>> five_points(torch.arange(136.0).reshape(68, 2))[:, 0]
        tensor([ 75.,  87.,  60.,  96., 108.])
    """
    if landmarks.dim() < 2 or landmarks.shape[-2:] != (68, 2):
        raise InputError(f"five_points needs landmarks (..., 68, 2), got {tuple(landmarks.shape)}")
    first = torch.tensor([36, 42, 30, 48, 54], dtype=torch.int64, device=landmarks.device)
    second = torch.tensor([39, 45, 30, 48, 54], dtype=torch.int64, device=landmarks.device)
    return (landmarks.index_select(-2, first) + landmarks.index_select(-2, second)) / 2


def arcface_template(size: int = 112) -> Tensor:
    """Where the five points lie in an aligned crop of ``size`` pixels, a multiple of 112 or 128: ``(5, 2)`` float64.

    Raises:
        InputError: Another size.

    Source: InsightFace, ``face_align``.

    Example:
        >>> arcface_template(128)[2]  # the nose: shifted by 8 px
        tensor([64.0252, 71.7366], dtype=torch.float64)
    """
    if size < 1 or (size % 112 and size % 128):
        raise InputError(f"the size of an aligned crop must be a multiple of 112 or 128, got {size}")
    template = torch.tensor(_TEMPLATE, dtype=torch.float32).to(torch.float64)
    if size % 112 == 0:
        return template * (size / 112)
    return template * (size / 128) + torch.tensor([8.0 * size / 128, 0.0], dtype=torch.float64)


def similarity_transform(source: Tensor, template: Tensor) -> Tensor:
    """Rotation, scale and shift that carry points best, by least squares, onto a template.

    The closed form in the plane of Umeyama's estimate: with both sets centred, ``a = sum(s . t)`` and
    ``b = sum(s x t)`` give scale times rotation ``[[a, -b], [b, a]] / sum|s|^2``. Never a reflection.

    Args:
        source: ``(N, K, 2)`` points.
        template: ``(K, 2)`` or ``(N, K, 2)``.

    Returns:
        ``(N, 2, 3)`` float64, from source to template; NaN where the points are NaN or all the same.

    Raises:
        InputError: The shapes do not fit.

    Source: Umeyama, 1991.

    Example:
        >>> points = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
        >>> similarity_transform(points, 2 * points[0] + 3)
        tensor([[[ 2., -0.,  3.],
                 [ 0.,  2.,  3.]]], dtype=torch.float64)
    """
    if source.dim() != 3 or source.shape[2] != 2 or template.shape[-2:] != source.shape[1:]:
        raise InputError(
            f"similarity_transform needs points (N, K, 2) and a template (K, 2), got {tuple(source.shape)} and "
            f"{tuple(template.shape)}"
        )
    source, template = source.cpu().to(torch.float64), template.cpu().to(torch.float64)
    middle, goal = source.mean(dim=-2, keepdim=True), template.mean(dim=-2, keepdim=True)
    s, t = source - middle, template - goal
    along = (s * t).sum(dim=(-2, -1))
    across = (s[..., 0] * t[..., 1] - s[..., 1] * t[..., 0]).sum(dim=-1)
    linear = torch.stack([along, -across, across, along], dim=-1).reshape(-1, 2, 2)
    linear = linear / s.square().sum(dim=(-2, -1))[:, None, None]
    shift = goal.transpose(-1, -2) - linear @ middle.transpose(-1, -2)
    return torch.cat([linear, shift], dim=2)


def align_faces(images: Tensor, points: Tensor, size: int = 112, *, index: Tensor | None = None) -> Tensor:
    """Faces warped so that their five points lie on ArcFace's template: bilinear, black outside.

    Args:
        images: ``(N, 3, H, W)`` uint8.
        points: ``(K, 5, 2)`` x, y in pixels, in the order of :func:`five_points`; NaN (no face) gives a black crop.
        size: Side of the crop, a multiple of 112 or 128.
        index: ``(K,)`` integers, the image of each face; by default face ``i`` belongs to image ``i``.

    Returns:
        ``(K, 3, size, size)`` uint8, within one grey level of InsightFace's ``norm_crop`` under OpenCV 5.

    Raises:
        InputError: Images not uint8, another number of points, another size.

    Source: InsightFace, ``face_align.norm_crop``.

    Example:
        >>> align_faces(torch.zeros(1, 3, 200, 200, dtype=torch.uint8), arcface_template()[None]).shape
        torch.Size([1, 3, 112, 112])
    """
    matrices = similarity_transform(points, arcface_template(size))
    return warp_affine(images, matrices, (size, size), index=index)


def _pair(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise MismatchError(f"the embeddings differ in shape: {tuple(a.shape)} and {tuple(b.shape)}")
    if a.dim() != 2:
        raise InputError(f"embeddings must be (T, D), got {tuple(a.shape)}")
    if a.device.type == "mps":
        a, b = a.cpu(), b.cpu()
    return a.to(torch.float64), b.to(torch.float64)
