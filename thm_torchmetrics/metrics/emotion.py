"""Compare the emotion of faces by valence and arousal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.extractors.emotion import AFFECT, Emotion
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.metrics.clip_labels import Affect, read_labels
from thm_torchmetrics.metrics.paired_moments import PairedMoments
from thm_torchmetrics.weights import CustomFiles


class ValenceError(PairedMoments, key="v-rmse"):
    r"""Compute the root mean squared error of valence (V-RMSE), lower is better, in ``[0, 2]``.

    .. math:: \text{RMSE} = \sqrt{\frac{1}{T} \sum_t (\hat v_t - v_t)^2}

    of the valence that EmoNet (A. Toisoul et al., Nature Machine Intelligence 2021) estimates in the generated and in
    the real frame, both clamped to [-1, 1]. All valence and arousal metrics of equal options share one state, so that a
    collection runs the network once per clip. Their formulas are those of EmoNet's ``metrics.py``.

    By its authors' account EmoNet has an RMSE of 0.29 (valence) and 0.27 (arousal) on AffectNet's test data; do not
    rank generators by small differences.

    Protocols, which differ in the network's input:

    - ``face`` (default): the square around the landmarks of the face, of side (width + height) / 1.1, black outside the
      frame, scaled to 256x256, as in the data that EmoNet was trained and tested on. A frame without a face is not
      scored.
    - ``thm``: the whole frame shrunk to 256x256, as the TalkingHeadMetrics project does.

    The two sides may differ in size. With ``extractor=None`` the input is valence and arousal, ``(T, 2)``.

    Args:
        protocol: see above.
        average: ``"frame"`` (default): one statistic of all frames of all clips, as the TalkingHeadMetrics project
            has it; ``"clip"``: the mean of the clips' statistics, of those clips that have one. Correlations of pooled
            frames also hold the differences between speakers and are higher. Reports show both.
        extractor: ``"emonet8"`` or ``"emonet5"`` (8 or 5 expressions); a module that maps whole frames
            ``(N, 3, H, W)``, float32 in 0..1, to valence and arousal ``(N, 2)`` under any protocol; or None.
        landmarks: the extractor that finds the face, ``"fan"`` or ``"dlib"``.
        face: the face of a frame that counts: ``"largest"``, ``"first"`` (best score), ``"last"`` or ``"center"``.
        mirror: whether to average with the network's output for the mirrored image, as the published numbers do; it
            doubles the work.
        labels: where the valence and arousal that are wanted of each clip come from, in place of a target: a table
            ``FILE.csv`` with the columns ``clip``, ``valence`` and ``arousal``, where ``clip`` is the clip's name in
            reports; or a regular expression that is searched for in this name, whose two groups are valence and
            arousal. A clip without a label is counted and not scored. In Python, `update` takes ``wanted`` as well.
        weights: your own checkpoint of EmoNet, or several by name.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if the labels cannot be read.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ValenceError
        >>> target = torch.tensor([[0.1, 0.5], [0.3, -0.5]])
        >>> ValenceError(extractor=None)(target + 0.25, target)
        tensor(0.2500, dtype=torch.float64)
    """

    feature_shape = (2,)
    procedures: ClassVar[Mapping[str, Any]] = {"face": "faces", "thm": "whole frames"}
    """What the network sees."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        extractor: str | nn.Module | None = "emonet8",
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        mirror: bool = False,
        labels: str | None = None,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        whole = self.procedures[self.protocol] == "whole frames"
        self.extractor = make_extractor(
            "emotion", extractor, weights, whole_frame=whole, landmarks=landmarks, face=face, mirror=mirror
        )
        self.landmarks = landmarks_in_use(self.extractor)
        if labels is not None:
            self.labels = read_labels(labels, Affect())
            self.inputs = ("preds",)

    def affect(self, chunk: Chunk) -> Tensor:
        """Return valence and arousal ``(n, 2)`` of a chunk's frames, NaN without a face."""
        rows = self.features(chunk)
        return rows[:, AFFECT] if isinstance(self.extractor, Emotion) else rows


