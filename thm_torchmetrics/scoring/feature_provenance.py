"""Compare what made the given features of a run, and say it in the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thm_torchmetrics.core.clip import AnyClip, FeatureClip
from thm_torchmetrics.core.clocks import rates_differ
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import MismatchError
from thm_torchmetrics.media.feature_files import Fact, FeatureFile
from thm_torchmetrics.scoring.clip_outcome import Origin

_TOLERANCE = 0.4
"""Frames by which the times of two rows of one number may differ; a dropped frame shifts some row by almost 0.5."""
_DIGITS = 12
_WORDS = {"face_landmarks": "landmarks", "face": "face", "upsample": "upsample", "every": "every", "version": "version"}


class GivenFeatures(FeatureClip):
    """The clip holds the features of a file."""

    def __init__(self, file: FeatureFile, key: str) -> None:
        super().__init__(torch.from_numpy(file.rows), key, rate=file.fps, times=file.times)
        self.file = file


@dataclass
class _Origin:
    """The origin is what made the features of one metric, by side, with the first clip of which it is known."""

    first: dict[str, tuple[str, Mapping[str, Fact]]] = field(default_factory=dict)
    files: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)


class FeatureProvenance:
    """The provenance of a run's features must be the same for all clips of a metric.

    Files that do not say what made them are accepted, and counted for the report.
    """

    def __init__(self) -> None:
        self._origins: dict[str, _Origin] = {}

    def add(self, name: str, metric: TalkingHeadMetric, clip: str, sides: Mapping[str, Origin]) -> None:
        """Compare what made the features of one clip with what made those of the metric's first clip, and count it.

        Args:
            name: the metric's name.
            metric: the metric.
            clip: the clip's name.
            sides: the origins of its features by side.

        Raises:
            MismatchError: if they differ; the message names the values of both, and nothing is counted.
        """
        by_time = metric.frame_by_frame and metric.align == "time"
        origin = self._origins.setdefault(name, _Origin())
        for side, given in sides.items():
            other = next(iter(sorted(origin.first)), side)
            first, made_by = origin.first.get(side) or origin.first.get(other) or ("", {})
            across = by_time and side not in origin.first
            if difference := _difference(given.made_by, made_by, across):
                raise MismatchError(
                    f"{given.file} differs from the features of the first clip, {first}, in {difference}; extract "
                    "the features of all clips alike"
                )
        for side, given in sides.items():
            origin.files[side] += 1
            if given.made_by:
                origin.first.setdefault(side, (clip, given.made_by))
            else:
                origin.unknown.append(Path(given.file).name)

    def extractor(self, name: str) -> str | None:
        """Return what made the features of a metric, in short; None if it is not known."""
        made_by = self._made_by(name)
        if not made_by:
            return None
        landmarks = made_by.get("face_landmarks")
        return f"{made_by['extractor']} (features{f', landmarks of {landmarks}' if landmarks else ''})"

    def deviations(self, name: str) -> list[str]:
        """Return a line on what made the features of a metric, and one on files that do not say it."""
        lines = []
        made_by = self._made_by(name)
        if made_by:
            facts = [f"{word} {made_by[label]}" for label, word in _WORDS.items() if _says(made_by, label)]
            lines.append(f"features made by {', '.join([str(made_by['extractor']), *facts, *_checkpoints(made_by)])}")
        origin = self._origins.get(name, _Origin())
        if origin.unknown:
            count, files = len(origin.unknown), sum(origin.files.values())
            which = "" if count == files else f" of {count} of {files} files, such as {origin.unknown[0]}"
            lines.append(f"features{which} without provenance: no provenance tells what made them")
        return lines

    def report(self) -> dict[str, dict[str, Any]]:
        """Return what made the features of each metric that was given some, for the provenance of the result."""
        found = {}
        for name, origin in self._origins.items():
            if not origin.files:
                continue
            made_by = self._made_by(name)
            facts = {_WORDS.get(label, label): value for label, value in made_by.items()}
            found[name] = {**facts, "files": sum(origin.files.values()), "without_provenance": len(origin.unknown)}
        return found

    def _made_by(self, name: str) -> dict[str, Any]:
        """Return what made the features of a metric; a fact in which the sides differ is given by side."""
        sides = {side: made_by for side, (_, made_by) in self._origins.get(name, _Origin()).first.items()}
        labels = dict.fromkeys(label for made_by in sides.values() for label in made_by)
        facts: dict[str, Any] = {}
        for label in labels:
            values = {side: made_by[label] for side, made_by in sides.items() if label in made_by}
            facts[label] = next(iter(values.values())) if len(set(values.values())) == 1 else values
        return facts


def origins_of(metric: TalkingHeadMetric, preds: AnyClip | None, target: AnyClip | None) -> dict[str, Origin]:
    """Return what made the given features of a clip, by side; sides that are no `GivenFeatures` are left out.

    Raises:
        MismatchError: if the sides were made unlike; the message names the values of both.
    """
    sides = {side: clip for side, clip in (("preds", preds), ("target", target)) if isinstance(clip, GivenFeatures)}
    if len(sides) == 2:
        ours, theirs = sides["preds"].file, sides["target"].file
        by_time = metric.frame_by_frame and metric.align == "time"
        if difference := _difference(ours.made_by, theirs.made_by, by_time):
            raise MismatchError(
                f"the features of prediction and target differ in {difference} ({ours.path} and {theirs.path}); "
                "extract both alike"
            )
    return {side: Origin(str(clip.file.path), clip.file.made_by) for side, clip in sides.items()}


def _difference(first: Mapping[str, Fact], second: Mapping[str, Fact], by_time: bool) -> str:
    """Return in words in what two provenances differ; empty if they agree as far as both are known.

    Args:
        first: the one.
        second: the other.
        by_time: whether frames are paired by time, so that not every n-th frame must be taken of both.
    """
    shared = [label for label in first if label in second and first[label] != second[label]]
    found = []
    for label in shared:
        if label == "checkpoints" or (label == "every" and by_time):
            continue
        if label == "sha256":
            ours, theirs = _checkpoints(first), _checkpoints(second)
            values = [
                ", ".join(item for item in one if item not in other) for one, other in ((ours, theirs), (theirs, ours))
            ]
            word = ""
        else:
            values, word = [str(first[label]), str(second[label])], f"{_WORDS.get(label, label)}: "
        found.append(f"{word}{' and '.join(value or 'none' for value in values)}")
    return "; ".join(found)


def _says(made_by: Mapping[str, Any], label: str) -> bool:
    """Return whether a provenance says more of something than what is usual."""
    usual = {"face_landmarks": "", "upsample": 0, "every": 1}
    return label in made_by and made_by[label] != usual.get(label)


def _checkpoints(made_by: Mapping[str, Any]) -> list[str]:
    """Return the checkpoints of a provenance, each with the first digits of its hash."""
    names, digests = made_by.get("checkpoints", ()), made_by.get("sha256", ())
    if not (isinstance(names, tuple) and isinstance(digests, tuple)):
        return []
    return [f"checkpoint {name} {digest[:_DIGITS]}" for name, digest in zip(names, digests, strict=False)]


def check_times(preds: AnyClip, target: AnyClip) -> None:
    """Raise an error unless rows of one number are of one time, on clocks that start with the first rows.

    The times of given features are compared to the end of the shorter clip, in frames of each clip's own rate, which
    may differ as those of videos may. Nothing is done for other clips, and where a file does not say the times.

    Raises:
        MismatchError: if rows of one number are more than `_TOLERANCE` apart.
    """
    if not (isinstance(preds, GivenFeatures) and isinstance(target, GivenFeatures)):
        return
    count = min(len(preds.file.times), len(target.file.times))
    if count < 2:
        return
    times = [np.asarray(clip.file.times[:count]) - clip.file.times[0] for clip in (preds, target)]
    steps = [side[-1] / (count - 1) for side in times]
    if min(steps) <= 0:
        return
    apart = np.abs(times[0] / steps[0] - times[1] / steps[1])
    if apart.max() > _TOLERANCE or rates_differ(*(1 / step for step in steps)):
        row = int(np.argmax(np.abs(times[0] - times[1]) > _TOLERANCE * min(steps)))
        raise MismatchError(
            f"the features of prediction and target are of other times: row {row} is {times[0][row]:.6g} s after the "
            f'first in the prediction and {times[1][row]:.6g} s in the target; pass align="time" to compare the rows '
            'on display at the target\'s times, or align="truncate" to compare row i with row i all the same'
        )
