"""Count the clips that show the intended emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, FeatureClip
from thm_torchmetrics.core.clip_mean import ClipMean, ClipMeanRun, ClipRows, ClipValue
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import ClipInput, clips_from
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.extractors import landmarks_in_use, make_extractor
from thm_torchmetrics.extractors.emotion import EXPRESSIONS, LOGITS, Emotion
from thm_torchmetrics.faces.boxes import FaceRule
from thm_torchmetrics.functional.emotion import emotion_hits
from thm_torchmetrics.imaging.checks import check_numbers
from thm_torchmetrics.metrics.clip_labels import Classes, find_class, read_labels
from thm_torchmetrics.weights import CustomFiles

Labels: TypeAlias = Tensor | Sequence["Tensor | str | int"] | str | int | None

EAT_CLASSES = ("happy", "angry", "disgust", "fear", "sad", "neutral", "surprised", "contempt")
"""The emotions of EAT's evaluation in the order of its network's outputs."""

NO_LABEL = "no label"


class EmotionAccuracy(ClipMean, key="emotion-accuracy"):
    r"""Compute the share of clips that show the intended emotion, higher is better, 0 to 1.

    .. math:: \frac{1}{N} \sum_n [y_n \in \operatorname{top}_k \frac{1}{T_n} \sum_t \operatorname{softmax}(z_{n,t})]

    with the logits :math:`z` of the frames of clip n and its label :math:`y_n`. Protocols:

    - ``emonet-top1`` (default): the likeliest of EmoNet's expressions, this package's own.
    - ``emonet-top3``: the label is among the three likeliest of EmoNet's 8 expressions, as EmoTalkingGaussian describes
      its E-Acc in words; no code is public, and how frames become one answer is not said there.
    - ``logits``: the likeliest class on given logits. With one row per clip, ``(1, K)``, this is the accuracy of
      ``yuangan/evaluation_eat@e39b004 code/_acc_test.py`` (Y. Gan et al., EAT, 2023), whose network, Emotion-FAN,
      answers once per video. It is not part of this package.

    EmoNet's expressions are neutral, happy, sad, surprise, fear, disgust, anger, contempt; ``emonet5`` has the first
    five. Labels are names, or numbers from 0. ``angry``, ``surprised``, ``disgusted``, ``fearful``, ``happiness`` and
    ``sadness`` name the same classes. A frame without a face does not count; a clip without a label is counted and not
    scored. ``detail["classes"]`` has the share of each class. With ``extractor=None`` the input is logits, ``(T, K)``.

    Args:
        protocol: see above.
        average: ``"clip"`` (default), as above; ``"frame"``: the share of frames whose own answer is right.
        labels: where the labels of files come from: a table ``FILE.csv`` with the columns ``clip`` and ``label``, where
            ``clip`` is the clip's name in reports; or a regular expression that is searched for in this name, whose
            first group, or whole match, is the label. Default: `update` is given labels.
        classes: names of the classes of given logits, or of those of your module, in their order, with commas between
            them; default: EmoNet's, and for ``logits`` EAT's, happy, angry, disgust, fear, sad, neutral, surprised,
            contempt.
        extractor: ``"emonet8"`` or ``"emonet5"``; a module that maps whole frames ``(N, 3, H, W)``, float32 in 0..1, to
            logits ``(N, K)``; or None.
        landmarks, face, mirror, weights: as in `ValenceError`.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if the labels cannot be read, the classes are not those of the extractor, or ``logits`` is combined
            with an extractor.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import EmotionAccuracy
        >>> metric = EmotionAccuracy(extractor=None, classes="happy,sad,angry")
        >>> happy, sad = torch.tensor([[4.0, 0.0, 1.0], [0.0, 1.0, 0.5]]), torch.tensor([[0.0, 1.0, 2.0]])
        >>> metric([happy, sad], labels=["happy", "sad"])
        tensor(0.5000, dtype=torch.float64)
    """

    averages = ("clip", "frame")
    feature_shape: tuple[int | None, ...] = (None,)
    reasons: ClassVar[Mapping[str, str]] = {NO_LABEL: "the clip has no label"}
    procedures: ClassVar[Mapping[str, Any]] = {"emonet-top1": 1, "emonet-top3": 3, "logits": 1}
    """How many of the likeliest classes count."""

    def __init__(
        self,
        *,
        protocol: str | None = None,
        labels: str | None = None,
        classes: str | None = None,
        extractor: str | nn.Module | None = "emonet8",
        landmarks: Literal["fan", "dlib"] = "fan",
        face: FaceRule = "largest",
        mirror: bool = False,
        weights: CustomFiles = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if self.protocol == "logits" and extractor is not None:
            raise InputError(
                "protocol 'logits' reads given logits (T, K); leave `extractor` out, or take the protocol 'emonet-top1'"
            )
        self.extractor = make_extractor("emotion", extractor, weights, landmarks=landmarks, face=face, mirror=mirror)
        self.landmarks = landmarks_in_use(self.extractor)
        usual = EAT_CLASSES if self.protocol == "logits" else getattr(self.extractor, "classes", EXPRESSIONS)
        self.classes = tuple(name.strip().lower() for name in classes.split(",")) if classes else usual
        if isinstance(self.extractor, Emotion) and self.classes != usual:
            raise InputError(f"the classes of {self.extractor} are {', '.join(usual)}; leave `classes` out")
        if len(set(self.classes)) < len(self.classes) or not all(self.classes):
            raise InputError(f"classes must be different names with commas between them, got {classes!r}")
        self.feature_shape = (len(self.classes),)
        self.labels = None if labels is None else read_labels(labels, Classes(self.classes))
        self.inputs = ("preds", "labels") if labels is None else ("preds",)

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side; ``labels`` stands in the place of the target."""
        return ("labels" if "labels" in self.inputs else None) if side == "target" else super().argument(side)

    def fields(self) -> Fields:
        """Return the sums of a clip mean, and those of each class."""
        return {**super().fields(), "class_total": (len(self.classes),), "class_weight": (len(self.classes),)}

    def features(self, chunk: Chunk) -> Tensor:
        """Return the logits of a chunk's frames.

        Raises:
            InputError: if there are not as many as classes.
        """
        rows = super().features(chunk)
        rows = rows[:, LOGITS] if isinstance(self.extractor, Emotion) else rows
        if tuple(rows.shape[1:]) != self.feature_shape:
            raise InputError(
                f"{self.extractor or 'preds'} gives {tuple(rows.shape[1:])} logits per frame, and there are "
                f"{len(self.classes)} classes: {', '.join(self.classes)}; pass their names as `classes`"
            )
        return rows

    def update(self, preds: ClipInput = None, target: ClipInput = None, *, labels: Labels = None) -> None:
        """Add clips.

        Args:
            preds: the generated clip or clips, as `TalkingHeadMetric.update` describes them.
            target: not used.
            labels: the class of each clip, by name or number: one, a list, or a tensor ``(B,)``; NaN or infinity
                where a clip has none. Not used if the metric was made with ``labels``.

        Raises:
            InputError: if an input is missing or of another shape or dtype, or there is no such class.
            MismatchError: if there are not as many labels as clips.
        """
        shape = self.feature_shape if self.extractor is None else None
        clips = [] if preds is None else clips_from(preds, "preds", shape)
        for name, value in (("preds", preds), ("labels", labels)):
            if value is None and name in self.inputs:
                raise InputError(f"{type(self).__name__} needs `{name}`, which was not given")
        if self.labels is not None:
            for clip in clips:
                self.measure(clip)
            return
        indices = self.indices(labels)
        if len(indices) != len(clips):
            raise MismatchError(f"preds holds {len(clips)} clips and labels {len(indices)}; give one per clip")
        for clip, index in zip(clips, indices, strict=True):
            self.measure(clip, FeatureClip(torch.tensor([index], dtype=torch.float64)))

    def indices(self, labels: Labels) -> list[float]:
        """Return labels as numbers of classes, NaN where there is none.

        Raises:
            InputError: if there is no such class.
        """
        if isinstance(labels, Tensor):
            check_numbers("labels", labels)
            labels = list(labels.detach().reshape(-1))
        found: list[float] = []
        for label in labels if isinstance(labels, list | tuple) else [labels]:
            if isinstance(label, Tensor):
                check_numbers("labels", label)
            index: float | None = None
            if isinstance(label, str):
                index = find_class(label, self.classes)
            elif isinstance(label, Real) or (isinstance(label, Tensor) and label.numel() == 1):
                index = float(label.detach() if isinstance(label, Tensor) else label)
            if index is None or (isfinite(index) and index not in range(len(self.classes))):
                remedy = "; pass torch.from_numpy(labels)" if type(label).__module__ == "numpy" else ""
                raise InputError(
                    f"labels must be one per clip, of {', '.join(self.classes)}, or 0 to {len(self.classes) - 1}, got "
                    f"{label!r}{remedy}"
                )
            found.append(float(index))
        return found

    def start(
        self, preds: AnyClip | None = None, target: AnyClip | None = None, *, fps: float | None = None, **inputs: Any
    ) -> ClipRun[Any]:
        """Start the run of one clip."""
        return EmotionAccuracyRun(self, preds, target, fps)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return whether a clip, or the share of its frames that, shows its label."""
        if rows.target is None or not rows.target.isfinite().all():
            return NO_LABEL
        label, top = int(rows.target[0]), self.procedures[self.protocol]
        probabilities = rows.preds[rows.preds.isfinite().all(dim=1)].softmax(dim=1)
        mean = probabilities.mean(dim=0, keepdim=True)
        detail = {"label": self.classes[label], "predicted": self.classes[int(mean.argmax())]}
        hits = emotion_hits(probabilities if self.average == "frame" else mean, label, top)
        return ClipValue(float(hits.mean()), len(hits), detail)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the share of each class, its number of clips or frames, and the clips without a value."""
        rows = zip(self.classes, sums.class_total.tolist(), sums.class_weight.tolist(), strict=True)
        unit = f"{self.average}s"
        classes = {name: {"value": total / count, unit: int(count)} for name, total, count in rows if count}
        return {**super().details(sums), "classes": classes}


class EmotionAccuracyRun(ClipMeanRun):
    """The run finds the label of a clip, and counts the clip with its class."""

    def __init__(
        self,
        metric: EmotionAccuracy,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        fps: float | None = None,
    ) -> None:
        super().__init__(metric, preds, target, fps)
        self._key = "" if preds is None else preds.key

    def close(self) -> None:
        """Measure the clip, and add it to the sums of its class."""
        found = None if self.metric.labels is None else self.metric.labels.find(self._key)
        if found is not None:
            (index,) = (torch.nan,) if isinstance(found, str) else found
            self.rows["target"] = [torch.tensor([index]).to(self.sums.vector)]
        super().close()
        if self.sums.weight:
            label = int(self.rows["target"][0][0])
            self.sums.class_total[label], self.sums.class_weight[label] = self.sums.total, self.sums.weight
        elif isinstance(found, str) and not self.sums.not_scored[0]:
            self.why = found
