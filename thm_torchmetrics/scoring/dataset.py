"""Go from the options of a run to its clips and metrics, after checking all that can be checked before the work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thm_torchmetrics import catalog
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import EXTRACTORS
from thm_torchmetrics.media.pairing import Item, discover, pair, pair_features
from thm_torchmetrics.media.pairs_file import inputs_of, read_pairs
from thm_torchmetrics.scoring.cache_folder import CacheFolder
from thm_torchmetrics.scoring.clip_files import ActionUnitOptions
from thm_torchmetrics.scoring.metric_options import options_by_metric
from thm_torchmetrics.scoring.plan import MadeMetrics, features_by_metric, make_metrics, select_metrics
from thm_torchmetrics.scoring.progress import Progress
from thm_torchmetrics.scoring.remarks import remarks
from thm_torchmetrics.scoring.resources import device_named, find_checkpoints
from thm_torchmetrics.scoring.run import DatasetRun
from thm_torchmetrics.scoring.score_options import ScoreOptions
from thm_torchmetrics.scoring.sketch import sketch
from thm_torchmetrics.scoring.spelling import Spelling
from thm_torchmetrics.scoring.unused import check_fps, check_keys, check_used, check_weights, options_used


@dataclass(frozen=True)
class Plan:
    """A plan is what options ask for, checked as far as that goes without opening a video or a checkpoint.

    Attributes:
        options: the options.
        asked: the metrics, with protocols or not.
        own_options: options of single metrics.
        features: folders of given features, by metric and side.
        listed: the clips of a pairs file, with the inputs that it gives.
        folders: the folder of each input, if there is no pairs file.
        checkpoints: the names of the checkpoints that each metric needs.
    """

    options: ScoreOptions
    asked: tuple[str, ...]
    own_options: Mapping[str, Mapping[str, Any]]
    features: Mapping[str, Mapping[str, Path]]
    listed: list[Item]
    folders: Mapping[str, Path]
    checkpoints: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Dataset:
    """A dataset is the clips of a run, with the metrics that score them.

    Attributes:
        run: measures the clips.
        items: the clips.
        skipped: the metrics that cannot run, with the reason.
        provenance: what the options stand for: places and checkpoints.
        notes: remarks on the files of more than one clip.
    """

    run: DatasetRun
    items: list[Item]
    skipped: Mapping[str, str]
    provenance: Mapping[str, Any]
    notes: list[str]


def plan_run(options: ScoreOptions) -> Plan:
    """Read the options, and check that they fit together and that each of them changes something.

    Raises:
        InputError: if one does not.
    """
    spell, asked = options.spell, options.asked
    if options.sums is not None and not options.sums.parent.is_dir():
        raise InputError(f"{spell('sums', options.sums)}: there is no folder {options.sums.parent}; make it")
    listed, folders = _inputs(options)
    if not listed and not folders and not (options.preds_features or options.target_features):
        ways = [
            spell("data"), f"{spell('preds')} and {spell('target')}", spell("pairs"),
            f"{spell('preds_features')} and {spell('target_features')}",
        ]  # fmt: skip
        raise InputError(f"nothing to score: give {', or '.join(ways)}")
    own_options = options_by_metric(asked, options.option)
    features = features_by_metric(asked, options.preds_features, options.target_features, spell, own_options)
    check_keys("extractor", options.extractor, asked, spell, features)
    _check_extractors(options.extractor, spell)
    check_keys("preds_features", options.preds_features, asked, spell)
    check_keys("target_features", options.target_features, asked, spell)
    used: set[str] = set()
    needed: dict[str, frozenset[str]] = {}
    for text in asked:
        own, on_features = own_options.get(text, {}), text in features
        extractor = options.extractor.get(
            catalog.unaligned(text), options.extractor.get(catalog.find_choice(text).row.key)
        )
        made = sketch(text, extractor, own)
        needed[text] = frozenset() if on_features else made.checkpoints
        used |= options_used(text, own, made, on_features, options.with_target)
    check_used(options, used)
    return Plan(options, asked, own_options, features, listed, folders, needed)


def open_dataset(plan: Plan, progress: Progress) -> Dataset:
    """Make the metrics, load their networks, and pair the files.

    Args:
        plan: what the options ask for.
        progress: receives the progress of the run.

    Raises:
        InputError: if a checkpoint is given that no metric needs, no file can be paired, or the cache cannot be used.
    """
    options, features = plan.options, plan.features
    cache = None if options.cache is None else CacheFolder(options.cache, progress.note)
    inputs = inputs_of(plan.listed) if plan.listed else set(plan.folders)
    can_run, skipped = select_metrics(
        plan.asked, inputs, options.spell, features, options.every, plan.own_options, options.extractor
    )
    suite = None if options.metrics else options.suite or "thm"
    skipped |= catalog.LACKING.get(suite or "", {})
    device = device_named(options.device, options.spell)
    with_networks = [text for text in can_run if plan.checkpoints[text]]
    with remarks() as notes:
        checkpoints = find_checkpoints(
            options.weights, options.weights_dir, options.offline, options.commercial, progress
        )
        check_weights(options, checkpoints.files, plan.checkpoints)
        if with_networks:
            progress.step(f"loading networks of {', '.join(with_networks)}")
        built = make_metrics(can_run, options.of_metrics, device, checkpoints, features, plan.own_options)
        items = _items(plan, built)
    for note in notes:
        progress.note(note)
    places: dict[str, Any] = {kind: str(path) for kind, path in plan.folders.items()}
    places |= {"pairs": str(options.pairs)} if plan.listed else {}
    places |= {f"features of {key}": {side: str(path) for side, path in features[key].items()} for key in features}
    run = DatasetRun(
        built.metrics,
        options.every,
        ActionUnitOptions(options.au_successful_only, options.au_min_confidence, options.au_face_id),
        progress,
        options.with_target,
        same_rate=options.align is None,
        fps=options.fps,
        cache=cache,
        per_frame=options.per_frame or options.pictures,
    )
    return Dataset(run, items, skipped | built.skipped, {"inputs": places, "weights": built.weights}, notes)


def _items(plan: Plan, built: MadeMetrics) -> list[Item]:
    """Pair the files that the metrics read."""
    options = plan.options
    needed: set[str] = set()
    for name, metric in built.metrics.members().items():
        needed.update(set(metric.inputs) - ({"preds", "target"} if name in plan.features else set()))
    if options.with_target:
        needed.add("target")
    items = plan.listed
    if needed and not items:
        items = pair(**{kind: path for kind, path in plan.folders.items() if kind in needed})
    items = pair_features(items, plan.features)
    if "fps" in options.given:
        check_fps(items, options.spell)
    return items


def _inputs(options: ScoreOptions) -> tuple[list[Item], dict[str, Path]]:
    """Return the clips of a pairs file, or the folders of the inputs."""
    folders, spell = options.folders, options.spell
    if options.pairs is None:
        return [], (discover(options.data) if options.data else {}) | folders
    others = [spell(name) for name in (("data",) if options.data else ()) + tuple(folders)]
    if others:
        raise InputError(
            f"{spell('pairs')} names the files of every clip, so it does not go with {', '.join(others)}; leave one out"
        )
    return read_pairs(options.pairs), {}


def _check_extractors(chosen: Mapping[str, str], spell: Spelling) -> None:
    for key, name in chosen.items():
        known: Collection[str] = EXTRACTORS.get(catalog.find_choice(key).row.extractor_kind, {})
        if name not in known:
            networks = f"the networks {', '.join(known)}" if known else "no networks; leave it out"
            raise InputError(f"{spell('extractor', name, key)}: {key} has {networks}")
