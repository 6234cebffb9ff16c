"""Compute how often and how long eyes blink, and whether the mouth moves in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from thm_torchmetrics.core.clip_mean import ClipMean, ClipRows, ClipValue
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.eyes_and_mouth import CLOSED_EYES, blinks, closed_eyes, mouth_ratio
from thm_torchmetrics.functional.silence import speech_of_sound
from thm_torchmetrics.metrics.audio_clip_mean import AudioClipMean
from thm_torchmetrics.metrics.landmark_metric import LandmarkMetric


class BlinkMetric(LandmarkMetric, ClipMean):
    """Find the blinks of a clip, the runs of frames in which the eyes are closed.

    Protocols:

    - ``talkingheadbench`` (default): the eye aspect ratio, mean of both eyes, lies below 0.2;
      ``22elix3r/TalkingHeadBench@77c6993 src/envs/subenv2/node4_clip_extractor.py``.
    - ``survey``: the four distances between the lids sum to at most 18 pixels;
      ``lelechen63/talking-head-generation-survey@09179eb baseline/util/util.py``. It depends on the size of the face.

    A frame without a face counts as one with open eyes, as in TalkingHeadBench. Blinks last 0.1 to 0.4 s, so a value
    depends on the frame rate, and on how well the landmarks follow the lids. Compare with the real videos
    (``--with-target``): neither more nor longer blinks are better in themselves. With ``extractor=None`` the input is
    landmarks, ``(T, 68, 2)``, and ``fps=`` where they have not 25 per second.

    Args:
        protocol: see above.
        threshold: another limit of the eye aspect ratio, or of the pixels.
        extractor, face, upsample, weights: as in `LandmarkDistance`.
        kwargs: the options of `TalkingHeadMetric`.
    """

    procedures: ClassVar[Mapping[str, Any]] = CLOSED_EYES

    def __init__(self, *, protocol: str | None = None, threshold: float | None = None, **kwargs: Any) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.threshold = self.procedures[self.protocol] if threshold is None else threshold

    def update(self, preds: Any = None, target: Any = None, *, fps: float | None = None) -> None:
        """Add clips.

        Args:
            preds: the generated clip or clips, as `TalkingHeadMetric.update` describes them.
            target: not used.
            fps: frames per second; default: the Clip's own, else 25.

        Raises:
            InputError: if a needed input is missing or of another shape, dtype or range.
        """
        for clip, _ in self.pairs(preds, None):
            self.measure(clip, fps=fps)

    def found(self, rows: ClipRows) -> Tensor:
        """Return the first frame of each blink, and the first after it, ``(N, 2)``."""
        return blinks(closed_eyes(rows.preds, self.protocol, self.threshold))


class BlinkRate(BlinkMetric, key="blink-rate"):
    """Compute the blinks per second, at least 0.

    It is the number of blinks over the seconds of frames with a face, mean over clips. People blink 0.2 to 0.5 times a
    second. For protocols and options see `BlinkMetric`.

    Args:
        average: ``"clip"`` (default) or ``"frame"``, all blinks over all seconds.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import BlinkRate
        >>> landmarks = torch.zeros(50, 68, 2)
        >>> landmarks[:, [39, 45], 0] = 10  # both eyes are 10 wide,
        >>> landmarks[:, [37, 38, 43, 44], 1] = 3  # open by 3,
        >>> landmarks[20:24, :, 1] = 0  # and closed for four frames
        >>> BlinkRate(extractor=None)(landmarks)
        tensor(0.5000, dtype=torch.float64)
    """

    averages = ("frame", "clip")

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the blinks per second of a clip."""
        found = self.found(rows)
        frames = int(rows.preds.flatten(1).isfinite().all(dim=1).sum())
        return ClipValue(
            len(found) / (frames / rows.fps), frames, {"blinks": (found.to(rows.preds) / rows.fps).tolist()}
        )


