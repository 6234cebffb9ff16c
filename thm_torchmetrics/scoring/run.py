"""Score every clip of a dataset with every metric, decoding each video once.

A failed clip does not stop the others.
"""

from __future__ import annotations

import platform
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clocks import check_rates
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.errors import MediaError, ThmError
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.clip_files import (
    ActionUnitOptions,
    ClipFile,
    ClipReader,
    Files,
    by_timestamp,
    check_columns,
    files_of,
    own_or_given_sound,
    remark_on_brightness,
)
from thm_torchmetrics.scoring.feature_provenance import FeatureProvenance, check_times
from thm_torchmetrics.scoring.metric_options import deviations
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.reasons import reason_of
from thm_torchmetrics.scoring.remarks import remarks
from thm_torchmetrics.scoring.result import ClipResult, MetricResult, Result

_PACKAGES = ("thm-torchmetrics", "torch", "torchmetrics", "numpy", "av")


@dataclass
class DatasetRun:
    """A run is one pass over a dataset.

    Args:
        metrics: the metrics, without anything added.
        every: take every n-th frame only.
        action_units: how OpenFace's tables are read.
        progress: receives the progress of the run.
        with_target: score the real videos, too, by the metrics that need no reference.
        same_rate: pairs of different frame rates are failures of the metrics that compare frame by frame, also where
            these have ``align="truncate"``.
        fps: frames per second of folders of pictures.
    """

    metrics: TalkingHeadMetrics
    every: int = 1
    action_units: ActionUnitOptions = field(default_factory=ActionUnitOptions)
    progress: Progress = field(default_factory=Progress)
    with_target: bool = False
    same_rate: bool = False
    fps: float = 25.0

    def __post_init__(self) -> None:
        self._reader = ClipReader(self.every, self.action_units, self.progress, self.fps)
        self._features = FeatureProvenance()
        self._notes: list[str] = []
        self._clips: Counter[str] = Counter()
        self._real_clips: Counter[str] = Counter()
        alone = {
            name: deepcopy(metric)
            for name, metric in self._members()
            if "preds" in metric.inputs and not metric.reads("target")
        }
        self._real = TalkingHeadMetrics(alone if self.with_target else {})

    def score(
        self, items: Sequence[Item], skipped: Mapping[str, str], provenance: Mapping[str, Any] | None = None
    ) -> Result:
        """Score the items.

        Args:
            items: the clips, by the files that each has.
            skipped: requested metrics that cannot run, with the reason, for the report.
            provenance: further facts on the run's origin (folders, options), for the report.
        """
        self.progress.start(len(items))
        clips = []
        for item in items:
            self.progress.clip(item.key)
            with remarks() as notes:
                clip = self._clip(item)
            clip.notes += notes
            clips.append(clip)
            self.progress.done()
        return Result(self._provenance(provenance or {}), self._totals(), clips, skipped, self._notes)

    def _clip(self, item: Item) -> ClipResult:
        result = ClipResult(item.key)
        for names, files, every in self._jobs(item, result):
            failures: dict[str, Exception] = {}
            try:
                preds = self._reader.open(item.key, files[0], _sound(item), every)
                target = self._reader.open(item.key, files[1], self._real_sound(item, names))
                remark_on_brightness(preds, target)
                preds = by_timestamp(preds, target) if self.same_rate else preds
                names = self._fitting(names, preds, target, failures)
                scores = self.metrics.add_clip(names, preds, target, failures=failures)
            except Exception as error:
                result.fail(names, reason_of(error))
                continue
            self._count_sound(scores.values())
            for name, score in scores.items():
                metric = self.metrics.members()[name]
                self._clips[name] += score.frames > 0
                if not metric.pooled:
                    result.metrics[name] = score
                if not score.frames or (score.value is None and not metric.pooled):
                    failures.setdefault(name, MediaError(score.why or "no value"))
            by_reason: dict[str, list[str]] = {}
            for name, failure in failures.items():
                by_reason.setdefault(reason_of(failure), []).append(name)
            for reason, failed in by_reason.items():
                result.fail(failed, reason)
        if self._real and item.target is not None:
            self._real_clip(item, item.target, result)
        return result

    def _fitting(
        self, names: list[str], preds: AnyClip | None, target: AnyClip | None, failures: dict[str, Exception]
    ) -> list[str]:
        """Return the metrics that can compare these clips; the others are failures.

        A metric whose table lacks a column is measured, too, so that its frames are counted.
        """
        fitting = []
        for name in names:
            metric = self.metrics.members()[name]
            by_number = metric.frame_by_frame and metric.align != "time"
            by_number = by_number and (self.same_rate or metric.align == "error")
            try:
                self._features.check(name, metric, preds, target)
                if by_number and preds and target:
                    check_rates(preds.rate, target.rate)
                    check_times(preds, target)
                fitting.append(name)
                check_columns(metric, preds, target)
            except ThmError as error:
                failures[name] = error
        return fitting

    def _real_clip(self, item: Item, path: Path, result: ClipResult) -> None:
        """Score the real video by itself; its score goes into the detail of the prediction's."""
        names = list(self._real.members())
        try:
            sound = own_or_given_sound(path, item.audio)
            scores = self._real.add_clip(names, self._reader.open(item.key, ClipFile("target", path), sound))
        except Exception as error:
            result.notes.append(f"the real video was not scored: {reason_of(error)}")
            return
        self._count_sound(scores.values())
        for name, score in scores.items():
            self._real_clips[name] += score.frames > 0
            given = result.metrics.get(name, ClipScore(None, 0, 0))
            real = {"value": score.value, **(score.detail or {})}
            result.metrics[name] = replace(given, detail={**(given.detail or {}), "target": real})

    def _real_sound(self, item: Item, names: Iterable[str]) -> Path | None:
        """Return the file of the real video's sound, if one of the metrics reads it."""
        readers = [self.metrics.members()[name] for name in names]
        if item.target is None or not any("audio" in each.inputs and each.reads("target") for each in readers):
            return None
        return own_or_given_sound(item.target, item.audio)

    def _count_sound(self, scores: Iterable[ClipScore]) -> None:
        """Count the origin of one clip's sound."""
        details = [score.detail for score in scores if score.detail]
        for origin in {detail["audio"] for detail in details if "audio" in detail}:
            self._reader.count("sound", origin)

    def _jobs(self, item: Item, result: ClipResult) -> Iterator[tuple[list[str], Files, int]]:
        """Yield the metrics that read the same frames of this clip, with the files and the step of the prediction.

        Where frames are paired by time, the target alone is thinned. Missing files are failures.
        """
        jobs: dict[tuple[Files, int], list[str]] = {}
        missing: dict[str, list[str]] = {}
        for name, metric in self._members():
            files, absent = files_of(item, name, metric)
            if absent and (metric.paired or len(absent) == len(metric.inputs)):
                like = f"; {item.unpaired}" if item.unpaired else ""
                reason = f"no file for {' and '.join(absent)}{like}"
                missing.setdefault((absent == ["audio"] and item.no_sound) or reason, []).append(name)
            else:
                by_time = metric.frame_by_frame and metric.align == "time"
                jobs.setdefault((files, 1 if by_time else self.every), []).append(name)
        for reason, names in missing.items():
            result.fail(names, reason)
        for (files, every), names in jobs.items():
            yield names, files, every

    def _members(self) -> Iterable[tuple[str, TalkingHeadMetric]]:
        return self.metrics.members().items()

    def _totals(self) -> dict[str, MetricResult]:
        totals = {name: self._total(name, metric, self._clips[name]) for name, metric in self._members()}
        for name, metric in self._real.members().items():
            real = self._total(f"{name} of the real videos", metric, self._real_clips[name])
            target = {field: getattr(real, field) for field in ("value", "clips", "coverage", "detail")}
            totals[name] = replace(totals[name], detail={**(totals[name].detail or {}), "target": target})
        return totals

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self.progress.note(text)

    def _total(self, name: str, metric: TalkingHeadMetric, clips: int) -> MetricResult:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = float(metric.compute())
        sums = metric.named(metric.sums)
        tally = metric.tally(sums)
        why = None
        if value != value:
            why = metric.why_nan(sums) if tally.aligned else "no clip could be measured"
        for remark in [warning.message for warning in caught] if why is None else [f"no value: {why}"]:
            self._note(f"{name}: {remark}")
        return MetricResult(
            value=None if value != value else value,
            unit=metric.unit,
            higher_is_better=bool(metric.higher_is_better),
            protocol=metric.protocol,
            extractor=self._features.extractor(name) if metric.extractor is None else str(metric.extractor),
            frames=tally.scored,
            clips=clips,
            coverage=None if metric.coverage != metric.coverage else metric.coverage,
            left_out=tally.left_out,
            detail=metric.detail(),
            counted=metric.counted,
            why=why,
        )

    def _provenance(self, given: Mapping[str, Any]) -> dict[str, Any]:
        members = dict(self._members())
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES},
            "platform": platform.platform(),
            "device": str(next(iter(members.values())).device) if members else None,
            "options": {name: metric.settings() for name, metric in members.items()},
            "deviations": {
                name: found + self._features.deviations(name) for name, found in deviations(members).items()
            },
            "features": self._features.report(),
            "every": self.every,
            "same_rate": self.same_rate,
            "action_units": vars(self.action_units),
            "media": {kind: dict(seen) for kind, seen in self._reader.media.items()},
            **given,
        }


def _sound(item: Item) -> Path | None:
    """Return the file of a generated clip's sound: its own, unless the sound of the dataset is given apart."""
    return item.audio or (None if item.no_sound else item.preds)
