"""Define the command ``thm weights``."""

from __future__ import annotations

import click

from thm_torchmetrics import weights
from thm_torchmetrics.errors import InputError, WeightsError

_NAMES = click.argument("names", nargs=-1)


@click.group("weights")
def checkpoints() -> None:
    """List, fetch and verify the checkpoints of the networks."""


def _select_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names given, or all.

    Raises:
        click.UsageError: if the registry has no such name.
    """
    for name in names:
        if name not in weights.registry():
            raise click.UsageError(f"no checkpoint is called {name!r}; there are {', '.join(weights.registry())}")
    return names or tuple(weights.registry())


@checkpoints.command("list")
def list_weights() -> None:
    """Show every checkpoint with its size, state, verification and license."""
    from thm_torchmetrics.reports.table import console, grid

    table = grid("Name", "File", "MB", "State", "Verified", "Commercial use", "License", right=("MB",))
    table.caption = "Verified: the weights with which the network was compared with the original."
    table.caption_justify = "left"
    words = {True: "yes", False: "no", None: "not settled"}
    for name, entry in weights.registry().items():
        facts = (_megabytes(entry.size), weights.status(name).state, entry.verified_with or "-")
        table.add_row(name, entry.file, *facts, words[entry.commercial], entry.license)
    console().print(table)


def _megabytes(size: int | None) -> str:
    if size is None:
        return "?"
    return f"{size / 1e6:.0f}" if size >= 500_000 else "<1"


@checkpoints.command()
@_NAMES
def fetch(names: tuple[str, ...]) -> None:
    """Download and verify checkpoints by name; all that can be fetched, if none is named."""
    failed = False
    for name in _select_names(names):
        if not names and not weights.registry()[name].fetchable:
            continue
        try:
            _fetch(name)
        except WeightsError as error:
            click.echo(f"{name}: {error}", err=True)
            failed = True
    click.get_current_context().exit(3 if failed else 0)


def _fetch(name: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    click.echo(weights.license_notice(name), err=True)
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        found = weights.obtain(name, progress=lambda done, total: bar.update(task, completed=done, total=total))
    click.echo(f"{name}: {found.path}")


@checkpoints.command()
@_NAMES
def verify(names: tuple[str, ...]) -> None:
    """Hash the checkpoints that are here, all or those named.

    Exit with 3 if one is corrupt, or named and missing.
    """
    failed = False
    for name in _select_names(names):
        status = weights.verify(name)
        if status.state == "missing" and not names:
            continue
        failed |= status.state != "available"
        click.echo(f"{name}: {status.state} {status.found.path if status.found else status.detail}")
    click.get_current_context().exit(3 if failed else 0)


@checkpoints.command()
@click.argument("name", required=False)
def path(name: str | None) -> None:
    """Print where a checkpoint is; without a name, where downloads go."""
    if name is None:
        click.echo(weights.cache_dir())
        return
    try:
        click.echo(weights.locate(name).path)
    except (InputError, WeightsError) as error:
        raise click.ClickException(str(error)) from error
