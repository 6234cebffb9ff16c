"""Compute whether the lips of 3-D faces move more where the speech is louder, over clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, list_counts
from thm_torchmetrics.core.clip import AnyClip, FeatureClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import AudioInput, ClipInput, clips_from, sounds_by_clip
from thm_torchmetrics.core.score import Tally
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.correlation import correlation_of_sums, spread_of_sums
from thm_torchmetrics.functional.meshes import lip_intensity
from thm_torchmetrics.lipsync.windows import check_speech
from thm_torchmetrics.metrics.clip_labels import Names, is_table, names_in, read_labels
from thm_torchmetrics.metrics.vertex_metric import VertexMetric
from thm_torchmetrics.regions.vertices import Numbers, vertex_list

_FULL_SCALE = 32768
"""The amplitude of a sample of 1.0 in whole numbers of 16 bits."""


class SpeechLipCorrelation(VertexMetric, key="slcc"):
    r"""Compute the correlation of the intensities of speech and lips (SLCC), higher is better, in ``[-1, 1]``.

    .. math:: \text{SLCC} = \operatorname{Pearson}_n (z^\text{speech}_n, z^\text{lip}_n)

    over clips n. The intensity of speech is the root mean square of its samples as whole numbers of 16 bits, that of
    the lips `functional.meshes.lip_intensity`. Each is turned into a z-score by mean and standard deviation (over
    n - 1) of the clips of one person, so that no person counts as loud. From the sums of each person with
    :math:`n_i` clips and correlation :math:`r_i` this is :math:`\sum_i (n_i - 1) r_i / \sum_i (n_i - 1)`.

    Protocol ``perceptual``: ``kaist-ami/Perceptual-3D-Talking-Head@530d075 evaluation/evaluate_SLCC.py``, with
    ``extract_lip_intensity.py`` and ``extract_rms.py``. That program squares the samples of a mono file in 16 bits,
    where they wrap around; that is not kept. It averages the channels of stereo, as the command does.

    A person with one clip, or whose clips are equally loud or move equally, has no z-score: these clips are counted and
    not scored, as the program drops them. ``detail["identities"]`` has each person's correlation. There is no value per
    clip. The inputs are ``preds``, the vertices, ``audio``, and ``labels``, the name of the person of each clip, unless
    there is one person.

    Args:
        lips: numbers of the vertices of the mouth: a tensor, a list, or a text file; one that is listed twice counts
            twice, as in the original.
        identities: the names of the persons, with commas between them; default: those of the table ``labels``.
        labels: where the person of a file comes from: a table ``FILE.csv`` with the columns ``clip`` and ``identity``,
            where ``clip`` is the clip's name in reports; or a regular expression that is searched for in this name,
            whose first group, or whole match, is one of ``identities``. Default: `update` is given labels.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        InputError: if ``lips`` is no list, the labels cannot be read, or the names are not different; on `update`, if
            ``lips`` or ``identities`` is absent, or the mesh lacks a vertex.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import SpeechLipCorrelation
        >>> wave = torch.sin(torch.arange(50.0))
        >>> metric = SpeechLipCorrelation(lips=[0, 1], identities="M003,M005")
        >>> for name in ("M003", "M005"):
        ...     for level in (0.1, 0.2, 0.5):
        ...         metric.update(level * wave[:, None, None].expand(-1, 2, 3), audio=level * wave, labels=name)
        >>> round(metric.compute().item(), 6)
        1.0
    """

    region = "lips"
    pooled = True
    averages: ClassVar[tuple[str, ...]] = ("clip",)
    counted = "clips"
    sound_rate = 44100  # as the original's reader of videos writes it
    reasons: ClassVar[Mapping[str, str]] = {
        "no label": "the clip has no label",
        "no sound": "the sound of the clip has no samples",
        "no motion": "the clip has one frame, and motion needs two",
        "gap": "a frame without vertices interrupts the motion of the lips",
    }
    """Why a clip may not be measured, in short and in a sentence."""
    procedures: ClassVar[Mapping[str, Any]] = {"perceptual": lip_intensity}

    def __init__(
        self, *, lips: Numbers = None, identities: str | None = None, labels: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.lips = vertex_list("lips", lips)
        self.identities: tuple[str, ...] = ()
        if identities is not None:
            self.identities = tuple(name.strip() for name in identities.split(","))
        elif labels is not None and is_table(labels):
            self.identities = names_in(labels, *Names.columns)
        elif labels is not None:
            raise InputError(
                f"labels={labels!r} is no file .csv; as a pattern it needs `identities`, the names to find"
            )
        if len(set(self.identities)) < len(self.identities) or not all(self.identities):
            raise InputError(f"identities must be different names with commas between them, got {identities!r}")
        self.labels = None if labels is None else read_labels(labels, Names(self.identities))
        self.inputs = ("preds", "audio")
        if labels is None and len(self.identities) != 1:
            self.inputs += ("labels",)

    @property
    def frame_by_frame(self) -> bool:
        """Return False: a clip is measured whole."""
        return False

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side; ``audio`` stands in the place of the target."""
        return "audio" if side == "target" else super().argument(side)

    def fields(self) -> Fields:
        """Return the sums of each person's intensities, and of clips by reason."""
        return {"intensities": (max(len(self.identities), 1), 6), "not_scored": (len(self.reasons),), "aligned": 1}

    def update(
        self,
        preds: ClipInput = None,
        target: ClipInput = None,
        *,
        audio: AudioInput = None,
        labels: str | Sequence[str] | None = None,
    ) -> None:
        """Add clips.

        Args:
            preds: vertices of the generated clip or clips, ``(T, V, 3)`` or ``(B, T, V, 3)``, or a list.
            target: not used.
            audio: their speech, ``(S,)``, ``(B, S)`` or a list, mono, float -1..1 or int16, at any rate.
            labels: the person of each clip, by name: one for all, or a list. Not used if there is one person, or the
                metric was made with ``labels``.

        Raises:
            InputError: if an input is missing or of another shape, dtype or range, or there is no such person.
            MismatchError: if there are not as many labels as clips.
        """
        for name, value in (("preds", preds), ("audio", audio), ("labels", labels)):
            if value is None and name in self.inputs:
                raise InputError(f"{type(self).__name__} needs `{name}`, which was not given")
        clips = clips_from(preds, "preds", self.feature_shape)
        names = [labels] * len(clips) if labels is None or isinstance(labels, str) else list(labels)
        if len(names) != len(clips):
            raise MismatchError(f"preds holds {len(clips)} clips and labels {len(names)}; give one per clip")
        for clip, sound, label in zip(clips, sounds_by_clip(audio, len(clips)), names, strict=True):
            if sound is None:
                raise InputError(f"{type(self).__name__} needs `audio` of every clip")
            check_speech(sound, 1)  # of any rate
            self.measure(clip, FeatureClip(sound), label=label)

    def start(
        self, preds: AnyClip | None = None, target: AnyClip | None = None, *, label: str | None = None, **inputs: Any
    ) -> ClipRun[Any]:
        """Start the run of one clip.

        Raises:
            InputError: if there are no identities, or not this one.
        """
        if not self.identities:
            raise InputError("slcc needs `identities`, the names of the persons, or `labels`, a table of them")
        if self.labels is not None:
            own = self.labels.find("" if preds is None else preds.key)
            return SpeechLipRun(self, preds, target, own if isinstance(own, str) else int(own[0]))
        name = label if "labels" in self.inputs else self.identities[0]
        if name is None or name not in self.identities:
            raise InputError(f"labels must be one per clip, of {', '.join(self.identities)}, got {name!r}")
        return SpeechLipRun(self, preds, target, self.identities.index(name))

    def value(self, sums: Sums) -> Tensor:
        """Return the correlation of the z-scores of all clips."""
        correlations = correlation_of_sums(sums.intensities)
        weights = torch.where(correlations.isnan(), 0.0, sums.intensities[:, 0] - 1)
        return (weights * correlations.nan_to_num()).sum() / weights.sum()

    def tally(self, sums: Sums) -> Tally:
        """Count the clips of persons that have a correlation, and all clips."""
        scored = ~correlation_of_sums(sums.intensities).isnan()
        return Tally(int(sums.intensities[scored, 0].sum()), int(sums.aligned), 0)

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the correlation of each person, and the numbers of clips without one by reason."""
        correlations = correlation_of_sums(sums.intensities)
        counts = sums.intensities[:, 0].long().tolist()
        found = {
            name: {"value": value if value == value else None, "clips": count}
            for name, value, count in zip(self.identities, correlations.tolist(), counts, strict=False)
            if count
        }
        reasons = dict(zip(self.reasons, sums.not_scored.long().tolist(), strict=True))
        alone = sum(count == 1 for count in counts)
        spread = spread_of_sums(sums.intensities)
        for word, variance in (("speech", spread.variance_x), ("lips", spread.variance_y)):
            alike = (variance == 0) & (sums.intensities[:, 0] > 1)
            reasons[f"{word} alike in all clips of a person"] = int(sums.intensities[alike, 0].sum())
        reasons["only clip of a person"] = alone
        return {"identities": found, "not_scored": {reason: count for reason, count in reasons.items() if count}}

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, by the reasons of the clips."""
        if not self.tally(sums).aligned:
            return super().why_nan(sums)
        reasons = list_counts(self.details(sums)["not_scored"])
        return f"none of {int(sums.aligned)} clips has a z-score ({reasons})"


