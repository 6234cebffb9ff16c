"""Add up the outcomes of clips to the values of the metrics."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.score import ClipScore, Measurement
from thm_torchmetrics.errors import MismatchError
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome, PassOutcome
from thm_torchmetrics.scoring.feature_provenance import FeatureProvenance
from thm_torchmetrics.scoring.reasons import reason_of
from thm_torchmetrics.scoring.result import ClipResult, MetricResult


@dataclass
class _Sums:
    """The sums of one metric over the clips added so far."""

    vector: Tensor | None = None
    clips: int = 0

    def add(self, metric: TalkingHeadMetric, measurement: Measurement) -> None:
        if self.vector is None:
            self.vector = torch.zeros_like(metric.sums)
        self.vector = metric.merged(self.vector, metric.unpacked(measurement.arrays).vector)
        self.clips += measurement.score.frames > 0


@dataclass
class Totals:
    """The totals of a run grow by one clip at a time, in the order of the clips.

    The order decides the last bits of a sum, so outcomes that were stored, or that come from several processes, are
    added in the order of the clips as well.

    Args:
        metrics: the metrics by name.
        real: those that score the real videos, too.
        note: receives the remarks on a value.

    Attributes:
        features: what made the features that metrics were given.
        media: counts of the opened files by input and format.
    """

    metrics: Mapping[str, TalkingHeadMetric]
    real: tuple[str, ...]
    note: Callable[[str], None]
    features: FeatureProvenance = field(default_factory=FeatureProvenance, init=False)
    media: dict[str, Counter[str]] = field(default_factory=dict, init=False)
    _sums: dict[str, _Sums] = field(default_factory=dict, init=False)
    _real_sums: dict[str, _Sums] = field(default_factory=dict, init=False)

    def add(self, outcome: ClipOutcome) -> ClipResult:
        """Add the outcome of the next clip, and return what stands of it in the result."""
        result = ClipResult(outcome.key)
        for reason, names in outcome.absent.items():
            result.fail(names, reason)
        notes: list[str] = []
        for each in outcome.passes:
            self._add_pass(each, result)
            notes += each.notes
        if outcome.real is not None:
            self._add_real(outcome.real, result)
            notes += outcome.real.notes
        result.notes += [note for note in dict.fromkeys(notes) if note not in result.notes]
        return result

    def _add_pass(self, outcome: PassOutcome, result: ClipResult) -> None:
        unlike = self._unlike(outcome, result.clip)
        measured = {name: each for name, each in outcome.measured.items() if name not in unlike}
        failures = unlike | {name: reason for name, reason in outcome.failures.items() if name not in unlike}
        self._count_media(outcome.media, measured)
        for name, measurement in measured.items():
            metric = self.metrics[name]
            self._sums.setdefault(name, _Sums()).add(metric, measurement)
            if not metric.pooled:
                result.metrics[name] = measurement.score
        by_reason: dict[str, list[str]] = {}
        for name, reason in failures.items():
            by_reason.setdefault(reason, []).append(name)
        for reason, names in by_reason.items():
            result.fail(names, reason)

    def _unlike(self, outcome: PassOutcome, clip: str) -> dict[str, str]:
        """Return why metrics do not count, whose features were not made as those of their first clip."""
        unlike = {}
        for name, sides in outcome.origins.items():
            try:
                self.features.add(name, self.metrics[name], clip, sides)
            except MismatchError as error:
                unlike[name] = reason_of(error)
        return unlike

    def _add_real(self, outcome: PassOutcome, result: ClipResult) -> None:
        """Add the pass over the real video; its scores go into the detail of the prediction's."""
        for reason in dict.fromkeys(outcome.failures.values()):
            result.notes.append(f"the real video was not scored: {reason}")
        self._count_media(outcome.media, outcome.measured)
        for name, measurement in outcome.measured.items():
            self._real_sums.setdefault(name, _Sums()).add(self.metrics[name], measurement)
            score = measurement.score
            given = result.metrics.get(name, ClipScore(None, 0, 0))
            real = {"value": score.value, **(score.detail or {})}
            result.metrics[name] = replace(given, detail={**(given.detail or {}), "target": real})

    def _count_media(self, media: list[tuple[str, str]], measured: Mapping[str, Measurement]) -> None:
        """Count the opened files of a pass, and the origin of its sound, once for all metrics."""
        details = [each.score.detail for each in measured.values() if each.score.detail]
        sounds = dict.fromkeys(detail["audio"] for detail in details if "audio" in detail)
        for kind, what in (*media, *(("sound", origin) for origin in sounds)):
            self.media.setdefault(kind, Counter())[what] += 1

    def results(self) -> dict[str, MetricResult]:
        """Return the value of every metric over all clips that were added."""
        totals = {name: self._total(name, metric, self._sums.get(name)) for name, metric in self.metrics.items()}
        for name in self.real:
            real = self._total(f"{name} of the real videos", self.metrics[name], self._real_sums.get(name))
            target = {field: getattr(real, field) for field in ("value", "clips", "coverage", "detail")}
            totals[name] = replace(totals[name], detail={**(totals[name].detail or {}), "target": target})
        return totals

    def _total(self, name: str, metric: TalkingHeadMetric, added: _Sums | None) -> MetricResult:
        metric.reset()
        if added is not None and added.vector is not None:
            metric.merge_state({"sums": added.vector})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = float(metric.compute())
        sums = metric.named(metric.sums)
        tally = metric.tally(sums)
        why = None
        if value != value:
            why = metric.why_nan(sums) if tally.aligned else "no clip could be measured"
        for remark in [warning.message for warning in caught] if why is None else [f"no value: {why}"]:
            self.note(f"{name}: {remark}")
        return MetricResult(
            value=None if value != value else value,
            unit=metric.unit,
            higher_is_better=bool(metric.higher_is_better),
            protocol=metric.protocol,
            extractor=self.features.extractor(name) if metric.extractor is None else str(metric.extractor),
            frames=tally.scored,
            clips=0 if added is None else added.clips,
            coverage=None if metric.coverage != metric.coverage else metric.coverage,
            left_out=tally.left_out,
            detail=metric.detail(),
            counted=metric.counted,
            why=why,
        )
