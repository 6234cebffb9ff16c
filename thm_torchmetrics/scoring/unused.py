"""Refuse options that are given and change nothing in a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from thm_torchmetrics import catalog
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.spelling import Spelling

if TYPE_CHECKING:
    from thm_torchmetrics.media.pairing import Item
    from thm_torchmetrics.scoring.score_options import ScoreOptions
    from thm_torchmetrics.scoring.sketch import Sketch

_TABLES = "reads tables of OpenFace"
_TRACKS = "tracks faces for lip sync"
_PURPOSES = {
    "preds": "reads generated videos",
    "target": "reads real videos",
    "audio": "reads sound",
    "preds_au": _TABLES,
    "target_au": _TABLES,
    "au_successful_only": _TABLES,
    "au_min_confidence": _TABLES,
    "au_face_id": _TABLES,
    "every": "reads frames; features are read whole",
    "resize": "compares the pixels of two videos",
    "align": "compares frame by frame",
    "average": "has more than one average",
    "with_target": "can do without real videos",
    "save_statistics": "compares sets with given real videos",
    "min_track": _TRACKS,
    "min_face_size": _TRACKS,
    "tracks": _TRACKS,
}
"""The options that depend on the metrics, and what a metric does that uses one."""


def options_used(text: str, own: Collection[str], made: Sketch, on_features: bool, with_target: bool) -> set[str]:
    """Return the options of a run that bear on a metric.

    Args:
        text: the metric, as ``key`` or ``key:protocol``.
        own: options that it alone has been given; they go before those of the run.
        made: the metric, made without its checkpoints.
        on_features: whether it is given features.
        with_target: whether real videos are scored, too.
    """
    from thm_torchmetrics.scoring.metric_options import known_options

    metric, row = made.metric, catalog.find_choice(text).row
    if metric is None:  # it is skipped for a reason of its own
        return set(_PURPOSES)
    used = set(metric.inputs) - {"preds", "target"}
    if not on_features:
        used = {*metric.inputs, "every"}
        if "preds_au" in used:
            used |= {"au_successful_only", "au_min_confidence", "au_face_id"}
        if "target" in used and (metric.extractor is None or getattr(metric, "pixelwise", False)):
            used.add("resize")
        if "preds" in used and "target" not in used:
            used |= {"with_target", "target"} if with_target else {"with_target"}
    if isinstance(metric, SetDistance) and metric.target is None:
        used.add("save_statistics")
    if metric.paired and {"target", "target_au"} & set(metric.inputs):
        used.add("align")
    if len(metric.averages) > 1:
        used.add("average")
    if row.extractor_kind != "syncnet" or "s3fd" in made.checkpoints:  # lip sync on whole frames has no face detector
        used |= {"min_track", "min_face_size", "tracks"} & set(known_options(row.key))
    return used - set(own)


def check_used(options: ScoreOptions, used: Collection[str]) -> None:
    """Raise an error if an option is given that bears on no metric.

    Args:
        options: the options of the run.
        used: names of those that bear on a metric.

    Raises:
        InputError: if one does not; all are named.
    """
    unused = [name for name in _PURPOSES if name in options.given and name not in used]
    if "every" in unused and options.every == 1:
        unused.remove("every")
    if unused:
        named = "; ".join(f"{options.spell(name)}: no metric of this run {_PURPOSES[name]}" for name in unused)
        raise InputError(f"{named}. Leave out what changes nothing")


def check_keys(
    name: str,
    values: Mapping[str, str | Path],
    asked: Iterable[str],
    spell: Spelling,
    others: Collection[str] = (),
) -> None:
    """Raise an error if the value that an option gives to a metric is never used.

    Args:
        name: the option.
        values: its values by metric, with the protocol or without.
        asked: the metrics of the run.
        spell: how options are written in messages.
        others: metrics that take no such value.

    Raises:
        InputError: if one is not used.
    """
    asked = tuple(map(catalog.unaligned, asked))
    known = {*asked, *(catalog.find_choice(text).row.key for text in asked)}
    takers = [text for text in asked if text not in others]
    used = {text if text in values else catalog.find_choice(text).row.key for text in takers}
    for key, value in values.items():
        if key not in known:
            raise InputError(f"{spell(name, value, key)}: {key!r} is none of {', '.join(sorted(known))}")
        if key not in used:
            reason = "is given features" if key in others else "has a value of its own for each protocol"
            raise InputError(f"{spell(name, value, key)} changes nothing: {key} {reason}; leave it out")


def check_weights(
    options: ScoreOptions, files: Mapping[str, str | Path], needed: Mapping[str, Collection[str]]
) -> None:
    """Raise an error if a checkpoint is given that no metric needs, or a folder without one that a metric needs.

    Args:
        options: the options of the run.
        files: the files of the options ``weights`` and ``weights_dir`` by name.
        needed: the names of the checkpoints by metric.

    Raises:
        InputError: if so.
    """
    names = sorted(set().union(*needed.values()))
    known = f"they need {', '.join(names)}" if names else "they need no checkpoint"
    for name, file in options.weights.items():
        if name not in names:
            said = options.spell("weights", file, name)
            raise InputError(f"{said}: no metric of this run uses {name!r}; {known}")
    folder = options.weights_dir
    if folder is not None and not files.keys() & set(names):
        said = options.spell("weights_dir", folder)
        raise InputError(f"{said}: no metric of this run uses {', '.join(files)}; {known}")


def check_fps(items: Iterable[Item], spell: Spelling) -> None:
    """Raise an error if no clip consists of pictures.

    Args:
        items: the clips.
        spell: how options are written in messages.

    Raises:
        InputError: if none does.
    """
    paths = [path for item in items for path in (item.preds, item.target) if path is not None]
    if not any(_is_series(path) for path in paths):
        raise InputError(f"{spell('fps')}: no clip of this run is a folder of pictures. Leave out what changes nothing")


def _is_series(path: Path) -> bool:
    from thm_torchmetrics.media.pictures import is_pattern

    return path.is_dir() or is_pattern(path)
