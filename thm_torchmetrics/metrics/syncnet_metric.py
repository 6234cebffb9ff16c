"""Metrics of lip sync read the faces of a clip, and its sound, by SyncNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn

from thm_torchmetrics.core.clip import AnyClip, Clip, check_fps
from thm_torchmetrics.core.inputs import AudioInput, ClipInput, sounds_by_clip
from thm_torchmetrics.core.metric import TalkingHeadMetric, one_of
from thm_torchmetrics.errors import InputError, MediaError
from thm_torchmetrics.extractors import make_extractor
from thm_torchmetrics.extractors.face_detection import SyncNetS3FD
from thm_torchmetrics.faces.shots import SCENEDETECT
from thm_torchmetrics.lipsync.protocols import LipSyncOptions, Tracked, WholeFrames
from thm_torchmetrics.lipsync.track_rules import TRACK_RULES, TrackRule
from thm_torchmetrics.lipsync.tracking import TrackOptions
from thm_torchmetrics.lipsync.windows import SAMPLE_RATE
from thm_torchmetrics.metrics.lipsync_run import Footage, SharedFootage, remark_on_clocks
from thm_torchmetrics.weights import Checkpoints, CustomFiles


class SyncNetMetric(TalkingHeadMetric):
    """Read the faces of a clip, and its sound, by a lip-sync pipeline with SyncNet.

    It is the first base of a metric of SyncNet's embeddings; a second may say how values are averaged.

    Args:
        extractor: ``"syncnet"``; a module with the methods of `extractors.syncnet.CustomSyncNetwork`; or None.
        weights: your own checkpoint, or several by name (``syncnet``, ``s3fd``).
        tracks: what counts of a clip's tracks: the ``"mean"``; the ``"longest"`` one; the ``"last"`` one; the
            ``"best"`` one, by confidence minus distance; the ``"extremes"``, smallest distance and largest confidence;
            or ``"truncated"``, the mean, whose offset is cut to a whole number.
        min_track: detections that a track must exceed; 100 are 4 s.
        num_failed_det: frames after which a lost face ends its track.
        min_face_size: mean width or height in pixels that a track must exceed.
        crop_scale: margin of the crop around the face.
        facedet_scale: factor by which frames are shrunk for the detector.
        threshold: smallest score of a face.
        scenedetect: the version by whose rules cuts end a track: ``"0.5.1"``, ``"0.6.1"`` or ``"0.6.7.1"``.
        kwargs: the options of `TalkingHeadMetric`.
    """

    feature_shape: tuple[int | None, ...] | None = (None,)
    vshift: int = 15
    """Largest shift in frames that the pipeline looks at."""
    ffmpeg: Literal[4, 7] = 4
    """The version whose rules a re-encoding follows."""

    def __init__(
        self,
        *,
        extractor: str | nn.Module | None = "syncnet",
        weights: CustomFiles = None,
        tracks: TrackRule = "mean",
        min_track: int = 100,
        num_failed_det: int = 25,
        min_face_size: float = 100.0,
        crop_scale: float = 0.4,
        facedet_scale: float = 0.25,
        threshold: float = 0.9,
        scenedetect: Literal["0.5.1", "0.6.1", "0.6.7.1"] = "0.5.1",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if min_track < 0 or not 0 < facedet_scale <= 1 or crop_scale < 0:
            raise InputError(
                "min_track and crop_scale must be at least 0 and facedet_scale in 0..1, got "
                f"{min_track}, {crop_scale} and {facedet_scale}"
            )
        self.tracks: TrackRule = one_of("tracks", tracks, TRACK_RULES)
        self.scenedetect = one_of("scenedetect", scenedetect, SCENEDETECT)
        self.track_options = TrackOptions(min_track, num_failed_det, min_face_size, crop_scale, scenedetect)
        files = Checkpoints.of(weights, "syncnet" if isinstance(extractor, str) else "s3fd")
        looks_for_faces = issubclass(self.pipeline, Tracked)
        self.extractor = make_extractor("syncnet", extractor, files, detector=looks_for_faces)
        self.detector: SyncNetS3FD | None = None
        if self.extractor is not None and looks_for_faces:
            self.detector = SyncNetS3FD.make("s3fd", files, scale=facedet_scale, threshold=threshold)

    @property
    def pipeline(self) -> type[WholeFrames] | type[Tracked]:
        """Return the class of the pipeline."""
        return Tracked

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
            preds: the generated clip or clips, as `TalkingHeadMetric.update` describes them; with ``extractor=None``
                lip embeddings ``(N, D)`` or ``(B, N, D)``, or a list of ``(N, D)``.
            target: not used, but by a metric that takes given audio embeddings here.
            audio: ``(S,)``, ``(B, S)`` or a list, mono, float -1..1 or int16; default: that of the Clips; one whose
                file has no sound is counted as not scored. With ``extractor=None`` audio embeddings, shaped as
                ``preds``.
            sample_rate: of ``audio``, in Hz.
            fps: frames per second of clips given as tensors; default: 25, or the Clip's own.

        Raises:
            InputError: if an input is missing or of another shape, dtype, rate or range.
            MismatchError: if there are not as many sounds as clips, or as many audio as lip embeddings.
        """
        if self.extractor is None:
            super().update(preds, audio if self.argument("target") == "audio" else target)
            return
        pairs = list(self.pairs(preds, None))
        sounds = self.sounds([clip for clip, _ in pairs], audio)
        for (clip, _), sound in zip(pairs, sounds, strict=True):
            self.measure(clip, audio=sound, sample_rate=sample_rate, fps=fps)

    def sounds(self, clips: Sequence[AnyClip | None], audio: AudioInput) -> list[Tensor | None]:
        """Return one sound per clip; None stands for the Clip's own.

        Raises:
            InputError: if a clip was given no sound, or ``audio`` does not fit.
        """
        if audio is None and not all(isinstance(clip, Clip) and clip.has_audio for clip in clips):
            raise InputError(
                f"{type(self).__name__} needs `audio`, which was not given; pass audio=, or a Clip with sound, such as "
                "open_clip(path, audio=True)"
            )
        return sounds_by_clip(audio, len(clips))

    def footage(
        self,
        clip: AnyClip | None,
        audio: Tensor | None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
        shared: SharedFootage | None = None,
    ) -> Footage:
        """Return a clip with its sound at the start of the pipeline.

        Args:
            clip: the clip.
            audio: its sound; default: its own.
            sample_rate: of ``audio``, in Hz.
            fps: frames per second of a clip given as a tensor; default: the Clip's own.
            shared: the pipelines of the metrics that measure the clip together; an equal one is taken from there.

        Raises:
            InputError: if the sound is of another shape, dtype, rate or range, or there is no Clip.
        """
        if not isinstance(clip, Clip):
            raise InputError(
                f"{type(self).__name__} needs a Clip, because its frames are read twice; pass Clip(frames)"
            )
        check_fps(fps)
        source = None
        if audio is None:
            try:
                audio, sample_rate, source = clip.audio, clip.sample_rate, clip.audio_source
            except MediaError as error:
                return Footage(clip, None, str(error))
        if audio is None:
            return Footage(clip, None)
        options = LipSyncOptions(
            self.extractor, self.detector, self.track_options, self.tracks, self.vshift, self.ffmpeg, self.device,
            fps if isinstance(clip.frames, Tensor) else None, source,
        )  # fmt: skip
        known = shared if shared is not None and self.pipeline.reads_chunks else {}
        place = (self.pipeline, options._replace(audio_source=None), id(audio), sample_rate)
        footage = known.get(place) or Footage(clip, self.pipeline(options, clip, audio, sample_rate))
        known[place] = footage
        remark_on_clocks(self.protocol, clip, fps, len(audio) / sample_rate)
        return footage
