"""Write and print the result of ``thm score``."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.cli.gates import parse_gates
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result

CLOSED_PIPE = 141
"""Exit status where the reader of standard output has gone, as of a process that SIGPIPE ends."""


def check_outputs(paths: Iterable[Path]) -> None:
    """Try before any work whether reports can be written.

    Raises:
        InputError: if a suffix stands for no format, or a folder is absent or cannot be written.
    """
    from thm_torchmetrics import reports

    for path in paths:
        reports.format_of(path)
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}")
        try:
            with tempfile.TemporaryFile(dir=path.resolve().parent):
                pass
        except OSError as error:
            raise InputError(f"{path}: the folder cannot be written: {error.strerror or error}") from error


def _print(result: Result, form: str, failed: list[str]) -> bool:
    """Print the result, and return whether the reader of standard output has gone; other faults are appended."""
    from thm_torchmetrics import reports
    from thm_torchmetrics.reports.table import print_text, show

    try:
        if form == "table":
            show(result)
        else:
            print_text(reports.FORMATS[form](result))
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # what is left in the buffer would fail again when the process ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return True
        failed.append(f"standard output was not written: {error.strerror or error}")
    return False


def finish(result: Result, given: Mapping[str, Any], named: Sequence[str]) -> int:
    """Write and print the result, in this order, and return the exit status.

    Args:
        result: the result.
        given: the options of the command.
        named: the metrics that were asked for by name.

    Raises:
        click.UsageError: if an output could not be written; the others are.
    """
    from thm_torchmetrics import reports

    failed = []
    for path in given["output"]:
        try:
            reports.write(result, path)
        except OSError as error:
            failed.append(f"{path} was not written: {error.strerror or error}")
    closed = _print(result, given["form"], failed)
    if failed:
        raise click.UsageError("; ".join(failed))
    if closed:
        return CLOSED_PIPE
    if not result.scored:
        return 4
    gates = parse_gates(given["fail_under"], result.metrics.keys() | result.skipped.keys())
    if any(gate.failed(result) for gate in gates):
        return 1
    return 3 if result.failed or result.lacking(named) else 0
