"""Compare the lip sync of generated clips with that of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.core.clip_run import ClipRun
from thm_torchmetrics.core.inputs import AudioInput, ClipInput
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.sums import Fields, Sums
from thm_torchmetrics.errors import MediaError, MissingFaceError
from thm_torchmetrics.lipsync.protocols import NOT_SCORED, LipSyncResult, ScoredTrack
from thm_torchmetrics.lipsync.windows import SAMPLE_RATE, DistanceCurve
from thm_torchmetrics.metrics.lipsync_metric import LipSync
from thm_torchmetrics.metrics.lipsync_run import Footage, SharedFootage, counts_by_reason, readings_of

_SIDES = ("preds", "target")
_COUNTS = {"preds": "not_scored", "target": "target_not_scored"}


class LipSyncGap(LipSync):
    r"""LSE-D and LSE-C of generated clips differ from those of the real clips.

    .. math:: \frac{1}{C} \sum_{c=1}^{C} | s(\text{preds}_c) - s(\text{target}_c) |

    over C clips, where s is the score of one clip by the protocol of the same name; see `LipSync` for protocols and
    options. A generator can score better than the real video; its distance from 0 in this metric tells.

    The generated clip is measured with ``audio``, by default its own sound. The real clip is measured with its own
    sound; one that has none, with ``audio``. A clip is scored if both sides are. The clips need not be equally long.
    With ``extractor=None`` both sides are pairs of embeddings ``(N, 2, D)``, lip and audio, and there is no ``audio``.

    The average is always over clips.
    """

    averages = ("clip",)
    feature_shape = (2, None)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.extractor is None:
            self.inputs = _SIDES

    def fields(self) -> Fields:
        """Return the sums of the differences, and of clips by reason and side."""
        return {
            "distance": 1, "confidence": 1, "not_scored": (len(NOT_SCORED),), "target_not_scored": (len(NOT_SCORED),),
            "scored": 1, "aligned": 1, "left_out": 1,
        }  # fmt: skip

    def argument(self, side: str) -> str | None:
        """Return the argument of ``update`` that gives a side."""
        return side

    @property
    def frame_by_frame(self) -> bool:
        """Return False: each side has a score of its own."""
        return False

    # ---- measuring

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
                embeddings ``(N, 2, D)`` or ``(B, N, 2, D)``, or a list of ``(N, 2, D)``.
            target: the real clip or clips, likewise.
            audio: ``(S,)``, ``(B, S)`` or a list, mono, float -1..1 or int16; default: the sound of the Clips.
            sample_rate: of ``audio``, in Hz.
            fps: frames per second of clips given as tensors; default: 25, or the Clip's own.

        Raises:
            InputError: if an input is missing or of another shape, dtype, rate or range.
            MismatchError: if there are not as many clips or sounds on each side.
        """
        if self.extractor is None:
            TalkingHeadMetric.update(self, preds, target)
            return
        pairs = list(self.pairs(preds, target))
        if audio is None:
            self.sounds([real for _, real in pairs], None)
        for (ours, real), sound in zip(pairs, self.sounds([ours for ours, _ in pairs], audio), strict=True):
            self.measure(ours, real, audio=sound, sample_rate=sample_rate, fps=fps)

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
        """Start the run of one pair of clips.

        Raises:
            InputError: if a sound is of another shape, dtype, rate or range, or a side is not a Clip.
        """
        if self.extractor is None:
            return GapRun(self, preds, target, {side: EmbeddingPairs(self) for side in _SIDES})
        sides = {
            "preds": self.footage(preds, audio, sample_rate, fps, shared),
            "target": self.footage(target, None if _has_sound(target) else audio, sample_rate, fps),
        }
        return GapRun(self, preds, target, sides)

    # ---- results

    def value(self, sums: Sums) -> Tensor:
        """Return the mean difference of this class's reading."""
        difference: Tensor = getattr(sums, self._reading)
        return difference / sums.scored

    def details(self, sums: Sums) -> dict[str, Any]:
        """Return the numbers of clips that were not scored, by reason, of each side."""
        return {name: counts_by_reason(getattr(sums, name)) for name in _COUNTS.values()}

    def why_nan(self, sums: Sums) -> str:
        """Return why there is no value, by the reasons of the clips of both sides."""
        aligned = self.tally(sums).aligned
        if not aligned:
            return TalkingHeadMetric.why_nan(self, sums)
        of_side = {"not_scored": "", "target_not_scored": "the real clip: "}
        reasons = [
            f"{of_side[name]}{reason}: {count}"
            for name, counts in self.details(sums).items()
            for reason, count in counts.items()
        ]
        return f"none of {aligned} clips could be scored ({', '.join(reasons)})"


