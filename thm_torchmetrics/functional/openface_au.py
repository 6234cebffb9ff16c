"""OpenFace 2.2's intensities of 17 action units, from frames and landmarks."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.action_units import ACTION_UNITS
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.functional.openface_face import SIDE, align_to_mean_face
from thm_torchmetrics.functional.openface_hog import CELL, WIDTH, oriented_gradients
from thm_torchmetrics.functional.openface_shape import PointModel, fit_point_model
from thm_torchmetrics.imaging.checks import check_bytes, check_numbers, widest_float

POINTS = 68
HOG_VALUES = (SIDE // CELL - 2) ** 2 * WIDTH
"""Values of the gradients of one face: 12 x 12 cells of 31."""

_LOWEST, _HIGHEST = 0.0, 5.0


@dataclass(frozen=True, eq=False)
class Models:
    """The models of OpenFace's intensity stage: a point model of the face, and a linear model per action unit.

    K is the number of shape parameters (34 in the published files), and F = 4464 + 3 * 68 + K that of the features. The
    tensors are turned to float64 (float32 on MPS) when the object is made.

    Args:
        pdm_mean: ``(68, 3)`` mean face, in millimetres; or ``(204,)`` or ``(204, 1)`` in the order of the file, all x,
            all y, all z.
        pdm_components: ``(204, K)``, rows in the order of the file.
        pdm_variances: ``(K,)`` or ``(1, K)``, the variances of the parameters.
        triangles: ``(M, 3)``, indices of points from 0; the pixels in them are the face.
        means: ``(F,)``, or ``(17, F)`` or ``(1, F)``, subtracted from the features.
        weights: ``(17, F)``, in the order of `ACTION_UNITS`.
        biases: ``(17,)``.
        cutoffs: ``(17,)``, the share of a clip's values that lie below the zero of a dynamic unit, in 0..1; NaN, or
            nothing above 0, for a static unit, which is not calibrated.

    Raises:
        InputError: a tensor has another shape, or holds NaN or infinity, `cutoffs` apart.
    """

    pdm_mean: Tensor
    pdm_components: Tensor
    pdm_variances: Tensor
    triangles: Tensor
    means: Tensor
    weights: Tensor
    biases: Tensor
    cutoffs: Tensor

    def __post_init__(self) -> None:
        values = {field.name: torch.as_tensor(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            check_numbers(name, value)
            if name not in ("cutoffs", "triangles") and not value.isfinite().all():
                raise InputError(f"`{name}` holds NaN or infinity; read the published file again")
        mean = values["pdm_mean"]
        values["pdm_mean"] = mean.T.reshape(-1) if mean.shape == (POINTS, 3) else mean.reshape(-1)
        values["pdm_variances"] = values["pdm_variances"].reshape(-1)
        size = HOG_VALUES + 3 * POINTS + len(values["pdm_variances"])
        wanted = {
            "pdm_mean": (3 * POINTS,),
            "pdm_components": (3 * POINTS, len(values["pdm_variances"])),
            "triangles": (len(values["triangles"]), 3),
            "weights": (len(ACTION_UNITS), size),
            "biases": (len(ACTION_UNITS),),
            "cutoffs": (len(ACTION_UNITS),),
        }
        for name, shape in wanted.items():
            check_shape(name, values[name], shape, "part of OpenFace's models")
        if values["means"].shape not in ((size,), (1, size), (len(ACTION_UNITS), size)):
            raise InputError(f"`means` must be ({size},) or (17, {size}), got {tuple(values['means'].shape)}")
        if not ((values["triangles"] >= 0) & (values["triangles"] < POINTS)).all():
            raise InputError("`triangles` must hold indices of 68 points, 0..67; subtract 1 if they count from 1")
        for name, value in values.items():
            wide = torch.int64 if name == "triangles" else widest_float(value.device)
            object.__setattr__(self, name, value.detach().to(wide))

    def to(self, device: torch.device) -> Models:
        """Return the models on a device; float64 there, float32 on MPS."""
        if self.weights.device == device:
            return self
        wide = widest_float(device)
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {name: value.to(wide) if value.is_floating_point() else value for name, value in moved.items()}
        return Models(**{name: value.to(device) for name, value in moved.items()})

    @property
    def point_model(self) -> PointModel:
        """Return the point model, with the points along the last axis."""
        return PointModel(self.pdm_mean.view(3, POINTS), self.pdm_components.view(3, POINTS, -1), self.pdm_variances)


@torch.no_grad()
def action_unit_intensities(
    frames: Tensor, landmarks: Tensor, success: Tensor, models: Models, dynamic: bool = True
) -> Tensor:
    r"""Compute the intensities of one clip as OpenFace's ``FeatureExtraction`` writes them.

    The steps are those of `action_unit_outputs` for every frame, and of `calibrate_action_units` for the clip.

    Convention: RGB, 0..255; landmarks are (x, y) in pixels, y down, in the order of iBUG.

    Args:
        frames: ``(T, 3, H, W)`` uint8.
        landmarks: ``(T, 68, 2)``.
        success: ``(T,)``, whether there is a face; a frame whose landmarks are not finite has none.
        models: the models.
        dynamic: whether the clip's own neutral face is the zero of the dynamic units, as by default in OpenFace.

    Returns:
        ``(T, 17)`` float64 (float32 on MPS), 0..5, in the order of `ACTION_UNITS`, on the device of the frames. A frame
        without a face has zeros, which take part in the mean of three frames, as in OpenFace's tables.

    Raises:
        InputError: frames, landmarks or success have another shape or dtype.
        MismatchError: they differ in length.

    Source: T. Baltrusaitis et al., OpenFace 2.0, FG 2018; OpenFace 2.2.0, ``FaceAnalyser``.
    """
    check_shape("success", success, ("T",), "whether there is a face")
    if len(success) != len(frames):
        raise MismatchError(f"got {len(success)} values of `success` for {len(frames)} frames; pass one per frame")
    check_shape("landmarks", landmarks, (len(frames), POINTS, 2), "face landmarks")
    tracked = success.to(frames.device).bool()
    points = torch.where(tracked[:, None, None], landmarks.to(frames.device, widest_float(frames.device)), torch.nan)
    return calibrate_action_units(action_unit_outputs(frames, points, models), models.cutoffs, dynamic)


@torch.no_grad()
def action_unit_outputs(frames: Tensor, landmarks: Tensor, models: Models) -> Tensor:
    r"""Compute the outputs of the linear models in each frame, before the clip is calibrated.

    .. math:: u = w \cdot (x - m) + b

    with x the gradients of the aligned face (4464), the shape in millimetres :math:`\Phi p` (204) and its parameters p
    (34).

    Convention: RGB, 0..255; landmarks are (x, y) in pixels, y down, in the order of iBUG.

    Args:
        frames: ``(T, 3, H, W)`` uint8.
        landmarks: ``(T, 68, 2)``; NaN in a frame without a face.
        models: the models.

    Returns:
        ``(T, 17)`` float64 (float32 on MPS); NaN in a frame without a face.

    Raises:
        InputError: frames or landmarks have another shape or dtype.
        MismatchError: they differ in length.
    """
    check_bytes("frames", frames)
    check_shape("landmarks", landmarks, ("T", POINTS, 2), "face landmarks")
    if len(landmarks) != len(frames):
        raise MismatchError(f"got {len(landmarks)} rows of `landmarks` for {len(frames)} frames; pass one per frame")
    models = models.to(frames.device)
    features = action_unit_features(frames, landmarks.to(frames.device), models)
    return features @ models.weights.T + (models.biases - (models.weights * models.means).sum(dim=1))


def action_unit_features(frames: Tensor, landmarks: Tensor, models: Models) -> Tensor:
    """Compute the features that the linear models read.

    Args:
        frames: ``(T, 3, H, W)`` uint8.
        landmarks: ``(T, 68, 2)``, on their device.
        models: the models, on their device.

    Returns:
        ``(T, 4464 + 204 + K)``: gradients by rows, columns and kinds; offsets of all x, y and z; parameters. NaN in a
        frame without a face.
    """
    model = models.point_model
    points = landmarks.to(model.mean.dtype)
    found = points.isfinite().all(dim=2).all(dim=1)
    # a frame without a face gets the mean face and drops its features: leaving the frame out would wait for the device
    points = torch.where(found[:, None, None], points, model.mean[:2].T)
    fit = fit_point_model(points, model)
    _, faces = align_to_mean_face(frames, points, fit.pose[:, 4:], model.mean, models.triangles)
    offsets = fit.shape @ models.pdm_components.T
    features = torch.cat([oriented_gradients(faces).flatten(1), offsets, fit.shape], dim=1)
    return torch.where(found[:, None], features, torch.nan)


@torch.no_grad()
def calibrate_action_units(outputs: Tensor, cutoffs: Tensor, dynamic: bool = True) -> Tensor:
    r"""Turn the outputs of all frames of a clip into intensities.

    A dynamic unit has its zero at the value of position ``int(n * cutoff)`` among the sorted outputs of the n frames
    with a face. All are clamped to 0..5, a frame without a face has 0, and

    .. math:: a_t = (c_{t-1} + c_t + c_{t+1}) / 3

    but for the first and the last frame, which stay. In clips of more than 3,000 frames with a face the original adds
    medians of the past, which cancel before.

    Args:
        outputs: ``(T, 17)``, those of `action_unit_outputs`; NaN in a frame without a face.
        cutoffs: ``(17,)``, those of `Models`.
        dynamic: whether units are calibrated at all.

    Returns:
        ``(T, 17)``, of the same dtype and on the same device.

    Raises:
        InputError: the outputs have another shape.

    Example:
        >>> outputs = torch.tensor([[1.0], [3.0], [2.0]]).expand(3, 17)
        >>> calibrate_action_units(outputs, torch.full((17,), 0.5))[:, 0]
        tensor([0.0000, 0.3333, 0.0000])
    """
    check_shape("outputs", outputs, ("T", len(ACTION_UNITS)), "outputs of the linear models")
    if not len(outputs):
        return outputs
    tracked = outputs.isfinite().all(dim=1, keepdim=True)
    values = outputs
    if dynamic:
        cutoffs = cutoffs.to(outputs)
        ordered = torch.where(tracked, outputs, torch.inf).sort(dim=0).values
        place = (tracked.sum() * cutoffs.nan_to_num(0.0)).to(torch.int64).clamp(0, len(outputs) - 1)
        zero = ordered.gather(0, place[None])
        values = outputs - torch.where(cutoffs > 0, zero, 0.0)
    values = torch.where(tracked, values.clamp(_LOWEST, _HIGHEST), 0.0)
    smooth = values.clone()
    smooth[1:-1] = (values[:-2] + values[1:-1] + values[2:]) / 3
    return smooth
