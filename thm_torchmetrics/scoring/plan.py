"""Which of the metrics asked for can run here, and why the others cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MissingExtraError, WeightsError
from thm_torchmetrics.media.feature_files import read_features
from thm_torchmetrics.media.pairing import FEATURE_SUFFIXES, find
from thm_torchmetrics.scoring.progress import Progress


def plan(
    asked: Sequence[str], inputs: Iterable[str], remedies: Mapping[str, str], features: Collection[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Which of the metrics asked for can run on the inputs that there are.

    Args:
        asked: metric keys, with protocols or not.
        inputs: the kinds of input that were given.
        remedies: how to give each kind, for the reasons.
        features: those of ``asked`` that are given features instead.

    Returns:
        The metrics that can run, and the others with the reason and the remedy.
    """
    given = set(inputs)
    if "preds" in given:
        given.add("audio")  # a video has its own sound
    run: list[str] = []
    skipped: dict[str, str] = {}
    for text in asked:
        inputs_needed = () if text in features else catalog.choose(text).row.inputs
        lacking = [kind for kind in inputs_needed if kind not in given]
        if lacking:
            skipped[text] = "; ".join(f"needs {kind}: {remedies[kind]}" for kind in lacking)
        else:
            run.append(text)
    return run, skipped


def features_by_metric(
    asked: Sequence[str], preds: Mapping[str, str], target: Mapping[str, str]
) -> dict[str, dict[str, Path]]:
    """The folders of ready-made features, by metric and side.

    Args:
        asked: metric keys, with protocols or not.
        preds: folders of the generated clips' features, by metric key, with the protocol or without.
        target: those of the real clips.

    Raises:
        InputError: if a metric takes no features, or lacks those of a side that it needs.
    """
    given: dict[str, dict[str, Path]] = {}
    for text in asked:
        row = catalog.choose(text).row
        by_side = {"preds": preds, "target": target}
        paths = {side: by.get(text, by.get(row.key)) for side, by in by_side.items()}
        sides = {side: Path(path) for side, path in paths.items() if path is not None}
        if not sides:
            continue
        if not row.extractors or row.load().feature_shape is None or set(row.inputs) - by_side.keys():
            raise InputError(f"{text} cannot be given features with --{next(iter(sides))}-features")
        for side in row.inputs:
            if side not in sides:
                raise InputError(f"{text} is given features, so it needs --{side}-features {text}=DIR, too")
        given[text] = {side: sides[side] for side in row.inputs}
    return given


@dataclass
class Build:
    """What became of the metrics that were asked for.

    Attributes:
        metrics: those whose networks are there, on their device.
        skipped: the others, with the reason and the remedy.
        weights: the checkpoints in use, for the report.
    """

    metrics: TalkingHeadMetrics
    skipped: dict[str, str]
    weights: dict[str, dict[str, Any]]


def build(
    asked: Sequence[str],
    options: Mapping[str, Any],
    device: torch.device,
    progress: Progress,
    features: Mapping[str, Mapping[str, Path]] | None = None,
) -> Build:
    """Make the metrics; this fetches the checkpoints that they need.

    Args:
        asked: metric keys, with protocols or not.
        options: options of the metrics; each goes to the metrics that have it. ``extractor`` is by metric key,
            ``weights``, the user's own files, by name of the checkpoint.
        device: where they compute.
        progress: who is told of downloads and licenses.
        features: the metrics that are given features, with the folders of each side.

    Raises:
        InputError: if metrics that share one computation are given different features.
    """
    features = features or {}
    members: dict[str, TalkingHeadMetric] = {}
    skipped: dict[str, str] = {}
    used: dict[str, dict[str, Any]] = {}
    for text in asked:
        choice = catalog.choose(text)
        if text in features:
            members |= TalkingHeadMetrics([text], **_on_features(choice, options, features[text])).members()
            continue
        extractors = options.get("extractor", {})
        names = choice.weights(extractors.get(text, extractors.get(choice.row.key)))
        try:
            for name in names:
                if name not in used:
                    used[name] = _obtain(name, options.get("weights", {}).get(name), progress)
            members |= TalkingHeadMetrics([text], **_fitting(choice, options)).members()
        except (WeightsError, MissingExtraError) as error:
            skipped[text] = str(error)
    metrics = TalkingHeadMetrics(members).to(device)
    for group in metrics.compute_groups.values():
        if any(features.get(name) != features.get(group[0]) for name in group):
            raise InputError(f"{', '.join(group)} share one computation; give them the same features")
    return Build(metrics, skipped, used)


def _obtain(name: str, file: str | None, progress: Progress) -> dict[str, Any]:
    found = weights.obtain(name, file, progress=partial(progress.download, name))
    if weights.registry()[name].commercial is not True:
        progress.note(weights.license_notice(name))
    return {"file": found.path.name, "sha256": found.sha256, "custom": found.custom}


def _on_features(choice: catalog.Choice, options: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, Any]:
    """The options of a metric that is given features; the length of a feature is that of the first file."""
    kind = choice.row.load()
    fitting = _fitting(choice, {name: value for name, value in options.items() if name != "weights"})
    fitting["extractor"] = None
    if kind.accepts("num_features"):
        folder = next(iter(folders.values()))
        path = folder if folder.is_file() else next(iter(find(folder, FEATURE_SUFFIXES).values()))
        fitting["num_features"] = read_features(path, kind.feature_shape).shape[-1]
    return fitting


def _fitting(choice: catalog.Choice, options: Mapping[str, Any]) -> dict[str, Any]:
    kind = choice.row.load()
    fitting = {name: value for name, value in options.items() if kind.accepts(name)}
    if kind.pooled:
        fitting.pop("average", None)
    return fitting
