"""Go from the options of ``thm score`` to a result, after checking all that can be checked before the work."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thm_torchmetrics import catalog
from thm_torchmetrics.cli.gates import parse_gates
from thm_torchmetrics.cli.options import assignments, device_named, given_checkpoints
from thm_torchmetrics.cli.output import check_outputs
from thm_torchmetrics.cli.unused import check_fps, check_keys, check_used, check_weights, options_used
from thm_torchmetrics.cli.wording import put_into_cli_words
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.sketch import sketch

if TYPE_CHECKING:
    from thm_torchmetrics.cli.progress import Counted
    from thm_torchmetrics.media.pairing import Item
    from thm_torchmetrics.scoring.result import Result

_METRIC_OPTIONS = ("missing", "resize", "average", "min_track", "min_face_size", "tracks")

REMEDIES = {
    "preds": "give --preds, or a folder pred_video in DATA",
    "target": "give --target, or a folder gt_video in DATA",
    "audio": "give --audio, or a folder gt_audio in DATA",
    "preds_au": "give --preds-au, or a folder pred_au_csv in DATA",
    "target_au": "give --target-au, or a folder gt_au_csv in DATA",
}


@dataclass(frozen=True)
class _Plan:
    """A plan holds what the options ask for.

    Attributes:
        asked: the metrics, with protocols or not.
        extractors: the networks that were chosen, by metric.
        own_options: options of single metrics.
        features: folders of given features, by metric and side.
        listed: the clips of a pairs file, with the inputs that it gives.
        folders: the folder of each input, if there is no pairs file.
    """

    asked: tuple[str, ...]
    extractors: Mapping[str, str]
    own_options: Mapping[str, Mapping[str, Any]]
    features: Mapping[str, Mapping[str, Path]]
    listed: list[Item]
    folders: Mapping[str, Path]


def run(values: Mapping[str, Any], given: Collection[str], arguments: Mapping[str, Any], command: str) -> Result:
    """Score by the options.

    Args:
        values: the options of the command.
        given: the names of those that were typed or stand in a file.
        arguments: the same by key, for the report.
        command: the command as it was typed, for the report.

    Raises:
        InputError: if the options do not fit together, or one of them changes nothing.
    """
    begun = time.monotonic()
    plan = _plan(values, arguments)
    needed = _check_use(plan, values, given)

    from thm_torchmetrics.cli.progress import shown

    try:
        with shown(values["quiet"]) as progress:
            result = _score(plan, values, given, needed, progress)
    except KeyboardInterrupt as error:
        error.add_note("no report is written")
        raise
    gates = parse_gates(values["fail_under"], plan.asked)
    result.provenance = {
        **result.provenance,
        "command": command,
        "arguments": arguments,
        "duration_s": round(time.monotonic() - begun, 3),
        "gates": [gate.outcome(result) for gate in gates],
    }
    put_into_cli_words(result)
    return result


def asked_metrics(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics by key, each once."""
    if values["metrics"] and values["suite"] is not None:
        raise InputError("--metrics and --suite exclude each other; give one")
    if not values["metrics"]:
        named = catalog.find_suite("thm" if values["suite"] is None else values["suite"])
        return tuple(dict.fromkeys(catalog.find_choice(key).name for key in named))
    keys = []
    for text in values["metrics"]:
        for key in map(str.strip, text.split(",")):
            if not key:
                raise InputError(f"--metrics {text!r}: a key is empty; give keys separated by commas, as in psnr,ssim")
            if len(key.split()) > 1:
                raise InputError(f"--metrics {text!r}: separate keys by commas: {','.join(key.split())}")
            keys.append(catalog.find_choice(key).name)
    return tuple(dict.fromkeys(keys))


def _plan(values: Mapping[str, Any], arguments: Mapping[str, Any]) -> _Plan:
    """Read the options, and check what each of them says."""
    asked = asked_metrics(values)
    rows = {key: catalog.find_choice(key).row for key in asked}
    parse_gates(values["fail_under"], rows)
    keys = {*rows, *(row.key for row in rows.values())}
    extractors = assignments("--extractor", values["extractor"], keys)
    folders_of = {
        side: assignments(f"--{side}-features", values[f"{side}_features"], keys) for side in ("preds", "target")
    }
    check_outputs(values, arguments)
    listed, folders = _inputs(values)
    if not listed and not folders and not any(folders_of.values()):
        raise InputError(
            "nothing to score: give DATA, or --preds and --target, or --pairs, or --preds-features and "
            "--target-features"
        )

    from thm_torchmetrics.scoring.metric_options import options_by_metric
    from thm_torchmetrics.scoring.plan import features_by_metric

    _check_extractors(extractors)
    own_options = options_by_metric(asked, map(_option, values["option"]))
    features = features_by_metric(asked, *folders_of.values())
    check_keys("--extractor", extractors, asked, features)
    for side, folders_by_metric in folders_of.items():
        check_keys(f"--{side}-features", folders_by_metric, asked)
    return _Plan(asked, extractors, own_options, features, listed, folders)


