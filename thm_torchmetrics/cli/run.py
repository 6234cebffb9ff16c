"""Go from the options of ``thm score`` to a result, in the words of the command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thm_torchmetrics.cli.gates import parse_gates
from thm_torchmetrics.cli.options import assignments
from thm_torchmetrics.cli.output import check_apart, check_new_folder, check_outputs, output_paths
from thm_torchmetrics.cli.wording import on_command_line, put_into_cli_words
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.interrupts import StoppedRun
from thm_torchmetrics.scoring.score_options import ScoreOptions

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.dataset import Plan
    from thm_torchmetrics.scoring.result import Result

_BY_KEY = ("extractor", "preds_features", "target_features")
"""The options that hold a value for each metric."""


def run(
    values: Mapping[str, Any], given: Collection[str], arguments: Mapping[str, Any], command: str
) -> tuple[Result | None, tuple[str, ...]]:
    """Score by the options, and return the result and the metrics that were asked for.

    There is no result in a process whose rank is not 0.

    Args:
        values: the options of the command.
        given: the names of those that were typed or stand in a file.
        arguments: the same by key, for the report.
        command: the command as it was typed, for the report.

    Raises:
        InputError: if the options do not fit together, or one of them changes nothing.
        StoppedRun: if a signal stops the run; its result holds the clips that were done.
        MissingExtraError: if several devices are asked for, and Lightning is not installed.
        RankError: if a process on one of several devices died.
    """
    options = options_of(values, given)
    asked = options.asked
    gates = parse_gates(values["fail_under"], asked)
    check_outputs(values, arguments)
    if options.save_statistics is not None:
        check_new_folder(options.save_statistics)
    check_apart(output_paths(values), [options.pairs, *options.folders.values()])

    from thm_torchmetrics.scoring.dataset import plan_run

    stopped: StoppedRun | None = None
    try:
        result = _score(plan_run(options), values["quiet"])
    except StoppedRun as error:
        result, stopped, gates = error.result, error, []  # a part of the clips passes no gate and fails none
    except KeyboardInterrupt as error:
        error.add_note("no report is written")
        raise
    if result is None:
        return None, asked
    result.provenance = {
        **result.provenance,
        "command": command,
        "arguments": arguments,
        "gates": [gate.outcome(result) for gate in gates],
    }
    put_into_cli_words(result)
    if stopped is not None:
        raise stopped
    return result, asked


def _score(plan: Plan, quiet: bool) -> Result | None:
    """Score in this process, or in one for each device."""
    from thm_torchmetrics.cli.progress import rank_log, shown
    from thm_torchmetrics.scoring.devices import launched_devices, score_on_devices
    from thm_torchmetrics.scoring.score import run_plan

    options = plan.options
    devices = options.devices or launched_devices(options.num_nodes)
    if devices is None:
        with shown(quiet) as progress:
            return run_plan(plan, progress)
    return score_on_devices(replace(plan, options=replace(options, devices=devices)), partial(rank_log, quiet))


def options_of(values: Mapping[str, Any], given: Collection[str]) -> ScoreOptions:
    """Return the options of the command as those of a run.

    Raises:
        InputError: if a text is not of its form.
    """
    from thm_torchmetrics import reports, weights

    plain = {field.name: values[field.name] for field in fields(ScoreOptions) if field.name in values}
    page = any(reports.format_of(path) == "html" for path in output_paths(values))
    plain |= {"per_frame": values["per_frame"] or page, "pictures": page}
    plain |= {name: assignments(on_command_line(name), values[name]) for name in _BY_KEY}
    plain |= {
        "option": [_option(text) for text in values["option"]],
        "weights": assignments("--weights", values["weights"], weights.registry()),
        "sums": None if values["shard"] is None else _sums_file(values["output"]),
    }
    return ScoreOptions(**plain, given=frozenset(given), spell=on_command_line)


def _sums_file(outputs: Sequence[Path]) -> Path:
    """Return the file for the sums of a shard, beside its JSON report.

    Raises:
        InputError: if there is no such report.
    """
    from thm_torchmetrics.scoring.shards import SUMS_SUFFIX

    report = next((path for path in outputs if path.suffix.lower() == ".json"), None)
    if report is None:
        raise InputError("--shard needs -o PART.json, a report that `thm merge` reads; the sums are written beside it")
    return report.with_suffix(SUMS_SUFFIX)


def _option(text: str) -> tuple[str, str, str]:
    """Return metric, name and value of a text ``KEY.NAME=VALUE``."""
    place, sign, value = text.partition("=")
    key, dot, name = place.partition(".")
    if not (key and dot and name and sign and value):
        raise InputError(f"--option takes KEY.NAME=VALUE, such as csim.reference=image, got {text!r}")
    return key.strip(), name.strip().replace("-", "_"), value.strip()
