"""Average one value per clip, computed from all its frames and its sound."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip
from thm_torchmetrics.core.clip_mean import ClipMean, ClipMeanRun
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import AudioInput, ClipInput, clips_from, sounds_by_clip
from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.functional.checks import check_shape
from thm_torchmetrics.lipsync.windows import SAMPLE_RATE, check_speech

NO_SOUND = "no sound"


class AudioClipMean(ClipMean):
    """Average one value per clip, computed from all its frames and its sound.

    With an extractor ``audio`` is sound, by default that of the Clips, and `from_sound` takes from it what the metric
    needs. With ``extractor=None`` that is given as ``audio``, and ``preds`` are features.
    """

    reasons: ClassVar[Mapping[str, str]] = {NO_SOUND: "the clip has no sound track and no other sound was given"}

    @abstractmethod
    def from_sound(self, samples: Tensor, sample_rate: int, frames: int, fps: float) -> Tensor:
        """Return what the metric takes from the sound.

        Args:
            samples: ``(S,)``, mono, float32 -1..1.
            sample_rate: samples per second.
            frames: number of frames of the clip.
            fps: frames per second.
        """

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side; ``audio`` stands in the place of the target."""
        if side == "target":
            return "audio" if self.extractor is None else None
        return super().argument(side)

    def update(
        self,
        preds: ClipInput = None,
        target: ClipInput = None,
        *,
        audio: AudioInput = None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
    ) -> None:
        """Add clips.

        Args:
            preds: the generated clip or clips, as `TalkingHeadMetric.update` describes them.
            target: not used.
            audio: ``(S,)``, ``(B, S)`` or a list, mono, float -1..1 or int16; default: that of the Clips; one whose
                file has no sound is counted as not scored. With ``extractor=None`` what the class says.
            sample_rate: of ``audio``, in Hz.
            fps: frames per second; default: the Clip's own, else 25.

        Raises:
            InputError: if an input is missing or of another shape, dtype, rate or range.
        """
        given = self.extractor is None
        clips = [] if preds is None else clips_from(preds, "preds", self.feature_shape if given else None)
        has_own = not given and all(isinstance(clip, Clip) and clip.has_audio for clip in clips)
        for name, value in (("preds", preds), ("audio", True if has_own else audio)):
            if value is None and name in self.inputs:
                raise InputError(f"{type(self).__name__} needs `{name}`, which was not given")
        for clip, sound in zip(clips, sounds_by_clip(audio, len(clips)), strict=True):
            if not given:
                self.measure(clip, audio=sound, sample_rate=sample_rate, fps=fps)
            elif sound is None:
                self.measure(clip, fps=fps)
            else:
                check_shape("audio", sound, ("N",), "what the metric takes from the sound")
                self.measure(clip, FeatureClip(sound.to(torch.float64)), fps=fps)

    def start(
        self,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        audio: Tensor | None = None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
        **inputs: Any,
    ) -> ClipRun[Any]:
        """Start the run of one clip with a sound, by default that of the Clip.

        Raises:
            InputError: if the sound is of another shape, dtype, rate or range.
        """
        return AudioClipRun(self, preds, target, fps, audio, sample_rate)


class AudioClipRun(ClipMeanRun):
    """The run measures a clip with its sound."""

    def __init__(
        self,
        metric: AudioClipMean,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        fps: float | None = None,
        audio: Tensor | None = None,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        super().__init__(metric, preds, target, fps)
        self._audio, self._rate, self._no_sound = audio, sample_rate, metric.reasons[NO_SOUND]
        if metric.extractor is not None and audio is None and isinstance(preds, Clip):
            try:
                self._audio, self._rate = preds.audio, preds.sample_rate
            except MediaError as error:
                self._no_sound = str(error)
            if preds.audio_source is not None:
                self.detail = {"audio": preds.audio_source.origin if self._audio is not None else "none"}
        if self._audio is not None:
            check_speech(self._audio, self._rate)

    def close(self) -> None:
        """Take what the metric needs from the sound, measure the clip, and count its frames."""
        metric, frames = self.metric, self.lengths[0]
        if metric.extractor is None:
            super().close()
            return
        if self._audio is None or not self._audio.numel():
            self.sums.aligned = frames
            self.count(NO_SOUND, self._no_sound)
            return
        scale = 1 / 32768 if self._audio.dtype == torch.int16 else 1.0
        samples = self._audio.cpu().to(torch.float32) * scale
        self.rows["target"] = [metric.from_sound(samples, self._rate, frames, self.fps).to(self.sums.vector)]
        super().close()
