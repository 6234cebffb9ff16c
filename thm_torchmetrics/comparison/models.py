"""Results of several models: read from files, and checked to be measured alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thm_torchmetrics.catalog import find_choice
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.json_form import read_json
from thm_torchmetrics.scoring.result import SCHEMA, Result

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.clip_sums import ClipSums

_MOST_NAMED = 5
"""The most clips that a message names."""
_NO_MATTER = ("missing",)
"""Options that decide which clips fail, and no number."""


def read_models(files: Sequence[tuple[str, Path]]) -> dict[str, Result]:
    """Return the results in some files by the name of the model, in their order.

    Args:
        files: name and file; without a name, a file of one model has that of the file without its suffix. A file of
            several models, as `thm compare -o all.json` writes it, brings their names.

    Raises:
        InputError: if a file cannot be read or holds no result, or two models have one name.
    """
    models: dict[str, Result] = {}
    for name, path in files:
        plain = read_json(path)
        found = _models_in(plain, path) if isinstance(plain, Mapping) and "models" in plain else None
        if found is not None and name:
            raise InputError(f"{name}={path}: the file holds several models, which have names; give the file alone")
        for model, result in (found or {name or path.stem: Result.from_json(plain, str(path))}).items():
            if model in models:
                raise InputError(f"{path}: there is a model {model!r} already; give another name by NAME={path}")
            models[model] = result
    return models


def read_sums(files: Sequence[tuple[str, Path]], models: Mapping[str, Result]) -> dict[str, dict[str, ClipSums]]:
    """Return what each clip adds to metrics over all frames together, by model and metric, where a file keeps it.

    ``thm score --shard 1/1 -o FILE.json`` keeps it in ``FILE.sums.zip``.

    Args:
        files: name and file of each model, as `read_models` takes them.
        models: their results.

    Raises:
        InputError: if a file of sums is absent, damaged, or of another run than the report.
    """
    from thm_torchmetrics.scoring.clip_sums import read_clip_sums  # not above: `thm doctor` prints without torch, too

    found = {}
    for name, path in files:
        result = models.get(name or path.stem)
        if result is None or "shard" not in result.provenance or "models" in read_json(path):
            continue
        found[name or path.stem] = read_clip_sums(path, result.metrics)
    return found


def to_plain(models: Mapping[str, Result]) -> dict[str, Any]:
    """Return the JSON of several models: schema 1, the result of each by its name."""
    return {"schema": SCHEMA, "models": {name: result.to_json() for name, result in models.items()}}


def check_alike(models: Mapping[str, Result], keys: Sequence[str]) -> None:
    """Raise an error unless all models were measured in the same way.

    Compared are protocol, extractor, every option, checkpoints by their hash, skipped frames, how tables and frame
    rates were read, the version of the metric's numbers, and that of the package up to its second number, which every
    change of a number raises.

    Raises:
        InputError: if a metric was measured in two ways; the message names them all.
    """
    unlike: dict[str, list[str]] = {}
    for key in keys:
        measured = {name: dict(_facts(result, key)) for name, result in models.items() if key in result.metrics}
        names = list(measured)
        for name in names[1:]:
            first, other = measured[names[0]], measured[name]
            apart = [fact for fact in {**first, **other} if first.get(fact) != other.get(fact)]
            for fact in apart:
                told = f"{fact} {first.get(fact, 'none')} of {names[0]}, {other.get(fact, 'none')} of {name}"
                unlike.setdefault(told, []).append(key)
    if unlike:
        lines = "; ".join(f"{', '.join(of)}: {told}" for told, of in unlike.items())
        raise InputError(
            f"the models were not measured alike, so that their numbers cannot be compared: {lines}; score them alike, "
            "or name the metrics to compare by --metrics"
        )


def _facts(result: Result, key: str) -> Iterator[tuple[str, str]]:
    """Yield everything that decides the number of a metric, beside the videos."""
    metric, given = result.metrics[key], result.provenance
    yield "protocol", metric.protocol
    yield "extractor", str(metric.extractor)
    yield "unit", metric.unit
    version = str(given.get("versions", {}).get("thm-torchmetrics", "unknown"))
    yield "thm-torchmetrics", ".".join(version.split(".")[:2])
    yield "version of the numbers", str(given.get("numerics", {}).get(key))
    for name, value in given.get("options", {}).get(key, {}).items():
        if name not in (*_NO_MATTER, "protocol", "extractor"):
            yield f"option {name}", str(value)
    for name, entry in given.get("weights", {}).items():
        if key in entry.get("metrics", ()):
            yield f"checkpoint {name}", str(entry.get("sha256"))[:12]
    for name, value in given.get("features", {}).get(key, {}).items():
        if name not in ("files", "without_provenance"):
            yield f"features' {name}", str(value)
    yield "every", f"{given.get('every', 1)}"
    if _inputs(key) & {"preds_au", "target_au"}:
        for name, value in given.get("action_units", {}).items():
            yield f"tables' {name}", str(value)
    if _inputs(key) & {"target", "target_au"} and not given.get("same_rate", True):
        yield "pairs of unlike frame rates", "by number"
    if given.get("arguments", {}).get("fps") is not None:
        yield "pictures' frame rate", str(given["arguments"]["fps"])


def name_some(clips: Sequence[str]) -> str:
    """Return the number of some clips and the names of the first.

    Example:
        >>> name_some(["a", "b"])
        '2 clips (a, b)'
    """
    named = ", ".join(clips[:_MOST_NAMED]) + (", ..." if len(clips) > _MOST_NAMED else "")
    return f"{len(clips)} clip{'s' if len(clips) != 1 else ''} ({named})"


def _inputs(key: str) -> set[str]:
    try:
        return set(find_choice(key).row.inputs)
    except InputError:  # of another package, which is not installed here
        return set()


def _models_in(plain: Mapping[str, Any], path: Path) -> dict[str, Result]:
    models = plain["models"]
    if plain.get("schema") != SCHEMA or not isinstance(models, Mapping) or not models:
        raise InputError(
            f"{path} holds no models of schema {SCHEMA}; a file as `thm compare -o FILE.json` writes it is needed"
        )
    return {str(name): Result.from_json(each, f"{path}, model {name}") for name, each in models.items()}
