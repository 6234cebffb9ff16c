"""Define the command ``thm score``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics import catalog
from thm_torchmetrics.cli.gates import parse_gates
from thm_torchmetrics.cli.options import (
    assignments,
    checkpoint_options,
    device_named,
    device_option,
    given_checkpoints,
    lip_sync_options,
)
from thm_torchmetrics.cli.output import check_outputs, finish
from thm_torchmetrics.cli.wording import in_cli_words, put_into_cli_words
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.media.pairing import Item
    from thm_torchmetrics.scoring.result import Result

_FOLDER = click.Path(path_type=Path)

_METRIC_OPTIONS = ("missing", "resize", "average", "min_track", "min_face_size", "tracks")

REMEDIES = {
    "preds": "give --preds, or a folder pred_video in DATA",
    "target": "give --target, or a folder gt_video in DATA",
    "audio": "give --audio, or a folder gt_audio in DATA",
    "preds_au": "give --preds-au, or a folder pred_au_csv in DATA",
    "target_au": "give --target-au, or a folder gt_au_csv in DATA",
}


@click.command()
@click.argument("data", type=_FOLDER, required=False)
@click.option("--preds", type=_FOLDER, help="Generated videos: a folder of videos or of folders of pictures, or one.")
@click.option("--target", type=_FOLDER, help="Real videos, or one photo for all generated ones.")
@click.option(
    "--audio", type=_FOLDER, help="Speech of the generated videos.  [default: gt_audio in DATA, else their own sound]"
)
@click.option("--preds-au", type=_FOLDER, help="OpenFace CSV files of the generated videos.")
@click.option("--target-au", type=_FOLDER, help="OpenFace CSV files of the real videos.")
@click.option(
    "--pairs",
    type=_FOLDER,
    metavar="FILE.csv",
    help="Name the files of every clip instead: columns clip, preds, target, audio, preds_au, target_au, as needed.",
)
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    help="Frames per second of folders of pictures.",
)
@click.option(
    "--preds-features",
    multiple=True,
    metavar="KEY=DIR",
    help="Feed a metric ready-made features of the generated clips, .npy or .npz; may be repeated.",
)
@click.option(
    "--target-features",
    multiple=True,
    metavar="KEY=DIR",
    help="Likewise of the real clips; both are needed.",
)
@click.option("--metrics", help="Metrics by key, separated by commas; key:protocol chooses a protocol.")
@click.option("--suite", help="A set of metrics; see `thm list`.  [default: thm]")
@click.option(
    "--extractor",
    multiple=True,
    metavar="KEY=NAME",
    help="Feed a metric by another network, e.g. lmd=dlib; may be repeated.",
)
@click.option(
    "--option",
    multiple=True,
    metavar="KEY.NAME=VALUE",
    help="Set an option of one metric, e.g. csim.reference=image or lse-d.min_track=50; may be repeated.",
)
@checkpoint_options
@click.option("--every", type=click.IntRange(min=1), default=1, help="Take every N-th frame only.")
@device_option
@click.option(
    "--align",
    type=click.Choice(["truncate", "error", "time"]),
    default=None,
    help="When a pair differs in length or frame rate: compare frame i with frame i, fail the clip, or compare the "
    "frames on display at the target's times.  [default: truncate, but fail on unlike frame rates]",
)
@click.option(
    "--resize",
    type=click.Choice(["bilinear", "bicubic"]),
    default=None,
    help="When a pair differs in size: bring the prediction to the target's.  [default: fail the clip]",
)
@click.option(
    "--missing",
    type=click.Choice(["skip", "error"]),
    default="skip",
    show_default=True,
    help="When a frame cannot be scored: skip and count it, or fail the clip.",
)
@click.option(
    "--average",
    type=click.Choice(["frame", "clip"]),
    default=None,
    help="All frames weigh the same, or all clips.  [default: the protocol's own]",
)
@click.option(
    "--with-target",
    is_flag=True,
    help="Score the real videos, too, by the metrics that need no reference, and show them above.",
)
@lip_sync_options
@click.option("--au-successful-only", is_flag=True, help="Leave out OpenFace rows with success 0.")
@click.option("--au-min-confidence", type=float, default=0.0, help="Leave out OpenFace rows below this confidence.")
@click.option("--au-face-id", type=int, default=None, help="Which face of OpenFace files with several.")
@click.option(
    "-o", "--output", type=_FOLDER, multiple=True, help="Write a report: .json, .csv, .md or .tex; may be repeated."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "md", "latex"]),
    default="table",
    show_default=True,
    help="What to print on standard output.",
)
@click.option(
    "--fail-under",
    multiple=True,
    metavar="KEY=VALUE",
    help="Exit with 1 if a metric is worse than VALUE (above it, where lower is better); may be repeated.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def score(context: click.Context, /, data: Path | None, **given: Any) -> None:
    """Score generated videos against real ones.

    DATA is a folder with gt_video, pred_video, gt_audio, gt_au_csv and pred_au_csv, whichever exist; the
    options name other places. Clips are paired by file stem, or by --pairs. A clip may be a folder of numbered
    pictures, 0001.png and so on; DIR/%05d.png names a single one.

    Exit status: 0 everything asked for was scored; 1 a --fail-under gate failed; 2 wrong usage or an output that cannot
    be written; 3 some clips failed, or a metric named with --metrics has no value; 4 nothing was scored; 141 the reader
    of standard output has gone (files are written).
    """  # fmt: skip
    try:
        result = run(data, given)
    except InputError as error:
        raise click.UsageError(in_cli_words(str(error))) from error
    named = _asked(given) if given["metrics"] else ()
    context.exit(finish(result, given, named))


def run(data: Path | None, given: Mapping[str, Any]) -> Result:
    """Score by the options, after checking all that can be checked before the work."""
    from thm_torchmetrics.media.pairing import pair, pair_features
    from thm_torchmetrics.media.pairs_file import inputs_of

    asked = _asked(given)
    rows = {key: catalog.find_choice(key).row for key in asked}
    parse_gates(given["fail_under"], rows)
    keys = {*rows, *(row.key for row in rows.values())}
    extractors = assignments("--extractor", given["extractor"], keys)
    folders_of = [assignments(f"--{side}-features", given[f"{side}_features"], keys) for side in ("preds", "target")]
    check_outputs(given["output"])
    listed, folders = _inputs(data, given)
    if not listed and not folders and not any(folders_of):
        raise InputError(
            "nothing to score: give DATA, or --preds and --target, or --pairs, or --preds-features and "
            "--target-features"
        )

    from thm_torchmetrics.cli.progress import Bar
    from thm_torchmetrics.scoring.clip_files import ActionUnitOptions
    from thm_torchmetrics.scoring.metric_options import options_by_metric
    from thm_torchmetrics.scoring.plan import features_by_metric, make_metrics, select_metrics
    from thm_torchmetrics.scoring.remarks import remarks
    from thm_torchmetrics.scoring.run import DatasetRun

    _check_extractors(extractors)
    own_options = options_by_metric(asked, map(_option, given["option"]))
    features = features_by_metric(asked, *folders_of)
    inputs = inputs_of(listed) if listed else set(folders)
    can_run, skipped = select_metrics(asked, inputs, REMEDIES, features, given["every"], own_options)
    options = {name: given[name] for name in _METRIC_OPTIONS if given[name] is not None}
    options |= {"extractor": extractors, "align": given["align"] or "truncate"}
    device = device_named(given["device"])
    units = ActionUnitOptions(given["au_successful_only"], given["au_min_confidence"], given["au_face_id"])
    with Bar(hidden=given["quiet"]) as progress:
        with remarks() as notes:
            built = make_metrics(can_run, options, device, given_checkpoints(given, progress), features, own_options)
            readers = {name: metric for name, metric in built.metrics.members().items() if name not in features}
            needed = {kind for metric in readers.values() for kind in metric.inputs}
            if given["with_target"]:
                needed.add("target")
            items = listed
            if needed and not listed:
                items = pair(**{kind: path for kind, path in folders.items() if kind in needed})
            items = pair_features(items, features)
        for note in notes:
            progress.note(note)
        session = DatasetRun(
            built.metrics, given["every"], units, progress, given["with_target"],
            same_rate=given["align"] is None, fps=given["fps"],
        )  # fmt: skip
        places: dict[str, Any] = {kind: str(path) for kind, path in folders.items()}
        places |= {"pairs": str(given["pairs"])} if listed else {}
        places |= {f"features of {key}": {side: str(path) for side, path in features[key].items()} for key in features}
        result = session.score(items, skipped | built.skipped, {"inputs": places, "weights": built.weights})
    result.notes[:0] = notes
    put_into_cli_words(result)
    return result


def _asked(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the metrics by key, each once."""
    if given["metrics"] and given["suite"]:
        raise InputError("--metrics and --suite exclude each other; give one")
    named = given["metrics"].split(",") if given["metrics"] else catalog.find_suite(given["suite"] or "thm")
    return tuple(dict.fromkeys(catalog.find_choice(key.strip()).name for key in named))


def _inputs(data: Path | None, given: Mapping[str, Any]) -> tuple[list[Item], dict[str, Path]]:
    """Return the clips of a pairs file, or the folders of the inputs."""
    from thm_torchmetrics.media.pairing import discover
    from thm_torchmetrics.media.pairs_file import read_pairs

    folders = {kind: given[kind] for kind in REMEDIES if given.get(kind)}
    if not given["pairs"]:
        return [], (discover(data) if data else {}) | folders
    if data or folders:
        others = ["DATA"] if data else []
        others += [f"--{kind.replace('_', '-')}" for kind in folders]
        raise InputError(f"--pairs names the files of every clip, so it does not go with {', '.join(others)}")
    return read_pairs(given["pairs"]), {}


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
