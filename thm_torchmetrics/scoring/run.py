"""Score a dataset: every clip through every metric, each video decoded once, a faulty clip never in another's way."""

from __future__ import annotations

import platform
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import MediaError, ThmError
from thm_torchmetrics.media.audio import SoundFile
from thm_torchmetrics.media.feature_files import read_features
from thm_torchmetrics.media.openface import read_action_units
from thm_torchmetrics.media.pairing import VIDEO_SUFFIXES, Item
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.scoring.clip_files import (
    ActionUnitOptions,
    _File,
    _Files,
    _files,
    _Sound,
    _with_sound,
    needs_audio,
)
from thm_torchmetrics.scoring.progress import CountedVideo, Progress
from thm_torchmetrics.scoring.result import ClipResult, ClipScore, MetricResult, Result


@dataclass
class Run:
    """One pass over a dataset.

    Args:
        metrics: the metrics, fresh.
        every: take every n-th frame only.
        action_units: how OpenFace's tables are read.
        progress: who is told how far it is.
        with_target: score the real videos, too, by the metrics that need sound and no target.
    """

    metrics: TalkingHeadMetrics
    every: int = 1
    action_units: ActionUnitOptions = field(default_factory=ActionUnitOptions)
    progress: Progress = field(default_factory=Progress)
    with_target: bool = False
    media: dict[str, Counter[str]] = field(default_factory=dict, init=False)
    _clips: Counter[str] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        real = {name: metric.clone() for name, metric in self._members() if self.with_target and needs_audio(metric)}
        self._real = TalkingHeadMetrics(real)

    def score(
        self, items: Sequence[Item], skipped: Mapping[str, str], provenance: Mapping[str, Any] | None = None
    ) -> Result:
        """Score the items.

        Args:
            items: the clips, by the files that each has.
            skipped: metrics that were asked for and cannot run, with the reason, for the report.
            provenance: what the caller knows of the run's origin (folders, options), for the report.
        """
        self.progress.start(len(items))
        clips = []
        for item in items:
            self.progress.clip(item.key)
            clips.append(self._clip(item))
            self.progress.done()
        return Result(self._provenance(provenance or {}), self._totals(), clips, skipped)

    def _clip(self, item: Item) -> ClipResult:
        result = ClipResult(item.key)
        for names, files in self._jobs(item, result):
            failures: dict[str, Exception] = {}
            try:
                preds, target = (None if file is None else self._open(item.key, file) for file in files)
                sound = self._hear(preds, names, item.audio or item.preds)
                scores = self.metrics.add_clip(names, preds, target, failures=failures)
            except Exception as error:  # one faulty clip must not cost the others
                result.errors.append(f"{', '.join(names)}: {_reason(error)}")
                continue
            for name, score in scores.items():
                self._clips[name] += score.frames > 0
                if not self.metrics.members()[name].pooled:
                    result.metrics[name] = ClipScore(*score)
                if needs_audio(self.metrics.members()[name]):
                    result.metrics[name] = ClipScore(*_with_sound(score, sound))
                    if score.value is None:
                        failures[name] = MediaError(sound.fault or (score.detail or {}).get("not_scored", "no value"))
            by_reason: dict[str, list[str]] = {}
            for name, failure in failures.items():
                by_reason.setdefault(_reason(failure), []).append(name)
            result.errors.extend(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())
        if self._real and item.target is not None:
            self._real_clip(item, item.target, result)
        return result

    def _real_clip(self, item: Item, path: Path, result: ClipResult) -> None:
        """Score the real video by itself, with its own sound where it has one; stands in the detail of its rows."""
        names = list(self._real.members())
        try:
            clip = self._video(item.key, "target", path)
            sound = self._hear(clip, names, path if VideoFile(path).has_audio else item.audio)
            scores = self._real.add_clip(names, clip)
        except Exception as error:  # a faulty real clip must not cost the prediction's score
            self.progress.note(f"{item.key}: the real video was not scored: {_reason(error)}")
            return
        for name, score in scores.items():
            given = result.metrics.get(name, ClipScore(None, 0, 0))
            real = {"value": score.value, **(_with_sound(score, sound).detail or {})}
            result.metrics[name] = replace(given, detail={**(given.detail or {}), "target": real})

    def _hear(self, clip: AnyClip | None, names: Sequence[str], path: Path | None) -> _Sound:
        """Give a clip the sound of a file, if one of these metrics listens."""
        listens = any(needs_audio(self.metrics.members()[name]) for name in names)
        if not isinstance(clip, Clip) or path is None or not listens:
            return _Sound()
        try:
            clip.read_audio(SoundFile(path))
            sound = _Sound("own sound track" if path.suffix.lower() in VIDEO_SUFFIXES else "audio file")
        except MediaError as error:
            sound = _Sound(fault=str(error))
        self.media.setdefault("sound", Counter())[sound.origin] += 1
        return sound

    def _jobs(self, item: Item, result: ClipResult) -> Iterator[tuple[list[str], _Files]]:
        """Metrics that read the same files of this clip, with those files; what is missing is noted."""
        jobs: dict[_Files, list[str]] = {}
        missing: dict[str, list[str]] = {}
        for name, metric in self._members():
            files, absent = _files(item, name, metric)
            if absent and (metric.paired or len(absent) == len(metric.inputs)):
                missing.setdefault(f"no file for {' and '.join(absent)}", []).append(name)
            else:
                jobs.setdefault(files, []).append(name)
        result.errors.extend(f"{', '.join(names)}: {reason}" for reason, names in missing.items())
        for files, names in jobs.items():
            yield names, files

    def _open(self, key: str, file: _File) -> AnyClip:
        if file.row is not None:
            return FeatureClip(torch.from_numpy(read_features(file.path, file.row)), key)
        if file.kind.endswith("_au"):
            return FeatureClip(torch.from_numpy(read_action_units(file.path, **vars(self.action_units))), key)
        return self._video(key, file.kind, file.path)

    def _video(self, key: str, kind: str, path: Path) -> Clip:
        video = VideoFile(path, every=self.every)
        height, width = video.size
        self.media.setdefault(kind, Counter())[f"{video.codec} {width}x{height} {video.fps:.6g} fps"] += 1
        return Clip(CountedVideo(video, self.progress.frame), key=key)

    def _members(self) -> Iterable[tuple[str, TalkingHeadMetric]]:
        return self.metrics.members().items()

    def _totals(self) -> dict[str, MetricResult]:
        totals = {name: self._total(name, metric, self._clips[name]) for name, metric in self._members()}
        for name, metric in self._real.members().items():
            real = self._total(f"{name} of the real videos", metric, metric.tally(metric.sums).scored)
            target = {field: getattr(real, field) for field in ("value", "clips", "coverage", "detail")}
            totals[name] = replace(totals[name], detail={**(totals[name].detail or {}), "target": target})
        return totals

    def _total(self, name: str, metric: TalkingHeadMetric, clips: int) -> MetricResult:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = float(metric.compute())
        for warning in caught:
            self.progress.note(f"{name}: {warning.message}")
        tally = metric.tally(metric.sums)
        return MetricResult(
            value=None if value != value else value,
            unit=metric.unit,
            higher_is_better=bool(metric.higher_is_better),
            protocol=metric.protocol,
            extractor=None if metric.extractor is None else str(metric.extractor),
            frames=tally.scored,
            clips=clips,
            coverage=None if metric.coverage != metric.coverage else metric.coverage,
            left_out=tally.left_out,
            detail=metric.detail(),
        )

    def _provenance(self, given: Mapping[str, Any]) -> dict[str, Any]:
        members = dict(self._members())
        packages = ("thm-torchmetrics", "torch", "torchmetrics", "numpy", "av")
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in packages},
            "platform": platform.platform(),
            "device": str(next(iter(members.values())).device) if members else None,
            "options": {name: metric.settings() for name, metric in members.items()},
            "every": self.every,
            "action_units": vars(self.action_units),
            "media": {kind: dict(seen) for kind, seen in self.media.items()},
            **given,
        }


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ThmError) else f"{type(error).__name__}: {error}"
