"""Compute CSIM and FOMM's average Euclidean distance from identity embeddings of faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.frame_mean import FrameMean, FrameMeanRun
from thm_torchmetrics.core.inputs import ClipInput, clips_from
from thm_torchmetrics.core.metric import one_of
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.identity import cosine_similarity, squared_euclidean_distance
from thm_torchmetrics.weights import CustomFiles

Reference: TypeAlias = Literal["target-frame", "target-first", "image", "preds-first"]

REFERENCES = ("target-frame", "target-first", "image", "preds-first")

NO_DIRECTION = "NaN, infinity or nothing but zeros"
"""The contents of a row that has no direction, in words."""


class IdentitySimilarity(FrameMean, key="csim"):
    r"""Compute the cosine similarity of identity embeddings (CSIM), higher is better, -1 to 1.

    .. math:: \text{CSIM} = \frac{1}{T} \sum_t \frac{e(\hat x_t) \cdot e(x_t)}{\|e(\hat x_t)\| \, \|e(x_t)\|}

    with the embedding :math:`e` of a face recognition network.

    Protocols, whose values cannot be compared:

    - ``aligned`` (default): the face is turned, scaled and cut to 112x112 by five points (eyes, nose, mouth corners) of
      its landmarks, as InsightFace's ``norm_crop`` does and recognition networks are trained. PIRender, StyleHEAT,
      SadTalker and LivePortrait describe such a number; their code for it is not public. A frame without a face is not
      scored.
    - ``vico``: the whole frame is shrunk to 112x112, without regard to the face or the aspect, as in the ViCo baseline
      and the TalkingHeadMetrics project (``arcface_torch/compute_csim.py``). Background and hair weigh in, and values
      are higher. It takes ArcFace's networks only.

    Extractors:

    - ``arcface-r100`` (default), ``-r50``, ``-r18``: ArcFace trained on MS1MV3, 512 numbers.
    - ``dlib``: dlib's ResNet, 128 numbers, on the face cut by 68 points as dlib does; it works offline with the extra
      ``[dlib]``. It was trained for Euclidean distances, of which 0.6 separates two people. The cosine is high (0.8 or
      more) even between different people, so its values are on another scale.
    - ``insightface``: detection, alignment and recognition of a model pack such as ``buffalo_l`` by the package of that
      name (extra ``[insightface]``).

    The two sides may differ in size. With ``extractor=None`` the input is embeddings, ``(T, D)``.

    Args:
        protocol: see above.
        extractor: see above; a module that maps whole frames ``(N, 3, H, W)``, float32 in 0..1, to ``(N, D)`` under
            any protocol; or None.
        reference: the frame that each generated frame is compared with.

            - ``target-frame`` (default): the real frame of the same number.
            - ``target-first``: the first real frame that has a face.
            - ``image``: a photo, for identities without a real video; ``target`` is a clip of one frame
              ``(1, 3, H, W)``, one per generated clip or one for all.
            - ``preds-first``: the first generated frame that has a face, for constancy of identity over time; that
              frame itself counts with 1, and ``target`` is not used.

            In all but the first, the clips may differ in length, and every generated frame counts.
        landmarks: the extractor that finds the face, ``"fan"``, or ``"dlib"`` (default with the extractor ``dlib``).
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` or ``"center"``.
        weights: your own checkpoint of the recognition network, or several by name.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``vico`` is combined with an extractor that works on aligned faces only; on ``update``, if a
            photo is not one frame.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import IdentitySimilarity
        >>> metric = IdentitySimilarity(extractor=None)
        >>> metric(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[6.0, 8.0], [0.6, 0.8]]))
        tensor(0.8000, dtype=torch.float64)
    """

    feature_shape = (None,)
    procedures: ClassVar[Mapping[str, Any]] = {"aligned": "aligned faces", "vico": "whole frames"}
    """What the network sees."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "arcface-r100",
        reference: Reference = "target-frame",
        landmarks: Literal["fan", "dlib"] | None = None,
        face: FaceRule = "largest",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.reference = one_of("reference", reference, REFERENCES)
        if reference == "preds-first":
            self.inputs = ("preds",)
        whole = self.procedures[self.protocol] == "whole frames"
        self.extractor = make_extractor(
            "identity", extractor, weights, whole_frame=whole, landmarks=landmarks, face=face
        )
        self.landmarks = landmarks_in_use(self.extractor)

    def start(self, preds: AnyClip | None = None, target: AnyClip | None = None, **inputs: Any) -> ClipRun[Any]:
        """Start the run of one clip."""
        run = FrameMeanRun if self.reference == "target-frame" else ReferenceRun
        return run(self, preds, target)

    def pairs(self, preds: ClipInput, target: ClipInput) -> Iterator[tuple[AnyClip | None, AnyClip | None]]:
        """Yield the clips of both sides together; a photo may serve for all generated clips."""
        if self.reference == "image" and preds is not None and target is not None:
            shape = self.feature_shape if self.extractor is None else None
            target = _photos(target, len(clips_from(preds, "preds", shape)), shape)
        return super().pairs(preds, target)

    @property
    def frame_by_frame(self) -> bool:
        """Return whether the reference of every frame is the real frame of its number."""
        return super().frame_by_frame and self.reference == "target-frame"

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the cosine of every frame."""
        return cosine_similarity(self.features(preds), self.features(target))

    def unusable(self) -> str:
        """Return the contents of a given row that cannot be measured, in words."""
        return NO_DIRECTION

    def where_missing(self) -> str:
        """Return where a frame without a face leaves others without a value, as the end of a sentence."""
        references = {"target-first": ", or in the target", "image": ", or in the photo", "preds-first": ""}
        return references.get(self.reference, super().where_missing())


class ReferenceRun(FrameMeanRun):
    """The run compares every generated frame with one reference.

    The reference is the first face of the prediction, of the target or of a photo. Frames before it are kept until it
    is found.
    """

    def __init__(self, metric: IdentitySimilarity, preds: AnyClip | None = None, target: AnyClip | None = None) -> None:
        self._takes_photo = metric.reference == "image"
        super().__init__(metric, preds, target)
        self._side = 0 if metric.reference == "preds-first" else 1
        self._identity: Tensor | None = None
        self._waiting: list[Tensor] = []

    def check_lengths(self, preds: int, target: int) -> None:
        """Raise an error if a photo is not one frame."""
        if self._takes_photo and target != 1:
            raise InputError(f'reference="image" takes a photo, a clip of one frame, as target; got {target} frames')

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Score the generated frames once the reference is known."""
        source = (preds, target)[self._side]
        if self._identity is None and source is not None:
            self._identity = self._first_face(source)
        if preds is not None:
            self._waiting.append(self.metric.features(preds))
        if self._identity is None or not self._waiting:
            return
        rows, self._waiting = torch.cat(self._waiting), []
        self.add_values(cosine_similarity(rows, self._identity.expand(len(rows), -1)))

    def close(self) -> None:
        """Count the generated frames; none is left out."""
        self.sums.aligned = self.lengths[0]

    def _first_face(self, chunk: Chunk) -> Tensor | None:
        """Return the embedding ``(1, D)`` of the first frame with a face.

        Checked on the host once per clip, so later frames are not embedded.
        """
        embeddings = self.metric.features(chunk)
        index = (~embeddings.isnan().any(dim=1)).nonzero()[:1, 0]
        return embeddings[index] if len(index) else None


class AverageEuclideanDistance(FrameMean, key="aed-id"):
    r"""Compute the squared Euclidean distance of normalised embeddings, lower is better, 0 to 4.

    .. math:: d = \frac{1}{T} \sum_t \left\| \frac{e(\hat x_t)}{\|e(\hat x_t)\|} -
              \frac{e(x_t)}{\|e(x_t)\|} \right\|^2 = 2 - 2 \cos

    This is the identity distance of the First Order Motion Model (A. Siarohin et al., 2019), which that family of
    papers calls AED and takes without the root. `AverageExpressionDistance` is the other metric of this abbreviation.

    Protocols:

    - ``fomm`` (default): the whole frame goes into the network, without detection or alignment, as in
      ``AliaksandrSiarohin/pose-evaluation``. It takes ArcFace's networks only.
    - ``aligned``: the face is aligned as in `IdentitySimilarity`; with the same extractor the two share one pass of the
      network.

    The original embeds with OpenFace's ``nn4.small2``, 96x96, for which no checkpoint that can be verified was found;
    here the networks are those of `IdentitySimilarity`. Published numbers are therefore on another scale.

    The two sides may differ in size. With ``extractor=None`` the input is embeddings, ``(T, D)``.

    Args:
        protocol: see above.
        extractor, landmarks, face, weights: as in `IdentitySimilarity`.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``fomm`` is combined with an extractor that works on aligned faces only.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import AverageEuclideanDistance
        >>> metric = AverageEuclideanDistance(extractor=None)
        >>> metric(torch.tensor([[5.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
        tensor(1., dtype=torch.float64)
    """

    feature_shape = (None,)
    procedures: ClassVar[Mapping[str, Any]] = {"fomm": "whole frames", "aligned": "aligned faces"}
    """What the network sees."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "arcface-r100",
        landmarks: Literal["fan", "dlib"] | None = None,
        face: FaceRule = "largest",
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        whole = self.procedures[self.protocol] == "whole frames"
        self.extractor = make_extractor(
            "identity", extractor, weights, whole_frame=whole, landmarks=landmarks, face=face
        )
        self.landmarks = landmarks_in_use(self.extractor)

    def per_frame(self, preds: Chunk, target: Chunk) -> Tensor:
        """Return the distance of every frame."""
        return squared_euclidean_distance(self.features(preds), self.features(target))

    def unusable(self) -> str:
        """Return the contents of a given row that cannot be measured, in words."""
        return NO_DIRECTION


def _photos(given: Any, clips: int, feature_shape: tuple[int | None, ...] | None) -> Any:
    """Return one photo per clip; one photo for all clips is wrapped once and embedded once."""
    one = 4 if feature_shape is None else 1 + len(feature_shape)
    single = isinstance(given, Clip) or (isinstance(given, Tensor) and given.ndim == one)
    if not single and (not isinstance(given, Tensor | Sequence) or len(given) != 1):
        return given
    photo = given if single else given[0]
    if feature_shape is None:
        photo = clips_from(photo, "target")[0]
    return [photo] * clips
