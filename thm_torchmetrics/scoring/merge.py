"""Merge the reports of all shards of a dataset to the report of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from thm_torchmetrics.collection import TalkingHeadMetrics, make_metric
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome
from thm_torchmetrics.scoring.json_form import typed
from thm_torchmetrics.scoring.metric_options import options_by_metric
from thm_torchmetrics.scoring.outcome_file import OutcomeReader
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.run import DatasetRun
from thm_torchmetrics.scoring.shards import Recipe, ShardFacts
from thm_torchmetrics.scoring.sketch import sketch


class Part(NamedTuple):
    """A part is the report of one shard.

    Attributes:
        path: its file.
        result: its content.
        facts: what it says of the shard.
    """

    path: Path
    result: Result
    facts: ShardFacts

    @property
    def name(self) -> str:
        """Return file and shard for messages."""
        return f"{self.path} (shard {self.facts.index}/{self.facts.count})"


def merge(paths: Sequence[Path | str]) -> Result:
    """Merge the results of all shards, as ``thm merge`` does.

    Each file was written by ``thm score --shard I/N -o FILE.json``; the sums lie beside it in ``FILE.sums.zip``. The
    sums are added in the order of the clips, so the values are those of one run over the whole dataset, to the last
    bit, sets of features (FID) included.

    Args:
        paths: the JSON files of all shards, in any order.

    Returns:
        The result of the whole dataset.

    Raises:
        InputError: if a shard is missing or given twice, was stopped, or is of another run: other options, data,
            versions or checkpoints; the message names the file and the difference.

    Example:
        >>> import thm_torchmetrics
        >>> whole = thm_torchmetrics.merge(["part1.json", "part2.json"])  # doctest: +SKIP
    """
    if isinstance(paths, str | Path):
        raise InputError(f"merge takes a list of files, got {str(paths)!r} alone; give those of all shards")
    parts = read_parts([Path(path) for path in paths])
    first, recipe = parts[0], parts[0].facts.recipe
    provenance = first.result.provenance
    run = DatasetRun(
        TalkingHeadMetrics(metrics_of(recipe, first.path)),
        every=recipe.every,
        action_units=recipe.action_units,
        with_target=recipe.with_target,
        same_rate=recipe.same_rate,
    )
    with ExitStack() as files:
        readers = [open_sums(part, files) for part in parts]
        result = run.result(_in_order(parts, readers), first.result.skipped)
    of_one = {"command", "duration_s", "gates", "platform", "device", "shard"}
    result.provenance = {
        **{name: value for name, value in provenance.items() if name not in of_one},
        **{name: result.provenance[name] for name in ("created", "media", "features", "deviations")},
        "arguments": {
            name: value
            for name, value in provenance.get("arguments", {}).items()
            if name not in ("shard", "output", "format")
        },
        "shards": [
            {"file": part.path.name, "clips": len(part.facts.numbers)}
            | {name: part.result.provenance.get(name) for name in ("created", "platform", "device", "duration_s")}
            for part in parts
        ],
    }
    result.notes[:0] = first.facts.notes
    devices = sorted({str(part.result.provenance.get("device")) for part in parts})
    if len(devices) > 1:
        result.notes.append(f"the shards were computed on different devices: {', '.join(devices)}")
    return result


def read_parts(paths: Sequence[Path]) -> list[Part]:
    """Return the parts in the order of their shards, after checking that they are all of one run.

    Raises:
        InputError: if they are not.
    """
    if not paths:
        raise InputError("nothing to merge: give the JSON files of all shards")
    parts = [read_part(path) for path in paths]
    first = parts[0]
    for part in parts[1:]:
        if difference := _difference("", _must_agree(first), _must_agree(part)):
            raise InputError(
                f"{part.name} is of another run than {first.name}: {difference}; merge shards of one run, scored alike"
            )
    by_index: dict[int, Part] = {}
    for part in parts:
        if (twin := by_index.setdefault(part.facts.index, part)) is not part:
            raise InputError(f"{part.name} is given twice: {twin.path} is the same shard; leave one out")
    missing = [str(index) for index in range(1, first.facts.count + 1) if index not in by_index]
    if missing:
        raise InputError(
            f"of {first.facts.count} shards {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; give "
            "the files of all"
        )
    numbers = sorted(number for part in parts for number in part.facts.numbers)
    if numbers != list(range(first.facts.clips)):
        raise InputError(f"the shards do not hold each of the {first.facts.clips} clips once; score them again")
    return [by_index[index] for index in sorted(by_index)]


def read_part(path: Path) -> Part:
    """Return the report of a shard.

    Raises:
        InputError: if the file holds none, or was stopped before its end.
    """
    result = Result.load(path)
    if "shard" not in result.provenance:
        raise InputError(f"{path} is no shard; only what `thm score --shard I/N -o FILE.json` wrote can be merged")
    facts = typed(result.provenance["shard"], ShardFacts, f"{path}: shard")
    if len(result.clips) != len(facts.numbers):
        raise InputError(
            f"{path} holds {len(result.clips)} of the {len(facts.numbers)} clips of shard {facts.index}/{facts.count}: "
            "it was stopped; run it again to its end"
        )
    return Part(path, result, facts)


def _difference(what: str, ours: Any, theirs: Any) -> str:
    """Return the first thing in which two parts differ, with both values; empty if there is none."""
    if ours == theirs:
        return ""
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return f"{what.strip()} is {theirs} and not {ours}"
    names = dict.fromkeys([*ours, *theirs])
    return next(filter(None, (_difference(f"{what} {name}", ours.get(name), theirs.get(name)) for name in names)))


def _must_agree(part: Part) -> dict[str, Any]:
    facts, provenance = part.facts, part.result.provenance
    versions = {name: version for name, version in provenance.get("versions", {}).items() if name != "python"}
    hashes = {name: entry.get("sha256") for name, entry in provenance.get("weights", {}).items()}
    return {
        "the version of": versions,
        "the number of shards": facts.count,
        "the checkpoint": hashes,
        "a skipped metric": dict(part.result.skipped),
        "the run's": asdict(facts.recipe),
        "the option": provenance.get("options", {}),
        "the data": facts.data,
    }


def metrics_of(recipe: Recipe, path: Path) -> dict[str, TalkingHeadMetric]:
    """Return the metrics of a run, without their networks.

    Args:
        recipe: how they are made.
        path: the report of the run, for messages.

    Raises:
        InputError: if a package that a metric needs is not installed.
    """
    own_options = options_by_metric(recipe.asked, ((key, name, value) for key, name, value in recipe.own_options))
    metrics = {}
    for text in recipe.asked:
        options = {**recipe.options, **own_options[text]}
        if text in recipe.widths:
            width = recipe.widths[text]
            given = {"extractor": None} if width is None else {"extractor": None, "num_features": width}
            metrics[text] = make_metric(text, {**options, **given})
        else:
            made = sketch(text, own=options)
            if made.metric is None:
                raise InputError(f"{path}: {text} cannot be made here: {made.lack}")
            metrics[text] = made.metric
    return metrics


def open_sums(part: Part, files: ExitStack) -> OutcomeReader:
    """Open the sums of a part.

    Raises:
        InputError: if they are absent, damaged, or of another run than the report.
    """
    path = part.path.with_name(part.facts.sums)
    try:
        reader = OutcomeReader(files.enter_context(path.open("rb")), path)
    except OSError as error:
        raise InputError(
            f"{path}, the sums of {part.path}, cannot be read: {error.strerror or error}; keep both files of a run "
            "together"
        ) from error
    if reader.run != part.facts.run:
        raise InputError(f"{path} holds the sums of another run than {part.path}; keep both files of a run together")
    return reader


def _in_order(parts: Sequence[Part], readers: Sequence[OutcomeReader]) -> Iterator[ClipOutcome]:
    """Yield the outcomes of all clips in the order of the dataset."""
    places = {number: reader for part, reader in zip(parts, readers, strict=True) for number in part.facts.numbers}
    for number in sorted(places):
        yield places[number][number]
