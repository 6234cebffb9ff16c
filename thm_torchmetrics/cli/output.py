"""Write and print the result of ``thm score``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics.cli.gates import parse_gates
from thm_torchmetrics.cli.standard_output import CLOSED_PIPE, not_written, silence
from thm_torchmetrics.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from thm_torchmetrics.comparison.comparison import Comparison
    from thm_torchmetrics.scoring.interrupts import StoppedRun
    from thm_torchmetrics.scoring.result import Result


def check_outputs(values: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Try before any work whether reports can be written.

    Args:
        values: the options of the command.
        arguments: those that were given, by key.

    Raises:
        InputError: if a suffix stands for no format, a folder is absent or cannot be written, or a format cannot hold
            the options.
    """
    from thm_torchmetrics import reports
    from thm_torchmetrics.reports.run_file import check_storable

    paths = output_paths(values)
    forms = {values["form"], *map(reports.format_of, paths)}
    if values["form"] not in ("table", *reports.FORMATS):
        raise InputError(f"--format {values['form']} is of several models; give more than one --preds")
    check_report(values)
    if "toml" in forms:
        check_storable(arguments)
    if "html" in forms:
        check_page()
    check_folders(paths)


def check_page() -> None:
    """Try whether the packages of the HTML report are there.

    Raises:
        InputError: if one is absent.
    """
    from thm_torchmetrics.reports.html import check_html

    try:
        check_html()
    except MissingExtraError as error:
        raise InputError(str(error)) from error


def check_folders(paths: Iterable[Path]) -> None:
    """Try whether files can be written beside some paths.

    Raises:
        InputError: if a folder is absent or cannot be written.
    """
    for path in paths:
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}; make it, or name another")
        if fault := writing_fault(path.resolve().parent):
            raise InputError(f"{path}: the folder cannot be written: {fault}; name another")


def check_new_folder(path: Path) -> None:
    """Try whether files can be written in a folder, which is made later if it is absent.

    Raises:
        InputError: if they cannot.
    """
    there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    if fault := writing_fault(there):
        raise InputError(f"{path}: nothing can be written in {there}: {fault}; name another folder")


def check_apart(outputs: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Refuse to write a report over a file that the command reads.

    Raises:
        InputError: if an output is an input.
    """
    read = {path.resolve() for path in inputs if path is not None}
    for path in outputs:
        if path.resolve() in read:
            raise InputError(f"-o {path} would replace a file that is read; give another name")


def output_paths(values: Mapping[str, Any]) -> list[Path]:
    """Return the files to write."""
    report = values.get("report")
    return [*values["output"], *([report] if report else [])]


def check_report(values: Mapping[str, Any]) -> None:
    """Check the name of the page.

    Raises:
        InputError: if its suffix stands for something else.
    """
    if values["report"] and values["report"].suffix.lower() != ".html":
        raise InputError(f"--report {values['report']}: it writes a page, and the name must end in .html")


def writing_fault(folder: Path) -> str:
    """Return why no file can be written in a folder; empty if one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _print(show: Callable[[], None], failed: list[str]) -> bool:
    """Print a report, and return whether the reader of standard output has gone; other faults are appended."""
    try:
        show()
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        silence()
        if isinstance(error, BrokenPipeError):
            return True
        failed.append(not_written(error))
    return False


def _write(write: Callable[[Path], None], paths: Iterable[Path]) -> list[str]:
    """Write all reports, and return why some were not written."""
    from thm_torchmetrics.scoring.reasons import reason_of

    failed = []
    for path in paths:
        try:
            write(path)
        except OSError as error:
            failed.append(f"{path} was not written: {error.strerror or error}")
        except Exception as error:  # of one format, which does not cost the others
            failed.append(f"{path} was not written: {reason_of(error)}")
    return failed


def finish(result: Result, values: Mapping[str, Any], named: Sequence[str]) -> int:
    """Write and print the result, in this order, then the gates that failed, and return the exit status.

    Args:
        result: the result.
        values: the options of the command.
        named: the metrics that were asked for by name.

    Raises:
        click.UsageError: if an output could not be written; the others are.
    """
    from thm_torchmetrics import reports
    from thm_torchmetrics.reports.table import print_text, show

    plain = result if values.get("per_frame", True) else result.without_frames()

    def write(path: Path) -> None:
        reports.write(result if reports.format_of(path) == "html" else plain, path)

    def show_result() -> None:
        if values["methods"]:
            print_text(reports.methods_of({"": plain}))
        elif values["form"] == "table":
            show(plain)
        else:
            print_text(reports.FORMATS[values["form"]](plain))

    failed = [*result.unwritten, *_write(write, output_paths(values))]
    closed = _print(show_result, failed)
    gates = parse_gates(values["fail_under"], result.metrics.keys() | result.skipped.keys())
    faults = [fault for gate in gates if (fault := gate.fault(result))]
    with suppress(OSError):  # a standard error that fails does not hide the status
        for fault in faults:
            click.echo(fault, err=True)
    if failed:
        raise click.UsageError("; ".join(failed))
    if closed:
        return CLOSED_PIPE
    if not result.scored:
        return 4
    if faults:
        return 1
    return 3 if result.failed or result.lacking(named) else 0


def finish_stopped(stopped: StoppedRun, values: Mapping[str, Any]) -> None:
    """Write and print what a run had done when a signal stopped it, and let the error say so.

    Args:
        stopped: the error.
        values: the options of the command.
    """
    clips = len(stopped.result.clips)
    try:
        finish(stopped.result, {**values, "fail_under": ()}, ())
    except click.UsageError as error:
        stopped.add_note(error.message)
    else:
        stopped.add_note(f"the report holds the {'clip' if clips == 1 else f'{clips} clips'} before it")


def finish_comparison(comparison: Comparison, values: Mapping[str, Any]) -> int:
    """Write and print a comparison, in this order, and return 0, or 141 if the reader of standard output has gone.

    Args:
        comparison: the comparison.
        values: the options of the command.

    Raises:
        click.UsageError: if an output could not be written; the others are.
    """
    from thm_torchmetrics import reports
    from thm_torchmetrics.reports.comparison_table import show_comparison
    from thm_torchmetrics.reports.table import print_text

    def show() -> None:
        if values["methods"]:
            print_text(reports.methods_of(comparison.models, comparison))
        elif values["form"] == "table":
            show_comparison(comparison)
        else:
            print_text(reports.COMPARISON_FORMATS[values["form"]](plain))

    plain = comparison
    if not values.get("per_frame", True):
        models = {name: result.without_frames() for name, result in comparison.models.items()}
        plain = replace(comparison, models=models)

    def write(path: Path) -> None:
        whole = reports.comparison_format_of(path) == "html"
        reports.write_comparison(comparison if whole else plain, path)

    unwritten = dict.fromkeys(fault for result in comparison.models.values() for fault in result.unwritten)
    return deliver(write, output_paths(values), show, unwritten)


def deliver(
    write: Callable[[Path], None], paths: Iterable[Path], show: Callable[[], None], unwritten: Iterable[str] = ()
) -> int:
    """Write reports, then print, and return 0, or 141 if the reader of standard output has gone.

    Args:
        write: writes the report of a path.
        paths: the files.
        show: prints.
        unwritten: other files that were not written before, with the reasons.

    Raises:
        click.UsageError: if an output could not be written; the others are.
    """
    failed = [*unwritten, *_write(write, paths)]
    closed = _print(show, failed)
    if failed:
        raise click.UsageError("; ".join(failed))
    return CLOSED_PIPE if closed else 0
