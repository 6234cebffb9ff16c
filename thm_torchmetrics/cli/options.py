"""Define the options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.progress import Progress
    from thm_torchmetrics.weights import Checkpoints


class FiniteRange(click.FloatRange):
    """A range of numbers in which NaN, with which every comparison is false, does not lie, nor infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number.

        Raises:
            click.BadParameter: if it is none, or lies outside the range.
        """
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


device_option = click.option(
    "--device",
    default=None,
    metavar="NAME",
    help="Where to compute, e.g. cuda.  [default: cuda if there is one, else cpu]",
)

_CHECKPOINT_OPTIONS = (
    click.option(
        "--weights",
        multiple=True,
        metavar="NAME=FILE",
        help="Use your own checkpoint, whatever its hash; names as in `thm weights list`; may be repeated.",
    ),
    click.option(
        "--weights-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Use the checkpoints in a folder likewise, by their file names; those of --weights go before them.",
    ),
    click.option("--offline", is_flag=True, help="Download nothing; a metric whose checkpoint is absent is skipped."),
    click.option("--commercial", is_flag=True, help="Refuse checkpoints whose license excludes commercial use."),
)


_LIP_SYNC_OPTIONS = (
    click.option(
        "--min-track",
        type=click.IntRange(min=0),
        default=None,
        metavar="N",
        help="Lip sync: frames with a face that a track must exceed.  [default: 100, which are 4 s]",
    ),
    click.option(
        "--min-face-size",
        type=FiniteRange(min=0),
        default=None,
        metavar="PIXELS",
        help="Lip sync: mean width or height that a track must exceed.  [default: 100]",
    ),
    click.option(
        "--tracks",
        type=click.Choice(["mean", "longest"]),
        default=None,
        help="Lip sync: which of several faces of a clip count.  [default: mean]",
    ),
)


_REPORT_OPTIONS = (
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="Write a report, .json, .csv, .md, .tex or .html, or the options of this run, .toml; of several models "
        "also .wide.csv; may be repeated.",
    ),
    click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json", "csv", "wide-csv", "md", "latex", "toml"]),
        default="table",
        show_default=True,
        help="What to print on standard output.",
    ),
    click.option(
        "--report",
        type=click.Path(path_type=Path),
        metavar="FILE.html",
        help="Write one page with tables and figures, too; it needs the extra `report`.",
    ),
    click.option(
        "--fail-under",
        multiple=True,
        metavar="KEY=VALUE",
        help="Exit with 1 if a metric is worse than VALUE (above it, where lower is better); may be repeated.",
    ),
    click.option(
        "--methods", is_flag=True, help="Print a paragraph on how the numbers were made, and BibTeX, instead."
    ),
)


def checkpoint_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--weights``, ``--weights-dir``, ``--offline`` and ``--commercial`` to a command."""
    return _with_options(command, _CHECKPOINT_OPTIONS)


def lip_sync_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--min-track``, ``--min-face-size`` and ``--tracks`` to a command."""
    return _with_options(command, _LIP_SYNC_OPTIONS)


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--output``, ``--format``, ``--report``, ``--fail-under`` and ``--methods`` to a command."""
    return _with_options(command, _REPORT_OPTIONS)


def _with_options(command: Callable[..., Any], options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    return reduce(lambda decorated, option: option(decorated), reversed(options), command)


def given_checkpoints(given: Mapping[str, Any], progress: Progress) -> Checkpoints:
    """Return the source of checkpoints that these options describe.

    Raises:
        InputError: if ``--weights`` is not of the form NAME=FILE, the name is unknown or the file absent, or if
            ``--weights-dir`` holds no checkpoint.
    """
    from thm_torchmetrics.scoring.resources import find_checkpoints

    files = assignments("--weights", given["weights"], weights.registry())
    return find_checkpoints(files, given["weights_dir"], given["offline"], given["commercial"], progress)


def assignments(option: str, texts: Iterable[str], known: Iterable[str] | None = None) -> dict[str, str]:
    """Return ``KEY=VALUE`` texts as a dict.

    Args:
        option: the option, for messages.
        texts: what was typed.
        known: the keys that there are; default: any key is taken.

    Raises:
        InputError: if one is not of that form, or its key is not known or given twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not value:
            raise InputError(f"{option} takes KEY=VALUE, got {text!r}")
        if known is not None and key not in known:
            raise InputError(f"{option} {text}: {key!r} is none of {', '.join(known)}")
        if key in pairs:
            raise InputError(f"{option} {text}: {key} has {pairs[key]} already; give one value")
        pairs[key] = value
    return pairs
