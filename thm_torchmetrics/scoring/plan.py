"""Select the metrics that can run, with a reason for each of the others, and make them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.collection import TalkingHeadMetrics, checkpoints_of, make_metric, metric_class, option_names
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MediaError, MissingExtraError, WeightsError
from thm_torchmetrics.media.feature_files import read_features
from thm_torchmetrics.media.pairing import FOLDERS, find_features
from thm_torchmetrics.scoring.metric_options import without_network
from thm_torchmetrics.scoring.network_loading import NetworkLoader
from thm_torchmetrics.scoring.spelling import Spelling
from thm_torchmetrics.weights import Checkpoint, Checkpoints


def select_metrics(
    asked: Sequence[str],
    inputs: Iterable[str],
    spell: Spelling,
    features: Collection[str] = (),
    every: int = 1,
    own_options: Mapping[str, Mapping[str, Any]] | None = None,
    extractors: Mapping[str, str] | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Return the metrics that can run on the given inputs, and the others with a reason.

    Args:
        asked: metric keys, with protocols or not.
        inputs: the kinds of input that were given.
        spell: how options are written in the reasons.
        features: those of ``asked`` that are given features instead.
        every: n, if every n-th frame is taken.
        own_options: options of single metrics by key; some change what a metric reads.
        extractors: the networks that were chosen, by metric key, with the protocol or without.
    """
    own_options, extractors = own_options or {}, extractors or {}
    apart = set(inputs)
    given = apart | {"audio"} if "preds" in apart else apart  # a video has its own sound
    run: list[str] = []
    skipped: dict[str, str] = {}
    for text in asked:
        own, choice = own_options.get(text), catalog.find_choice(text)
        row = choice.row
        extractor = extractors.get(catalog.unaligned(text), extractors.get(row.key))
        inputs_needed = _inputs(choice, text in features, own or {}, extractor)
        sides = [kind for kind in inputs_needed if kind in _SIDES]
        if text in features:
            inputs_needed = tuple(kind for kind in inputs_needed if kind not in _SIDES)
        lacking = [kind for kind in inputs_needed if kind not in (apart if text in features else given)]
        if every > 1 and row.protocol(choice.protocol).every_frame:
            skipped[text] = f"needs every frame; leave {spell('every')} out"
        elif not (extractor or _has_extractor(choice) or _takes_features(row)) and "audio" in row.inputs:
            skipped[text] = "reads given features and what is known of the sound; measure it in Python"
        elif text not in features and not (extractor or _has_extractor(choice)) and _takes_features(row):
            folders = " ".join(spell(f"{side}_features", "DIR", text) for side in sides)
            skipped[text] = f"takes given features only: give {folders}"
        elif lacking:
            skipped[text] = "; ".join(f"needs {kind}: {_remedy(kind, spell, row.key)}" for kind in lacking)
        else:
            run.append(text)
    return run, skipped


_SIDES = ("preds", "target")


def _remedy(kind: str, spell: Spelling, key: str) -> str:
    """Return how to give an input of a metric."""
    if kind == "labels":
        return f"give {spell('option', 'FILE.csv', f'{key}.labels')}"
    return f"give {spell(kind)}, or a folder {FOLDERS[kind]} in {spell('data')}"


def features_by_metric(
    asked: Sequence[str],
    preds: Mapping[str, str | Path],
    target: Mapping[str, str | Path],
    spell: Spelling,
    own_options: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Path]]:
    """Return the folders of given features, by metric and side.

    Args:
        asked: metric keys, with protocols or not.
        preds: folders of the generated clips' features, by metric key, with the protocol or without.
        target: those of the real clips.
        spell: how options are written in messages.
        own_options: options of single metrics by key; some change what a metric reads.

    Raises:
        InputError: if a metric takes no features, or lacks those of a side that it needs.
    """
    given: dict[str, dict[str, Path]] = {}
    for text in asked:
        choice = catalog.find_choice(text)
        row = choice.row
        by_side = {"preds": preds, "target": target}
        paths = {side: by.get(catalog.unaligned(text), by.get(row.key)) for side, by in by_side.items()}
        sides = {side: Path(path) for side, path in paths.items() if path is not None}
        if not sides:
            continue
        if not _takes_features(row):
            raise InputError(
                f"{text} cannot be given features with {spell(f'{next(iter(sides))}_features')}; leave it out"
            )
        needed = _inputs(choice, True, own_options.get(text, {}))
        read = [side for side in _SIDES if side in needed]
        for side in read:
            if side not in sides:
                lacking = spell(f"{side}_features", "DIR", text)
                raise InputError(f"{text} is given features, so it needs {lacking}, too")
        given[text] = {side: sides[side] for side in read}
    return given


def _inputs(
    choice: catalog.Choice, on_features: bool, own: Mapping[str, Any], extractor: str | None = None
) -> tuple[str, ...]:
    """Return the inputs that a metric needs; some options, protocols, and given features need others than usual."""
    row = choice.row
    of_features = metric_class(row).inputs_of_features if on_features else None
    if of_features is not None:
        return of_features
    usual = not own and extractor is None and choice.protocol == row.protocols[0]
    return row.inputs if usual else without_network(choice.text, own, extractor).inputs