def _check_use(plan: _Plan, values: Mapping[str, Any], given: Collection[str]) -> dict[str, frozenset[str]]:
    """Check that every option that is given changes something, and that the networks fit the protocols.

    Returns:
        The names of the checkpoints that each metric needs.
    """
    used: set[str] = set()
    needed: dict[str, frozenset[str]] = {}
    for text in plan.asked:
        own, on_features = plan.own_options.get(text, {}), text in plan.features
        extractor = plan.extractors.get(text, plan.extractors.get(catalog.find_choice(text).row.key))
        made = sketch(text, extractor, own)
        needed[text] = frozenset() if on_features else made.checkpoints
        used |= options_used(text, own, made, on_features, values["with_target"])
    check_used(given, values, used)
    return needed


def _score(
    plan: _Plan,
    values: Mapping[str, Any],
    given: Collection[str],
    checkpoints_needed: Mapping[str, Collection[str]],
    progress: Counted,
) -> Result:
    """Make the metrics, pair the files, and measure."""
    from thm_torchmetrics.media.pairing import pair, pair_features
    from thm_torchmetrics.media.pairs_file import inputs_of
    from thm_torchmetrics.scoring.clip_files import ActionUnitOptions
    from thm_torchmetrics.scoring.plan import make_metrics, select_metrics
    from thm_torchmetrics.scoring.remarks import remarks
    from thm_torchmetrics.scoring.run import DatasetRun

    inputs = inputs_of(plan.listed) if plan.listed else set(plan.folders)
    features, own_options = plan.features, plan.own_options
    can_run, skipped = select_metrics(
        plan.asked, inputs, REMEDIES, features, values["every"], own_options, plan.extractors
    )
    suite = None if values["metrics"] else values["suite"] or "thm"
    skipped |= catalog.LACKING.get(suite or "", {})
    options = {name: values[name] for name in _METRIC_OPTIONS if values[name] is not None}
    options |= {"extractor": plan.extractors, "align": values["align"] or "truncate"}
    device = device_named(values["device"])
    units = ActionUnitOptions(values["au_successful_only"], values["au_min_confidence"], values["au_face_id"])
    with_networks = [text for text in can_run if checkpoints_needed[text]]
    with remarks() as notes:
        checkpoints = given_checkpoints(values, progress)
        check_weights(values, checkpoints.files, checkpoints_needed)
        if with_networks:
            progress.step(f"loading networks of {', '.join(with_networks)}")
        built = make_metrics(can_run, options, device, checkpoints, features, own_options)
        readers = {name: metric for name, metric in built.metrics.members().items() if name not in features}
        needed = {kind for metric in readers.values() for kind in metric.inputs}
        if values["with_target"]:
            needed.add("target")
        items = plan.listed
        if needed and not items:
            items = pair(**{kind: path for kind, path in plan.folders.items() if kind in needed})
        items = pair_features(items, features)
        if "fps" in given:
            check_fps(items)
    for note in notes:
        progress.note(note)
    session = DatasetRun(
        built.metrics, values["every"], units, progress, values["with_target"],
        same_rate=values["align"] is None, fps=values["fps"],
    )  # fmt: skip
    places: dict[str, Any] = {kind: str(path) for kind, path in plan.folders.items()}
    places |= {"pairs": str(values["pairs"])} if plan.listed else {}
    places |= {f"features of {key}": {side: str(path) for side, path in features[key].items()} for key in features}
    result = session.score(items, skipped | built.skipped, {"inputs": places, "weights": built.weights})
    result.notes[:0] = notes
    return result


def _inputs(values: Mapping[str, Any]) -> tuple[list[Item], dict[str, Path]]:
    """Return the clips of a pairs file, or the folders of the inputs."""
    from thm_torchmetrics.media.pairing import discover
    from thm_torchmetrics.media.pairs_file import read_pairs

    data = values["data"]
    folders = {kind: values[kind] for kind in REMEDIES if values.get(kind)}
    if not values["pairs"]:
        return [], (discover(data) if data else {}) | folders
    if data or folders:
        others = ["DATA"] if data else []
        others += [f"--{kind.replace('_', '-')}" for kind in folders]
        raise InputError(f"--pairs names the files of every clip, so it does not go with {', '.join(others)}")
    return read_pairs(values["pairs"]), {}


def _option(text: str) -> tuple[str, str, str]:
    """Return metric, name and value of a text ``KEY.NAME=VALUE``."""
    place, sign, value = text.partition("=")
    key, dot, name = place.partition(".")
    if not (key and dot and name and sign and value):
        raise InputError(f"--option takes KEY.NAME=VALUE, such as csim.reference=image, got {text!r}")
    return key.strip(), name.strip().replace("-", "_"), value.strip()


def _check_extractors(chosen: Mapping[str, str]) -> None:
    from thm_torchmetrics.extractors import EXTRACTORS

    for key, name in chosen.items():
        known = EXTRACTORS.get(catalog.find_choice(key).row.extractor_kind, {})
        if name not in known:
            raise InputError(f"--extractor {key}={name}: {key} has {', '.join(known) or 'no networks'}")
