"""Compute how well the beats of the motion fall on those of the sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.clip_mean import ClipRows, ClipValue
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors.beats import check_librosa, sound_beats
from thm_torchmetrics.functional.beat import BEAT_PROTOCOLS, beat_alignment, motion_beats
from thm_torchmetrics.metrics.audio_clip_mean import AudioClipMean
from thm_torchmetrics.metrics.landmark_metric import LandmarkMetric


class BeatAlignment(LandmarkMetric, AudioClipMean, key="beat-align"):
    r"""Compute how well the beats of the motion fall on those of the sound, higher is better, 0 to 1.

    .. math:: \frac{1}{|B|} \sum_{b \in B} \exp\left(-\frac{\min_{c \in C} (b - c)^2}{2 \sigma^2}\right)

    mean over clips. A beat of the motion is a frame in which the key points are slowest. Protocols:

    - ``kdtalker`` (default): B are the beats of the sound, C those of the motion, in seconds, :math:`\sigma` = 0.1 s;
      ``chaolongy/KDTalker@f78bf4c evaluation/beat_align_score/cal_beat_align_score.py``, on 68 points of MediaPipe in
      three dimensions.
    - ``bailando``: the same in frames, :math:`\sigma` = 3; ``lisiyao21/Bailando utils/beat_align_score.py``, on the
      24 joints of a dancer.
    - ``aist``: B are the beats of the motion, C those of the sound, in frames, :math:`\sigma` = 3, and a beat is the
      slowest of 21 frames; ``google-research/mint tools/calculate_beat_scores.py`` (AIST++), at 60 frames per second.

    `functional.beat.motion_beats` says how beats are found, `extractors.beats.sound_beats` how those of the sound are,
    by librosa (extra ``audio``). The first two scripts stop at a clip without a beat, and the third gives it 0; here it
    is counted and not scored. The scripts drop frames without a face, which moves later beats to the front; here the
    points of such frames are interpolated.

    The input is ``preds``, the frames, and ``audio``, their sound. With ``extractor=None`` they are key points,
    ``(T, K, 2)`` or ``(T, K, 3)``, NaN in frames without a face, and the beats of the sound in seconds, ``(N,)``;
    ``fps=`` where the key points have not 25 per second.

    Args:
        protocol: see above.
        extractor, face, upsample, weights: as in `LandmarkDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Raises:
        MissingExtraError: if there is an extractor, and librosa is not installed.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import BeatAlignment
        >>> steps = torch.full((60,), 2.0)
        >>> steps[26] = 1  # slowest between frames 25 and 26
        >>> place = steps.cumsum(0)[:, None, None].expand(-1, 68, 2)
        >>> BeatAlignment(extractor=None)(place, audio=torch.tensor([1.0, 1.1]), fps=25)
        tensor(0.8033, dtype=torch.float64)
    """

    feature_shape = (None, None)
    reasons: ClassVar[Mapping[str, str]] = {
        **AudioClipMean.reasons,
        "no motion beat": "the motion has no beat: no frame is slower than those around it",
        "no sound beat": "no beat was found in the sound",
    }
    procedures: ClassVar[Mapping[str, Any]] = BEAT_PROTOCOLS

    def __init__(self, *, protocol: str | None = None, **kwargs: Any) -> None:
        super().__init__(protocol=protocol, **kwargs)
        if self.extractor is not None:
            check_librosa()

    def from_sound(self, samples: Tensor, sample_rate: int, frames: int, fps: float) -> Tensor:
        """Return the beats of the sound in seconds."""
        return torch.from_numpy(sound_beats(samples.numpy(), sample_rate, self.protocol))

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the alignment of one clip.

        Raises:
            InputError: if the key points have another number of coordinates than 2 or 3, or a beat is not finite.
        """
        beats = rows.preds.new_zeros(0) if rows.target is None else rows.target
        if not bool(beats.isfinite().all()):
            raise InputError("`audio` must be finite seconds, the beats of the sound; it holds NaN or infinity")
        motion = motion_beats(rows.preds, self.protocol)
        detail = {"motion_beats": (motion.to(rows.preds) / rows.fps).tolist(), "sound_beats": beats.tolist()}
        value = float(beat_alignment(motion, beats, rows.fps, len(rows.preds), self.protocol))
        if value != value:
            return "no sound beat" if len(motion) else "no motion beat"
        return ClipValue(value, detail=detail)