class EmbeddingPairs:
    """The embeddings of one side are given, lip and audio of each window as a pair."""

    reads_chunks = True

    def __init__(self, metric: LipSyncGap) -> None:
        self._metric = metric
        self._curve = DistanceCurve(metric.vshift)

    def add(self, chunk: Chunk | None) -> None:
        """Add the next pairs."""
        if chunk is not None:
            self._curve.add(*self._metric.features(chunk).unbind(dim=1))

    def result(self) -> LipSyncResult:
        """Return the distances as those of one face."""
        rows = self._curve.rows
        return LipSyncResult([ScoredTrack(0, rows, rows, self._curve.finish())])

    def detail(self) -> dict[str, Any]:
        """Return nothing: there is no more to tell of given embeddings."""
        return {}


class GapRun(ClipRun[LipSyncGap]):
    """The run measures both sides of a pair of clips, each by itself."""

    def __init__(
        self,
        metric: LipSyncGap,
        preds: AnyClip | None,
        target: AnyClip | None,
        sides: Mapping[str, Footage | EmbeddingPairs],
    ) -> None:
        super().__init__(metric, preds, target)
        self._sides = sides
        self.reads_chunks = any(side.reads_chunks for side in sides.values())

    def measure(self, preds: Chunk | None, target: Chunk | None) -> None:
        """Pass each side's next frames to it."""
        self._sides["preds"].add(preds)
        self._sides["target"].add(target)

    def close(self) -> None:
        """Add the difference of the two scores, or the reason why there is none.

        Raises:
            MissingFaceError: if there is none and the metric has ``missing="error"``.
        """
        scores = [self._score(name, side) for name, side in self._sides.items()]
        if len(scores[0]) and len(scores[1]):
            self.sums.distance, self.sums.confidence = (scores[0] - scores[1]).abs()
            self.sums.scored = 1
        elif self.metric.missing == "error":
            why = self.why or self.metric.why_nan(self.sums)
            raise MissingFaceError(f'{type(self.metric).__name__}: {why}; pass missing="skip" to leave the clip out')
        self.sums.aligned = 1

    def _score(self, name: str, side: Footage | EmbeddingPairs) -> Tensor:
        """Return distance and confidence of one side, none where it has none."""
        result = side.result()
        self.sums.left_out += result.left_out
        counts = getattr(self.sums, _COUNTS[name])
        if result.reason:
            counts[NOT_SCORED.index(result.reason)] = 1
            self.why = self.why or (f"the real clip: {result.why}" if name == "target" else result.why)
        self.detail = side.detail() if name == "preds" else {**(self.detail or {}), "target": side.detail()}
        curves = [track.curve.to(self.sums.vector) for track in result.tracks]
        readings = readings_of(curves, [track.windows for track in result.tracks], self.metric.tracks)
        counts[NOT_SCORED.index("not finite")] = sum(not curve.isfinite().all() for curve in curves)
        rows = [torch.stack([*reading.scores[:2]]) for reading in readings if reading.finite]
        return torch.stack(rows).mean(dim=0) if rows else self.sums.vector.new_zeros(0)


class LipSyncDistanceGap(LipSyncGap, key="lse-d-gap", reads_state_of_parent=True):
    """Compute the difference between LSE-D and that of the real video, lower is better, at least 0.

    For formula, sound and options see `LipSyncGap`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncDistanceGap
        >>> lip = 10 * torch.eye(40, 64)
        >>> ours, real = (torch.stack([lip, lip + shift], dim=1) for shift in (0.25, 0.1))
        >>> LipSyncDistanceGap(extractor=None)(ours, real).round(decimals=3)  # 0.15 * sqrt(64)
        tensor(1.2000, dtype=torch.float64)
    """


class LipSyncConfidenceGap(LipSyncGap, key="lse-c-gap", reads_state_of_parent=True):
    """Compute the difference between LSE-C and that of the real video, lower is better, at least 0.

    For formula, sound and options see `LipSyncGap`.

    Example:
        >>> import torch
        >>> from thm_torchmetrics import LipSyncConfidenceGap
        >>> lip = 3 * torch.eye(60, 64)
        >>> synced, still = torch.stack([lip, lip], dim=1), torch.stack([lip, 0 * lip], dim=1)
        >>> LipSyncConfidenceGap(extractor=None)(still, synced).round(decimals=2)
        tensor(4.0800, dtype=torch.float64)
    """

    _reading = "confidence"


def _has_sound(clip: AnyClip | None) -> bool:
    """Return whether a clip has sound of its own, readable or not."""
    try:
        return isinstance(clip, Clip) and clip.audio is not None
    except MediaError:
        return True
