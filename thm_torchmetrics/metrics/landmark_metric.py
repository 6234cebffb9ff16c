"""The metrics of 68 landmarks read them from the same extractors."""

from __future__ import annotations

from typing import Any, get_args

from torch import nn

from thm_torchmetrics.core.metric import TalkingHeadMetric, one_of
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.dlib import Grey
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.faces.fan import POINTS
from thm_torchmetrics.weights import CustomFiles


class LandmarkMetric(TalkingHeadMetric):
    """Read the 68 landmarks of the face, given or from one of the extractors.

    It is the first base of a landmark metric; the second says how values are averaged.

    With ``extractor=None`` the input is landmarks, ``(T, 68, 2)``, x and y in pixels, NaN in frames without a face.

    Args:
        extractor: ``"fan"``, the networks of the face-alignment package; ``"dlib"``, which works offline with the extra
            of that name; a module that maps frames ``(N, 3, H, W)``, float32 in 0..1, to ``(N, 68, 2)``; or None.
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` (worst score above
            the detector's threshold) or ``"center"``.
        upsample: number of times that ``dlib`` doubles the frame before it detects faces.
        grey: with ``dlib``, turn the frame grey first, its channels taken for red, green and blue as they are
            (``"rgb"``) or in reverse (``"bgr"``).
        weights: your own checkpoints, by name, or one file for dlib's predictor.
        flip: whether ``fan`` adds the heat maps of the mirrored face.
        kwargs: the options of `TalkingHeadMetric`.
    """

    feature_shape: tuple[int | None, ...] | None = (POINTS, 2)

    def __init__(
        self,
        *,
        extractor: str | nn.Module | None = "fan",
        face: FaceRule = "largest",
        upsample: int = 0,
        grey: Grey | None = None,
        weights: CustomFiles = None,
        flip: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.face = face
        self.upsample = upsample
        self.grey = one_of("grey", grey, (None, *get_args(Grey)))
        self.flip = flip
        self.extractor = make_extractor(
            "landmarks", extractor, weights, face=face, flip=flip, upsample=upsample, grey=grey
        )