def _has_extractor(choice: catalog.Choice) -> bool:
    """Return whether a protocol can be measured on frames."""
    options = choice.row.protocol(choice.protocol).options
    return bool(choice.row.extractors) and options.get("extractor", "") is not None


def _takes_features(row: catalog.Row) -> bool:
    """Return whether a metric reads features in place of frames, and nothing else that is no file."""
    cls = metric_class(row)
    files = {*_SIDES, "labels"} if cls.sound_rate is None else {*_SIDES, "labels", "audio"}
    return cls.feature_shape is not None and set(cls.inputs_of_features or row.inputs) <= files


@dataclass
class MadeMetrics:
    """The metrics of a run are made, or skipped with a reason.

    Attributes:
        metrics: the metrics whose networks are available, on their device.
        skipped: the others, with the reason and the remedy.
        weights: the checkpoints in use, for the report.
    """

    metrics: TalkingHeadMetrics
    skipped: dict[str, str]
    weights: dict[str, dict[str, Any]]


def make_metrics(
    asked: Sequence[str],
    options: Mapping[str, Any],
    device: torch.device,
    checkpoints: Checkpoints,
    features: Mapping[str, Mapping[str, Path]] | None = None,
    own_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> MadeMetrics:
    """Make the metrics, download the checkpoints that they need, and load their networks.

    A metric whose network is missing, damaged or too large is skipped, and the others are made.

    Args:
        asked: metric keys, with protocols or not.
        options: options of the metrics; each goes to the metrics that have it. ``extractor`` is by metric key.
        device: the device on which they compute.
        checkpoints: the source of the networks' checkpoints.
        features: the metrics that are given features, with the folders of each side.
        own_options: options of single metrics by key, as `options_by_metric` returns them; they go before ``options``.

    Raises:
        InputError: if a metric does not take its options, or if metrics that share one computation are given different
            features.
    """
    features = features or {}
    members: dict[str, TalkingHeadMetric] = {}
    faults: dict[str, str] = {}
    networks = NetworkLoader(device)
    for text in asked:
        own = {**options, **(own_options or {}).get(text, {})}
        try:
            own = {**own, "weights": checkpoints} if text not in features else _on_features(text, own, features[text])
            metric = make_metric(text, own)
        except (WeightsError, MissingExtraError, MediaError) as error:
            faults[text] = str(error)
            continue
        except InputError as error:
            raise InputError(f"{text}: {error}") from error
        fault = networks.fault(metric)
        if fault is None:
            members[text] = metric
        else:
            faults[text] = fault
    metrics = TalkingHeadMetrics(members).to(device)
    for group in metrics.compute_groups.values():
        if any(features.get(name) != features.get(group[0]) for name in group):
            raise InputError(f"{', '.join(group)} share one computation; give them the same features")
    users: dict[Checkpoint, list[str]] = {}
    for name, member in members.items():
        for checkpoint in checkpoints_of(member):
            users.setdefault(checkpoint, []).append(name)
    used = sorted(users, key=lambda checkpoint: checkpoint.name)
    return MadeMetrics(metrics, _told_once(faults), {each.name: _provenance(each, users[each]) for each in used})


def _told_once(faults: Mapping[str, str]) -> dict[str, str]:
    """Return why metrics are skipped, in one line each; a reason that several share is told in full by the first."""
    first: dict[str, str] = {}
    reasons = {}
    for text, fault in faults.items():
        lines = [line.strip().removeprefix("- ") for line in fault.splitlines()]
        teller = first.setdefault(fault, text)
        brief = re.split(r": |\. ", lines[0], maxsplit=1)[0]
        reasons[text] = "; ".join(filter(None, lines)) if teller == text else f"{brief}; see {teller}"
    return reasons


def _provenance(checkpoint: Checkpoint, metrics: list[str]) -> dict[str, Any]:
    found = weights.locate(checkpoint.name, checkpoint.file)
    return {"file": found.path.name, "sha256": found.sha256, "custom": found.custom, "metrics": metrics}


def _on_features(text: str, options: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, Any]:
    """Return the options of a metric that is given features.

    Raises:
        MediaError: if the length of a feature is needed, and no file can be read.
    """
    made = without_network(text, {})
    own = {**options, "extractor": None}
    if made.feature_shape == (None,) and "num_features" in option_names(type(made)):
        own["num_features"] = _width(folders.values())
    return own


def _width(folders: Iterable[Path]) -> int:
    """Return the length of a feature in the first file that can be read.

    Raises:
        MediaError: if none can be read.
    """
    faults = []
    for folder in folders:
        for path in [folder] if folder.is_file() else find_features(folder).values():
            try:
                return int(read_features(path, (None,)).shape[-1])
            except MediaError as error:
                faults.append(str(error))
    raise MediaError(f"none of {len(faults)} files of features can be read; the first: {faults[0]}")
