"""Define the commands ``thm cache info`` and ``thm cache prune``."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thm_torchmetrics.cli.options import FiniteRange
from thm_torchmetrics.cli.wording import in_cli_words
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.cache_folder import StoredFile

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)
_WORDS = {"clips": "measurements of clips", "features": "features of videos", "unfinished": "unfinished files"}


class Size(click.ParamType):  # type: ignore[type-arg]  # which has arguments since click 8.3
    """The type takes a number of bytes, such as ``500M`` or ``20 GB``; the units are powers of 1000."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no size; give a number of bytes, such as 500M or 20GB", param, ctx)
        return math.floor(float(found[1]) * _UNITS[found[2].lower()])


@click.group("cache")
def cache() -> None:
    """Show or prune a folder that `thm score --cache DIR` keeps."""


@cache.command()
@click.argument("folder", type=click.Path(path_type=Path))
def info(folder: Path) -> None:
    """Show what a cache holds: entries, bytes, and when they were last used."""
    from thm_torchmetrics.scoring.cache_folder import stored_files

    try:
        files = list(stored_files(folder))
    except InputError as error:
        raise click.UsageError(in_cli_words(str(error))) from error
    click.echo(_table(files))


@cache.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--older-than", type=FiniteRange(min=0), metavar="DAYS", help="Remove what was not used for DAYS days.")
@click.option(
    "--max-size",
    type=Size(),
    metavar="SIZE",
    help="Then remove what was not used for longest, down to SIZE, e.g. 20GB.",
)
def prune(folder: Path, older_than: float | None, max_size: int | None) -> None:
    """Remove entries of a cache; a later run makes those that it needs again."""
    from thm_torchmetrics.scoring.cache_folder import prune as prune_folder

    if older_than is None and max_size is None:
        raise click.UsageError("give --older-than DAYS or --max-size SIZE")
    try:
        removed = prune_folder(folder, older_than, max_size)
    except InputError as error:
        raise click.UsageError(in_cli_words(str(error))) from error
    except OSError as error:
        raise click.UsageError(
            f"{error.filename or folder} cannot be removed: {error.strerror or error}; remove it yourself"
        ) from error
    click.echo(f"removed {len(removed):,} files, {_bytes(sum(file.size for file in removed))}")


def _table(files: Sequence[StoredFile]) -> str:
    lines = []
    for kind, words in _WORDS.items():
        of_kind = [file for file in files if file.kind == kind]
        if not of_kind and kind == "unfinished":
            continue
        line = f"{words}: {len(of_kind):,}, {_bytes(sum(file.size for file in of_kind))}"
        if of_kind:
            days = [(time.time() - file.used) / 86400 for file in of_kind]
            line += f", last used {min(days):.1f} to {max(days):.1f} days ago"
        lines.append(line)
    return "\n".join(lines)


def _bytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"