class ArousalError(ValenceError, key="a-rmse", reads_state_of_parent=True):
    """Compute the root mean squared error of arousal (A-RMSE), lower is better, in ``[0, 2]``.

    For formula and options see `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ArousalError
        >>> target = torch.tensor([[0.1, 0.5], [0.3, -0.5]])
        >>> ArousalError(extractor=None)(target + 0.25, target)
        tensor(0.2500, dtype=torch.float64)
    """

    series = 1


class ValenceSignAgreement(ValenceError, key="v-sagr", reads_state_of_parent=True):
    r"""Compute the sign agreement of valence (V-SAGR), higher is better, in ``[0, 1]``.

    .. math:: \text{SAGR} = \frac{1}{T} \sum_t [\operatorname{sign} \hat v_t = \operatorname{sign} v_t]

    where zero has a sign of its own. For options see `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ValenceSignAgreement
        >>> preds, target = torch.tensor([[0.1, 0.0], [-0.2, 0.0]]), torch.tensor([[0.5, 0.0], [0.3, 0.0]])
        >>> ValenceSignAgreement(extractor=None)(preds, target)
        tensor(0.5000, dtype=torch.float64)
    """

    statistic = "sagr"


class ArousalSignAgreement(ValenceSignAgreement, key="a-sagr", reads_state_of_parent=True):
    """Compute the sign agreement of arousal (A-SAGR), higher is better, in ``[0, 1]``.

    For the formula see `ValenceSignAgreement`, for options `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ArousalSignAgreement
        >>> preds, target = torch.tensor([[0.0, 0.1], [0.0, -0.2]]), torch.tensor([[0.0, 0.5], [0.0, 0.3]])
        >>> ArousalSignAgreement(extractor=None)(preds, target)
        tensor(0.5000, dtype=torch.float64)
    """

    series = 1


class ValenceCorrelation(ValenceError, key="v-pcc", reads_state_of_parent=True):
    r"""Compute Pearson's correlation of valence (V-PCC), higher is better, in ``[-1, 1]``.

    .. math:: \text{PCC} = \frac{\operatorname{cov}(\hat v, v)}{\sigma_{\hat v} \, \sigma_v}

    It is NaN if a side is constant or if there is one frame only. For options see `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ValenceCorrelation
        >>> target = torch.tensor([[0.1, 0.3], [0.2, 0.1], [0.4, -0.2]])
        >>> round(ValenceCorrelation(extractor=None)(target / 2 + 0.1, target).item(), 4)
        1.0
    """

    statistic = "pcc"


class ArousalCorrelation(ValenceCorrelation, key="a-pcc", reads_state_of_parent=True):
    """Compute Pearson's correlation of arousal (A-PCC), higher is better, in ``[-1, 1]``.

    For the formula see `ValenceCorrelation`, for options `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ArousalCorrelation
        >>> target = torch.tensor([[0.1, 0.3], [0.2, 0.1], [0.4, -0.2]])
        >>> round(ArousalCorrelation(extractor=None)(-target, target).item(), 4)
        -1.0
    """

    series = 1


class ValenceConcordance(ValenceError, key="v-ccc", reads_state_of_parent=True):
    r"""Compute Lin's concordance correlation of valence (V-CCC), higher is better, -1 to 1.

    .. math::
        \text{CCC} = \frac{2 \operatorname{cov}(\hat v, v)}{\sigma_{\hat v}^2 + \sigma_v^2 + (\mu_{\hat v} - \mu_v)^2}

    with variances over n. It is 0 if one side is constant, and NaN if both are constant and equal or if there is one
    frame only. For options see `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ValenceConcordance
        >>> target = torch.tensor([[0.1, 0.3], [0.2, 0.1], [0.4, -0.2]])
        >>> round(ValenceConcordance(extractor=None)(target + 0.1, target).item(), 4)
        0.7568
    """

    statistic = "ccc"


class ArousalConcordance(ValenceConcordance, key="a-ccc", reads_state_of_parent=True):
    """Compute Lin's concordance correlation of arousal (A-CCC), higher is better, -1 to 1.

    For the formula see `ValenceConcordance`, for options `ValenceError`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import ArousalConcordance
        >>> target = torch.tensor([[0.1, 0.3], [0.2, 0.1], [0.4, -0.2]])
        >>> round(ArousalConcordance(extractor=None)(target, target).item(), 4)
        1.0
    """

    series = 1
