"""Score every clip of a dataset with every metric, decoding each video once.

A failed clip does not stop the others.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.core.clip import AnyClip
from thm_torchmetrics.core.clocks import check_rates
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import ThmError
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.cache_folder import CacheFolder
from thm_torchmetrics.scoring.clip_cache import ClipCache
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
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome, PassOutcome
from thm_torchmetrics.scoring.feature_provenance import check_times, origins_of
from thm_torchmetrics.scoring.interrupts import StoppedRun, uninterrupted
from thm_torchmetrics.scoring.metric_options import deviations
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.reasons import reason_of
from thm_torchmetrics.scoring.remarks import Remarks, owned_remarks
from thm_torchmetrics.scoring.result import ClipResult, Result
from thm_torchmetrics.scoring.totals import Totals

Attach: TypeAlias = Callable[[AnyClip | None, AnyClip | None], None]
"""Lets the chunks of two clips take their features from somewhere."""

_APART = ("metrics", "every", "action_units", "progress", "with_target", "fps", "cache")
"""The fields of a run that do not decide the number of every clip, or that the cache has by themselves."""
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
        cache: holds what clips gave in earlier runs, and takes what they give.
        per_frame: whether the scores of clips hold the values of single frames.
    """

    metrics: TalkingHeadMetrics
    every: int = 1
    action_units: ActionUnitOptions = field(default_factory=ActionUnitOptions)
    progress: Progress = field(default_factory=Progress)
    with_target: bool = False
    same_rate: bool = False
    fps: float = 25.0
    cache: CacheFolder | None = None
    per_frame: bool = False

    def __post_init__(self) -> None:
        self._reader = ClipReader(self.every, self.action_units, self.progress, self.fps)
        alone = (name for name, metric in self._members() if "preds" in metric.inputs and not metric.reads("target"))
        self._real = tuple(alone) if self.with_target else ()
        self._cache: ClipCache | None = None
        if self.cache is not None:
            options = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _APART}
            self._cache = ClipCache(self.cache, self.metrics, options, self.fps, self.action_units)

    def score(
        self, items: Sequence[Item], skipped: Mapping[str, str], provenance: Mapping[str, Any] | None = None
    ) -> Result:
        """Score the items.

        Args:
            items: the clips, by the files that each has.
            skipped: requested metrics that cannot run, with the reason, for the report.
            provenance: further facts on the run's origin (folders, options), for the report.
        """
        return self.result(self.outcomes(items), skipped, provenance)

    def outcomes(self, items: Sequence[Item]) -> Iterator[ClipOutcome]:
        """Yield the outcome of each clip when it is measured."""
        self.progress.start(len(items))
        for item in items:
            self.progress.clip(item.key)
            yield self.measure(item)
            self.progress.done()
        if self.cache is not None:
            self.progress.note(self.cache.summary())

    def result(
        self,
        outcomes: Iterable[ClipOutcome],
        skipped: Mapping[str, str],
        provenance: Mapping[str, Any] | None = None,
    ) -> Result:
        """Make the result of the outcomes of all clips, wherever and whenever they were measured.

        Args:
            outcomes: what `measure` returned, in the order of the items, which decides the last bits of the sums; each
                is read once, so that they may be measured while they are read.
            skipped: requested metrics that cannot run, with the reason, for the report.
            provenance: further facts on the run's origin (folders, options), for the report.

        Raises:
            StoppedRun: if a signal comes while they are read, and at least one was; it holds their result.
        """
        notes: list[str] = []

        def note(text: str) -> None:
            notes.append(text)
            self.progress.note(text)

        totals = Totals(dict(self._members()), self._real, note)
        clips: list[ClipResult] = []
        signaled: KeyboardInterrupt | None = None
        try:
            for outcome in outcomes:
                with uninterrupted():
                    clips.append(totals.add(outcome))
        except KeyboardInterrupt as error:
            if not clips:
                raise
            signaled = error
            note(f"not complete: the run was stopped after {len(clips)} clip{'s' * (len(clips) != 1)}")
        results = totals.results()
        result = Result(self._provenance(totals, provenance or {}), results, clips, skipped, notes, signaled is None)
        if signaled is not None:
            raise StoppedRun(result, signaled) from signaled
        return result

    def measure(self, item: Item) -> ClipOutcome:
        """Measure one clip with all metrics; nothing is added to them."""
        jobs, absent = self._jobs(item)
        outcome = ClipOutcome(item.key, absent)
        for (files, every), names in jobs.items():
            outcome.passes.append(self._pass(item, names, files, every))
        if self._real and item.target is not None:
            outcome.real = self._real_pass(item, item.target)
        return outcome

    def _pass(self, item: Item, names: list[str], files: Files, every: int) -> PassOutcome:
        """Measure the metrics that read the same files of a clip."""

        def measure(names: list[str], reader: ClipReader, said: Remarks, attach: Attach, outcome: PassOutcome) -> None:
            preds = reader.open(item.key, files[0], _sound(item), every)
            target = reader.open(item.key, files[1], self._real_sound(item, names))
            attach(preds, target)
            remark_on_brightness(preds, target)
            preds = by_timestamp(preds, target) if self.same_rate else preds
            names = self._fitting(names, preds, target, outcome)
            failures: dict[str, Exception] = {}
            outcome.measured = self.metrics.measure_clip(
                names, preds, target, failures=failures, per_frame=self.per_frame, around=said.of
            )
            for name, failure in failures.items():
                outcome.fail([name], reason_of(failure))

        outcome = self._measured(item, names, files, every, measure)
        for name, (score, _) in outcome.measured.items():
            if not score.frames or (score.value is None and not self.metrics.members()[name].pooled):
                outcome.fail([name], score.why or "no value")
        return outcome

    def _real_pass(self, item: Item, path: Path) -> PassOutcome:
        """Score the real video by itself, by all metrics or by none."""
        file = ClipFile("target", path)

        def measure(names: list[str], reader: ClipReader, said: Remarks, attach: Attach, outcome: PassOutcome) -> None:
            clip = reader.open(item.key, file, own_or_given_sound(path, item.audio))
            attach(clip, None)
            outcome.measured = self.metrics.measure_clip(names, clip, around=said.of)

        outcome = self._measured(item, list(self._real), (file, None), self.every, measure)
        return replace(outcome, measured={}) if outcome.failures else outcome

    def _measured(
        self, item: Item, names: list[str], files: Files, every: int, measure: Callable[..., None]
    ) -> PassOutcome:
        """Measure what the cache has not, and return both."""
        cached = None
        if self._cache is not None:
            cached = self._cache.open_pass(item, names, files, (every, self.every))
            found = cached.outcome.measured
            names = [name for name in names if name not in found]
        reader, outcome = replace(self._reader), PassOutcome()
        with owned_remarks() as said:
            try:
                if names:
                    measure(names, reader, said, _nowhere if cached is None else cached.attach, outcome)
            except Exception as error:
                outcome.fail(names, reason_of(error))
        outcome.notes, outcome.media = said.notes, reader.media
        if cached is None:
            return outcome
        groups = self.metrics.compute_groups.values()
        joined = cached.joined(outcome, said, {name: group[0] for group in groups for name in group})
        order = (name for group in groups for name in group)
        return replace(joined, measured={name: joined.measured[name] for name in order if name in joined.measured})

    def _fitting(
        self, names: list[str], preds: AnyClip | None, target: AnyClip | None, outcome: PassOutcome
    ) -> list[str]:
        """Return the metrics that can compare these clips; the others are failures.

        A metric whose table lacks a column is measured, too, so that its frames are counted.
        """
        fitting = []
        members = self.metrics.members()
        for name in names:
            metric = members[name]
            by_number = metric.frame_by_frame and metric.align != "time"
            by_number = by_number and (self.same_rate or metric.align == "error")
            try:
                if origins := origins_of(metric, preds, target):
                    outcome.origins[name] = origins
                if by_number and preds and target:
                    check_rates(preds.rate, target.rate)
                    check_times(preds, target)
                fitting.append(name)
                check_columns(metric, preds, target)
            except ThmError as error:
                outcome.fail([name], reason_of(error))
        return fitting

    def _real_sound(self, item: Item, names: Iterable[str]) -> Path | None:
        """Return the file of the real video's sound, if one of the metrics reads it."""
        readers = [self.metrics.members()[name] for name in names]
        if item.target is None or not any("audio" in each.inputs and each.reads("target") for each in readers):
            return None
        return own_or_given_sound(item.target, item.audio)

    def _jobs(self, item: Item) -> tuple[dict[tuple[Files, int], list[str]], dict[str, list[str]]]:
        """Return the metrics that read the same frames of a clip, and those that lack a file.

        Where frames are paired by time, the target alone is thinned.

        Returns:
            The metrics by the files and the step of the prediction, and by the reason.
        """
        jobs: dict[tuple[Files, int], list[str]] = {}
        absent: dict[str, list[str]] = {}
        for name, metric in self._members():
            files, lacking = files_of(item, name, metric)
            if lacking and (metric.paired or len(lacking) == len(metric.inputs)):
                like = f"; {item.unpaired}" if item.unpaired else ""
                reason = f"no file for {' and '.join(lacking)}{like}"
                absent.setdefault((lacking == ["audio"] and item.no_sound) or reason, []).append(name)
            else:
                by_time = metric.frame_by_frame and metric.align == "time"
                jobs.setdefault((files, 1 if by_time else self.every), []).append(name)
        return jobs, absent

    def _members(self) -> Iterable[tuple[str, TalkingHeadMetric]]:
        return self.metrics.members().items()

    def _provenance(self, totals: Totals, given: Mapping[str, Any]) -> dict[str, Any]:
        members = dict(self._members())
        return {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES},
            "platform": platform.platform(),
            "device": str(next(iter(members.values())).device) if members else None,
            "options": {name: metric.settings() for name, metric in members.items()},
            "numerics": {name: metric.numerics for name, metric in members.items()},
            "deviations": {
                name: found + totals.features.deviations(name) for name, found in deviations(members).items()
            },
            "features": totals.features.report(),
            "every": self.every,
            "same_rate": self.same_rate,
            "action_units": vars(self.action_units),
            "media": {kind: dict(seen) for kind, seen in totals.media.items()},
            **({} if self.cache is None else {"cache": self.cache.report()}),
            **given,
        }


def _nowhere(preds: AnyClip | None, target: AnyClip | None) -> None:
    """Leave the features of clips to the extractors."""


def _sound(item: Item) -> Path | None:
    """Return the file of a generated clip's sound: its own, unless the sound of the dataset is given apart."""
    return item.audio or (None if item.no_sound else item.preds)
