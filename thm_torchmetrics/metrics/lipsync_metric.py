"""`LipSync` measures lip sync by SyncNet; the metrics are readings of it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from torch import Tensor

from thm_torchmetrics.core.chunk import list_counts
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.metric import one_of
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.lipsync.pipelines import PIPELINES
from thm_torchmetrics.lipsync.protocols import NOT_SCORED, Tracked, WholeFrames
from thm_torchmetrics.lipsync.windows import SAMPLE_RATE
from thm_torchmetrics.metrics.lipsync_run import EmbeddingRun, SharedFootage, SyncNetRun, counts_by_reason
from thm_torchmetrics.metrics.syncnet_metric import SyncNetMetric


class LipSync(SyncNetMetric):
    r"""LSE-D, LSE-C and the offset read the mean distances of SyncNet's embeddings.

    .. math:: m_k = \frac{1}{N} \sum_{i=1}^{N} \| v_i - a_{i+k} + 10^{-6} \|_2, \qquad k = -s \dots s

    between the lip embedding of five frames and the audio embedding of the 0.2 s that begin ``k`` frames later. Beyond
    the ends of a clip the audio embedding is zero. LSE-D is the smallest :math:`m_k`, LSE-C the median minus the
    smallest, the offset :math:`s` minus the position of the smallest (J. S. Chung and A. Zisserman, 2016;
    K. R. Prajwal et al., Wav2Lip, 2020).

    Protocols (docs/lse.md has the sources line by line, and the published numbers to compare with):

    - ``tracked`` (default): github.com/joonson/syncnet_python's pipeline on the frames as decoded: 25 frames per second
      by timestamps (the frame on display at 0, 40, 80 ... ms), S3FD at scale 0.25, shots, tracks by overlap, median
      smoothing, grey-padded crops of 224x224. The published pipeline re-encodes the video three times on the way, which
      changes the number; compare only values of one protocol. A clip without a track that is long and large enough is
      counted and not scored, with the reason. The video is read twice; only the boxes of its faces are kept.
    - ``syncnet-python``: the same pipeline with its re-encodings, for comparison with published numbers: ffmpeg's 25
      frames per second; MPEG-4 and MP3, which shift sound and pictures against each other; JPEG; and for the crops XVID
      and JPEG of 200 kb/s. The video is read twice. The mean is over tracks, as users of the scripts take it.
    - ``syncnet-python-2026``: the same since April 2026, with scenedetect 0.6.7.1 and ffmpeg 7 or later.
    - ``vico``: the same in dc3ea9f/vico_challenge_baseline (``compute_lipsync.py``) and TalkingHeadMetrics: the given
      sound becomes AAC first, the last track of a clip counts, and the offset is ``signed``.
    - ``mova``, ``mova-max``: the same in OpenMOSS/MOVA (``eval_lip_sync.py``): tracks of more than 20 detections; the
      mean over the tracks of a clip, or the track with the largest confidence minus distance; mean over clips.
    - ``mochabench``: congwei1230/MoChaBench (``syncnet_pipeline.py``): the sound comes from a file of its own and is
      not re-encoded; tracks of more than 50 detections, which go on with the best face of a frame only; the smallest
      distance and the largest confidence of a clip's tracks.
    - ``latentsync``: bytedance/LatentSync (``eval_sync_conf.py``): H.264 and AAC in place of MPEG-4 and MP3;
      scenedetect 0.6.1; tracks of more than 50 detections; the mean over the tracks of a clip, whose offset is cut to a
      whole number; mean over clips.
    - ``wav2lip-lrs``: the whole frame resized to 224x224, every frame of the file as if there were 25 per second, as
      Wav2Lip's ``calculate_scores_LRS.py`` does, without its JPEG files.
    - ``wav2lip-lrs-jpeg``: the same with its JPEG files of 200 kb/s, for comparison with published numbers.

    Re-encoded pictures equal OpenCV's XVID files and the JPEG files of ffmpeg 9, except single pictures on which the
    rate control rounds another way. The MPEG-4 and H.264 stages depend on the cores of the machine (here: one), the MP3
    stage on the version of LAME, so the numbers differ in the last digits between machines. Frames of a file are
    re-encoded as they were decoded; frames that are given as tensors, from RGB.

    The input is ``preds``, the frames, and ``audio``; with ``extractor=None`` lip embeddings ``(N, D)`` as ``preds``
    and as many audio embeddings as ``audio``.

    Args:
        protocol: see above.
        average: ``"clip"``: the mean over clips, and within a clip over tracks; ``"track"``: the mean over all tracks;
            ``"frame"``: the mean over all tracks, weighted by their windows; default: the protocol's own, ``"track"``
            for ``syncnet-python``.
        vshift: largest shift in frames, 15 in the published scripts.
        ffmpeg: the version whose rules the re-encoding follows for 25 frames per second and late sound: 4 (4.2 to 5.1,
            the source of most published numbers) or 7 (7.0 and later). They agree on clips of 25 frames per second
            whose sound starts with the pictures.
        signed: whether the offset is the absolute value of the mean of signed offsets, in which early and late sound
            cancel out; default: the mean of absolute offsets.
        kwargs: the options of `SyncNetMetric`, network and tracks, and of `TalkingHeadMetric`.
    """

    averages: ClassVar[tuple[str, ...]] = ("frame", "clip", "track")
    counted = "clips"
    procedures = PIPELINES
    _reading: ClassVar[str] = "distance"

    def __init__(self, *, vshift: int = 15, ffmpeg: Literal[4, 7] = 4, signed: bool = False, **kwargs: Any) -> None:
        if vshift < 0:
            raise InputError(f"vshift must be at least 0, got {vshift}")
        one_of("ffmpeg", ffmpeg, (4, 7))
        super().__init__(**kwargs)
        self.vshift = vshift
        self.ffmpeg = ffmpeg
        self.signed = signed

    @property
    def pipeline(self) -> type[WholeFrames] | type[Tracked]:
        """Return the class of the protocol's pipeline."""
        return PIPELINES[self.protocol]

    def fields(self) -> Fields:
        """Return the sums of the readings, of offsets by shift, and of clips by reason."""
        return {
            "distance": 1, "confidence": 1, "offset": 1, "signed": 1, "weight": 1, "offsets": (2 * self.vshift + 1,),
            "not_scored": (len(NOT_SCORED),), "scored": 1, "aligned": 1, "left_out": 1,
        }  # fmt: skip

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side.

        With ``extractor=None`` the audio embeddings stand in the place of the target.
        """
        if side == "target":
            return "audio" if self.extractor is None else None
        return super().argument(side)

    # ---- measuring

    def start(
        self,
        preds: AnyClip | None = None,
        target: AnyClip | None = None,
        *,
        audio: Tensor | None = None,
        sample_rate: int = SAMPLE_RATE,
        fps: float | None = None,
        shared: SharedFootage | None = None,
        **inputs: Any,
    ) -> ClipRun[Any]:
        """Start the run of one clip with a sound, by default that of the Clip.

        Raises:
            InputError: if the sound is of another shape, dtype, rate or range, or ``preds`` is not a Clip.
        """
        if self.extractor is None:
            return EmbeddingRun(self, preds, target)
        return SyncNetRun(self, self.footage(preds, audio, sample_rate, fps, shared))

    # ---- results

    def value(self, sums: Sums) -> Tensor:
        """Return the mean of this class's reading."""
        reading: Tensor = getattr(sums, self._reading)
        return reading / sums.weight

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the histogram of signed offsets, and the numbers of unscored clips by reason."""
        counts = sums.offsets.tolist()
        return {
            "offsets": {str(k - self.vshift): int(count) for k, count in enumerate(counts) if count},
            "not_scored": counts_by_reason(sums.not_scored),
        }

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, by the reasons of the clips."""
        aligned = self.tally(sums).aligned
        if not aligned:
            return super().why_nan(sums)
        reasons = list_counts(self.details(sums)["not_scored"])
        return f"none of {aligned} clips could be scored ({reasons})"
