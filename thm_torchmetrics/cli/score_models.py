"""Score several models by one command, ``thm score --preds ours=DIR --preds base=DIR``, and compare them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.cli.gates import parse_gates
from thm_torchmetrics.cli.output import (
    check_apart,
    check_folders,
    check_page,
    check_report,
    finish_comparison,
    output_paths,
)
from thm_torchmetrics.cli.run import options_of, run
from thm_torchmetrics.errors import InputError, ThmError
from thm_torchmetrics.scoring.interrupts import StoppedRun

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result

_OF_ONE_MODEL = ("preds_au", "pairs", "preds_features", "shard", "devices", "num_nodes")
"""Options that name files of one model, or a part of its result, or the processes that score it."""


def names_models(texts: Sequence[str]) -> bool:
    """Return whether ``--preds`` gives several models, or one by name."""
    return len(texts) > 1 or any(_split(text)[0] for text in texts)


def models_named(texts: Sequence[str]) -> dict[str, Path]:
    """Return the folder of each model by its name.

    Args:
        texts: ``NAME=DIR``, or ``DIR``, whose last part is then the name.

    Raises:
        InputError: if two models have one name, or a folder does not exist.
    """
    from thm_torchmetrics.media.pictures import is_pattern

    models: dict[str, Path] = {}
    for text in texts:
        name, path = _split(text)
        name = name or path.resolve().name
        if name in models:
            raise InputError(f"--preds {text}: there is a model {name!r} already; give another name by NAME={path}")
        if not path.exists() and not is_pattern(path):
            raise InputError(f"--preds {text}: {path} does not exist; give a folder of videos")
        models[name] = path
    return models


def _split(text: str) -> tuple[str, Path]:
    """Return name and place; the name is empty if there is none."""
    name, sign, place = text.partition("=")
    is_named = sign and name and place and not Path(text).exists()
    return (name, Path(place)) if is_named else ("", Path(text))


def score_models(
    models: Mapping[str, Path],
    values: Mapping[str, Any],
    given: Collection[str],
    arguments: Mapping[str, Any],
    command: str,
) -> int:
    """Score each model, compare them on the clips that all have, write and print, and return the exit status.

    A model that fails is named, and the others are compared.

    Args:
        models: the folders by the names of the models.
        values: the options of the command.
        given: the names of those that were typed or stand in a file.
        arguments: the same by key, for the reports.
        command: the command as it was typed, for the reports.

    Raises:
        InputError: if the options do not fit together, or no model could be scored.
        click.UsageError: if an output could not be written; the others are.
    """
    from thm_torchmetrics import reports
    from thm_torchmetrics.comparison.compare import compare_models
    from thm_torchmetrics.comparison.models import read_sums
    from thm_torchmetrics.scoring.dataset import plan_run
    from thm_torchmetrics.scoring.devices import launched_devices
    from thm_torchmetrics.scoring.shards import SUMS_SUFFIX

    if launched_devices(num_nodes=1) is not None:
        raise InputError("torchrun starts processes for one model; score each model apart, and use `thm compare`")
    for name in _OF_ONE_MODEL:
        if name in given:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} is of one model; score the models apart, and use `thm compare`")
    check_report(values)
    paths = output_paths(values)
    page = next((path for path in paths if reports.comparison_format_of(path) == "html"), None)
    if values["form"] not in ("table", *reports.COMPARISON_FORMATS):
        raise InputError(
            f"--format {values['form']} is of one model; there are {', '.join(reports.COMPARISON_FORMATS)}"
        )
    if page is not None:
        check_page()
    check_folders(paths)
    results: dict[str, Result] = {}
    failed: dict[str, ThmError] = {}
    asked: tuple[str, ...] = ()
    with TemporaryDirectory() as folder:
        files = {name: Path(folder, f"{number}.json") for number, name in enumerate(models)}
        alone = {**values, "form": "table", "report": page, "shard": "1/1"}  # one part, whose sums are kept
        by_model = {name: {**alone, "preds": path, "output": (files[name],)} for name, path in models.items()}
        for each in by_model.values():
            options = options_of(each, given)
            check_apart(paths, options.folders.values())
            parse_gates(values["fail_under"], options.asked)
            plan_run(options)
        for name, each in by_model.items():
            if not values["quiet"]:
                click.echo(f"model {name}", err=True)
            try:
                result, asked = run(each, given, {**arguments, "preds": str(each["preds"])}, command)
                assert result is not None  # noqa: S101  (this is the only process)
                _keep(result, files[name])
                results[name] = result
            except StoppedRun as stopped:
                stopped.add_note("no comparison is written")
                raise
            except ThmError as error:
                failed[name] = error
                click.echo(f"model {name} failed: {error}", err=True)
        if not results:
            raise InputError("; ".join(f"{name}: {error}" for name, error in failed.items()))
        readable = [name for name in results if files[name].exists() and files[name].with_suffix(SUMS_SUFFIX).exists()]
        sums = read_sums([(name, files[name]) for name in readable], results)
    for result in results.values():  # without the names of files that are gone
        result.provenance = {name: value for name, value in result.provenance.items() if name != "shard"}
    comparison = compare_models(results, common=True, sums=sums)
    lost = [f"{name} could not be scored: {error}" for name, error in failed.items()]
    comparison = replace(comparison, left_out=[*lost, *comparison.left_out])
    closed = finish_comparison(comparison, values)
    named = asked if values["metrics"] else ()
    return closed or _status(results, values, bool(failed), named)


def _keep(result: Result, path: Path) -> None:
    """Save a result for the comparison; without it, metrics over all frames together have no interval."""
    try:
        result.save(path)
    except OSError as error:
        result.unwritten.append(f"{path} was not written: {error.strerror or error}")


def _status(results: Mapping[str, Result], values: Mapping[str, Any], failed: bool, named: Sequence[str]) -> int:
    """Return the exit status, after telling which models fail which gate."""
    known = {key for result in results.values() for key in (*result.metrics, *result.skipped)}
    gates = parse_gates(values["fail_under"], known)
    faults = [f"{name}: {fault}" for name, result in results.items() for gate in gates if (fault := gate.fault(result))]
    with suppress(OSError):  # a standard error that fails does not hide the status
        for fault in faults:
            click.echo(fault, err=True)
    if not any(result.scored for result in results.values()):
        return 4
    if faults:
        return 1
    return 3 if failed or any(result.failed or result.lacking(named) for result in results.values()) else 0