class BlinkDuration(BlinkMetric, key="blink-duration"):
    """Compute the length of a blink in seconds, at least 0.

    It is the median of a clip, mean over clips. A blink that the first or last frame, or a frame without a face, cuts
    off has no known length and does not count. A clip without a whole blink is counted and not scored. For protocols
    and options see `BlinkMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import BlinkDuration
        >>> landmarks = torch.zeros(50, 68, 2)
        >>> landmarks[:, [39, 45], 0] = 10  # both eyes are 10 wide,
        >>> landmarks[:, [37, 38, 43, 44], 1] = 3  # open by 3,
        >>> landmarks[20:24, :, 1] = 0  # and closed for four frames
        >>> BlinkDuration(extractor=None)(landmarks, fps=25)
        tensor(0.1600, dtype=torch.float64)
    """

    reasons: ClassVar[Mapping[str, str]] = {"no blink": "no blink is seen from its start to its end"}

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the median length of the blinks of a clip."""
        found = self.found(rows)
        seen = rows.preds.flatten(1).isfinite().all(dim=1)
        last = len(seen) - 1
        around = seen[(found[:, 0] - 1).clamp(min=0)] & seen[found[:, 1].clamp(max=last)]
        whole = found[around & (found[:, 0] > 0) & (found[:, 1] <= last)]
        if not len(whole):
            return "no blink"
        lengths = whole.diff(dim=1).to(rows.preds) / rows.fps
        return ClipValue(float(lengths.quantile(0.5)), detail={"blinks": (whole.to(rows.preds) / rows.fps).tolist()})


class LipLeakage(LandmarkMetric, AudioClipMean, key="lip-leak"):
    r"""Compute the share of silent frames in which the mouth is open, lower is better, 0 to 1.

    .. math:: \frac{1}{|S|} \left|\left\{t \in S : \frac{\text{gap}_t}{\text{width}_t} > 0.25\right\}\right|

    over the frames S in silence, with the gap of the inner lips and the distance of their corners. Protocol
    ``keysync``: LipLeak of A. Bigata et al., KeySync, 2025, in words; no code is public, and the paper does not say
    which contour of the lips is meant (`functional.eyes_and_mouth.mouth_ratio` says which is taken). KeySync drives the
    generator with a silent sound.

    A frame is silent by this package's own rule of energy, `functional.silence.speech_of_sound`: in a pause of at
    least 0.3 s. The input is ``preds``, the frames, and ``audio``, the sound that drove the generator. With
    ``extractor=None`` ``preds`` are landmarks, ``(T, 68, 2)``, and ``audio`` is ``(T,)``, 0 in silence and another
    number in frames with speech, such as `functional.silence.speech_of_segments` makes them from the segments of a
    voice activity detector; without ``audio`` the sound was silent throughout, as in KeySync.

    Args:
        average: ``"frame"`` (default), all silent frames weigh the same, or ``"clip"``.
        threshold: ratio above which a mouth is open.
        extractor, face, upsample, weights: as in `LandmarkDistance`.
        kwargs: the options of `TalkingHeadMetric`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipLeakage
        >>> landmarks = torch.zeros(4, 68, 2)
        >>> landmarks[:, 64, 0] = 20
        >>> landmarks[0, 66, 1] = 6
        >>> LipLeakage(extractor=None)(landmarks)
        tensor(0.2500, dtype=torch.float64)
        >>> LipLeakage(extractor=None)(landmarks, audio=torch.tensor([0, 0, 1, 1]))
        tensor(0.5000, dtype=torch.float64)
    """

    averages = ("frame", "clip")
    reasons: ClassVar[Mapping[str, str]] = {
        **AudioClipMean.reasons,
        "no pause": "no frame with a face lies in a pause of the sound",
    }
    procedures: ClassVar[Mapping[str, Any]] = {"keysync": mouth_ratio}

    def __init__(self, *, protocol: str | None = None, threshold: float = 0.25, **kwargs: Any) -> None:
        super().__init__(protocol=protocol, **kwargs)
        self.threshold = threshold
        if self.extractor is None:
            self.inputs = ("preds",)

    def from_sound(self, samples: Tensor, sample_rate: int, frames: int, fps: float) -> Tensor:
        """Return 1 for each frame with speech, 0 in silence."""
        return speech_of_sound(samples, sample_rate, frames, fps)

    def per_clip(self, rows: ClipRows) -> ClipValue | str:
        """Return the share of silent frames with an open mouth."""
        ratio = self.procedures[self.protocol](rows.preds)
        ratio = ratio[silent_frames(rows) & ~ratio.isnan()]
        if not len(ratio):
            return "no pause"
        return ClipValue(float((ratio > self.threshold).double().mean()), len(ratio), {"silent_frames": len(ratio)})


def silent_frames(rows: ClipRows) -> Tensor:
    """Return the frames without speech, ``(T,)`` bool; all of them if nothing is known of the sound.

    Raises:
        InputError: if the speech is not given for each frame.
    """
    speech = rows.preds.new_zeros(len(rows.preds)) if rows.target is None else rows.target
    if len(speech) != len(rows.preds) or not bool(speech.isfinite().all()):
        raise InputError(
            f"`audio` must be a number for each of {len(rows.preds)} frames, 0 in silence, got {tuple(speech.shape)}; "
            "make it by functional.speech_of_sound or functional.speech_of_segments"
        )
    return speech == 0
