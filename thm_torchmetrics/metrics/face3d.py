"""Compute AED, APD, E-FID and P-FID from the coefficients of a 3-D face model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.frame_mean import FrameMean
from thm_torchmetrics.core.frechet_distance import FrechetDistance
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.extractors.face3d import NUM_COEFFICIENTS
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.face3d import (
    COEFFICIENTS,
    average_coefficient_distance,
    average_expression_distance,
    average_pose_distance,
)
from thm_torchmetrics.weights import CustomFiles


class _CoefficientDistance(FrameMean):
    """AED and APD read the same coefficients, from the same extractors."""

    feature_shape: tuple[int | None, ...] = (NUM_COEFFICIENTS,)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the distance of every frame."""
        distance: Tensor = self.procedures[self.protocol](self.features(preds), self.features(target))
        return distance

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "deep3d",
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if self.protocol == "features":
            self.feature_shape = (None,)
        self.extractor = make_extractor("face3d", extractor, weights, landmarks=landmarks, face=face)
        self.landmarks = landmarks_in_use(self.extractor)


class AverageExpressionDistance(_CoefficientDistance, key="aed"):
    r"""Compute the average expression distance (AED), lower is better, at least 0.

    .. math:: \text{AED} = \frac{1}{T} \sum_t \frac{1}{64} \sum_k |\hat\beta_{t,k} - \beta_{t,k}|

    with the 64 expression coefficients of a 3-D face that Deep3DFaceRecon (Y. Deng et al., 2019) estimates in each
    frame. Usual values are 0.10 to 0.20. Papers that print values eight times as large took the Euclidean length
    instead. FOMM's AED is another metric, `AverageEuclideanDistance`.

    Protocols, equal per frame:

    - ``styleheat`` (default): mean over clips of the mean over frames; StyleHEAT's script, published with Next3D, and
      before it PIRender, whose code is not public.
    - ``vico``: mean over all frames of all clips; ExpL1 of the ViCo challenge, of which only the definition is public.
    - ``features``: the same difference of given coefficients ``(T, D)``, all of them, of any face model; mean over all
      frames. Its values depend on the model that made them, which reports name where the files of features tell it.

    A frame without a face in either video is skipped and counted. The originals never skip: StyleHEAT puts in a fixed
    mean face (and first resizes frames to 256x256), ViCo the landmarks of the previous frame. Both take the first face
    of the face-alignment package's detector, and so do the protocols (``face="first"``).

    Two published checkpoints share the name ``epoch_20.pth``, and values differ between them. The extractor selects
    one. Reports name the one in use, by its hash where that is known.

    With ``extractor=None`` the input is coefficients, ``(T, 257)``, in the order of `functional.face3d.COEFFICIENTS`.

    Args:
        protocol: see above.
        extractor: ``"deep3d"`` (first release), ``"deep3d-2023"`` (the authors' update of April 2023); a module that
            maps whole frames ``(N, 3, H, W)``, float32 in 0..1, to ``(N, 257)``; or None.
        landmarks: the extractor that finds the face, ``"fan"``, as in the originals, or ``"dlib"``.
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` or ``"center"``.
        weights: your own checkpoint of the coefficient network, or several by name.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import AverageExpressionDistance
        >>> target = torch.zeros(4, 257)
        >>> AverageExpressionDistance(extractor=None)(target + 0.25, target)
        tensor(0.2500, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        "styleheat": average_expression_distance,
        "vico": average_expression_distance,
        "features": average_coefficient_distance,
    }


class AveragePoseDistance(_CoefficientDistance, key="apd"):
    r"""Compute the average pose distance (APD), lower is better, at least 0.

    .. math:: \text{APD} = \frac{1}{T} \sum_t \frac{1}{K} \sum_k |\hat p_{t,k} - p_{t,k}|

    with the head pose that Deep3DFaceRecon estimates in each frame. Usual values of ``styleheat`` are 0.02 to 0.05.

    Protocols:

    - ``styleheat`` (default): the three Euler angles in radians; mean over clips of the mean over frames.
    - ``vico``: the angles and the three translations as one vector of six; mean over all frames of all clips. The unit
      is then mixed.
    - ``features``: the same difference of given poses ``(T, D)``, all D numbers; mean over all frames. The unit is that
      of the poses.

    Angles are not wrapped around, as in the originals. Faces, skipped frames, checkpoints and input are as in
    `AverageExpressionDistance`.

    Args:
        protocol: see above.
        extractor, landmarks, face, weights: as in `AverageExpressionDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import AveragePoseDistance
        >>> target, preds = torch.zeros(4, 257), torch.zeros(4, 257)
        >>> preds[:, 224:227] = 0.5  # the angles
        >>> AveragePoseDistance(extractor=None)(preds, target)
        tensor(0.5000, dtype=torch.float64)
        >>> AveragePoseDistance(extractor=None, protocol="vico")(preds, target)
        tensor(0.2500, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        **{name: partial(average_pose_distance, protocol=name) for name in ("styleheat", "vico")},
        "features": average_coefficient_distance,
    }


class _CoefficientFrechetDistance(FrechetDistance):
    """E-FID and P-FID read the same coefficients, from the same extractors, or given ones of any face model.

    `procedures` has, by protocol, the length of a given row, None for any, and the columns of it that are compared.
    `extracted` has the columns of an extractor's 257 coefficients, where these are others.
    """

    feature_shape: tuple[int | None, ...] = (NUM_COEFFICIENTS,)
    extracted: ClassVar[tuple[int, ...] | None] = None

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "deep3d",
        num_features: int | None = None,
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        given = NUM_COEFFICIENTS if num_features is None else num_features
        super().__init__(protocol=protocol, num_features=given, **kwargs)
        length, columns = self.procedures[self.protocol]
        if extractor is not None and self.extracted is not None:
            length, columns = NUM_COEFFICIENTS, self.extracted
        if length is not None and num_features not in (None, length):
            raise InputError(
                f"{self.key}:{self.protocol} reads rows of {length} coefficients, got num_features={num_features}; "
                'pass protocol="features" for others'
            )
        if isinstance(extractor, str) and length not in (None, NUM_COEFFICIENTS):
            raise InputError(f"{self.key}:{self.protocol} reads given coefficients; pass extractor=None")
        saved = None if self._saved is None else self._saved.facts.get("options", {}).get("num_features")
        self.num_features = length or num_features or saved or NUM_COEFFICIENTS
        self.feature_shape = (length,)
        self.extractor = make_extractor("face3d", extractor, weights, landmarks=landmarks, face=face)
        self.landmarks = landmarks_in_use(self.extractor)
        self._columns = range(self.num_features)[columns] if isinstance(columns, slice) else columns

    @property
    def dimensions(self) -> int:
        """Return how many coefficients are compared."""
        return len(self._columns)

    def compared(self, features: Tensor) -> Tensor:
        """Return the coefficients that are compared."""
        return features[:, list(self._columns)]


class ExpressionFrechetDistance(_CoefficientFrechetDistance, key="e-fid"):
    r"""Compute the Fréchet distance of expressions (E-FID), lower is better, at least 0.

    .. math:: \text{E-FID} = \|\mu_1 - \mu_2\|^2 + \operatorname{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    with mean and unbiased covariance of the expression coefficients of all generated and of all real frames. The
    numbers of frames of the two sides may differ. With no more frames a side than coefficients the covariance is
    singular and the value biased upwards.

    Protocols:

    - ``emo`` (default): the 64 expression coefficients that Deep3DFaceRecon estimates, as EMO (L. Tian et al., 2024)
      describes it; no code is public.
    - ``hallo``: given coefficients, ``(T, 79)``, of the Basel model, by the face tracking of ER-NeRF, which Hallo's
      authors name (hallo2, issue 31); Hallo2, Hallo3, Sonic and MultiTalk print a row of this name. The tracker is not
      part of this package.
    - ``features``: given coefficients ``(T, num_features)`` of any face model, all of them.

    Papers that print SadTalker's E-FID on HDTF differ by a factor of 19, as their face models do, and 4 of 28 define it
    on Inception features: values compare within one face model only. Reports name the program that made given features
    where their files tell it.

    A frame without a face is counted and not used. Faces and checkpoints are as in `AverageExpressionDistance`.

    With ``extractor=None`` the input is coefficients; those of ``emo`` are ``(T, 257)``, in the order of
    `functional.face3d.COEFFICIENTS`.

    Args:
        protocol: see above.
        extractor, landmarks, face, weights: as in `AverageExpressionDistance`.
        num_features: length of a row, for ``features``.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if the protocol reads rows of another length, or given ones only; on ``update``, if rows have
            another length.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ExpressionFrechetDistance
        >>> target = torch.zeros(4, 257)
        >>> ExpressionFrechetDistance(extractor=None)(target + 0.5, target)  # 64 means 0.5 apart
        tensor(16., dtype=torch.float64)
        >>> metric = ExpressionFrechetDistance(protocol="features", num_features=52)
        >>> metric(torch.zeros(4, 52), torch.full((4, 52), 0.5))
        tensor(13., dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {
        "emo": (NUM_COEFFICIENTS, COEFFICIENTS["exp"]),
        "hallo": (79, slice(None)),
        "features": (None, slice(None)),
    }


class PoseFrechetDistance(_CoefficientFrechetDistance, key="p-fid"):
    r"""Compute the Fréchet distance of head poses (P-FID), lower is better, at least 0.

    .. math:: \text{P-FID} = \|\mu_1 - \mu_2\|^2 + \operatorname{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    with mean and unbiased covariance of six numbers per frame, three angles and three translations, of all generated
    and of all real frames. The numbers of frames of the two sides may differ.

    Protocol ``float``: as FLOAT (T. Ki et al., 2025) describes it; no code is public. The unit is mixed, and values
    depend on what estimates the pose: they compare within one estimator only.

    A frame without a face is counted and not used. Faces and checkpoints are as in `AverageExpressionDistance`; the
    pose is that of Deep3DFaceRecon, in radians.

    With ``extractor=None`` the input is poses, ``(T, 6)``.

    Args:
        protocol: see above.
        extractor, landmarks, face, weights: as in `AverageExpressionDistance`.
        num_features: length of a row: 6, or 257 of an extractor.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: on ``update``, if rows have another length.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import PoseFrechetDistance
        >>> target = torch.zeros(4, 6)
        >>> PoseFrechetDistance(extractor=None)(target + 0.5, target)
        tensor(1.5000, dtype=torch.float64)
    """

    procedures: ClassVar[Mapping[str, Any]] = {"float": (6, slice(None))}
    extracted = (*range(224, 227), *range(254, 257))