class SpeechLipRun(ClipRun[SpeechLipCorrelation]):
    """The run measures the intensities of speech and lips of a clip.

    Args:
        metric: the metric.
        preds: the generated clip, if it is known at the start.
        target: its speech, likewise.
        identity: the number of the person, or why it is not known.
    """

    def __init__(
        self,
        metric: SpeechLipCorrelation,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        identity: int | str = 0,
    ) -> None:
        super().__init__(metric, preds, target)
        self._identity = identity
        self._lips: list[Tensor] = []
        self._energy = torch.zeros_like(self.sums.aligned)

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Keep the vertices of the lips, and add the energy of the speech."""
        if preds is not None:
            self._lips.append(self.metric.features(preds))
        if target is not None:
            samples = target.rows.to(self._energy)
            scale = 1 if target.rows.dtype == torch.int16 else _FULL_SCALE
            self._energy += (scale * samples).square().sum()

    def tally(self, metric: SpeechLipCorrelation) -> Tally:
        """Count the clip; whether its person has others is known at the end."""
        return Tally(int(self.sums.intensities[:, 0].sum()), int(self.sums.aligned), 0)

    def close(self) -> None:
        """Add the intensities of the clip to those of the person."""
        self.sums.aligned = 1
        frames, samples = self.lengths
        if isinstance(self._identity, str):
            self._count("no label", self._identity)
        elif not samples:
            self._count("no sound")
        elif frames < 2:
            self._count("no motion")
        else:
            speech = (self._energy / samples).sqrt()
            lips = self.metric.procedures[self.metric.protocol](torch.cat(self._lips)).to(speech)
            if lips.isnan():
                self._count("gap")
                return
            one = torch.ones_like(speech)
            self.sums.intensities[self._identity] = torch.stack(
                [one, speech, lips, speech.square(), lips.square(), speech * lips]
            )
            self.detail = {"speech": float(speech), "lips": float(lips)}

    def _count(self, reason: str, why: str = "") -> None:
        self.why = why or self.metric.reasons[reason]
        self.sums.not_scored[list(self.metric.reasons).index(reason)] = 1
