"""Define the command ``thm weights``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.cli.fetch import NAMES, fetch, megabytes, select_names
from thm_torchmetrics.errors import InputError, WeightsError
from thm_torchmetrics.scoring.sketch import checkpoints_needed

if TYPE_CHECKING:
    from thm_torchmetrics.weights import Status, WeightEntry

_WIDE = 150
"""Columns of a terminal on which the checkpoints are one table instead of three."""
_COMMERCIAL = {True: "yes", False: "no", None: "not settled"}


@click.group("weights")
def checkpoints() -> None:
    """List, fetch and verify the checkpoints of the networks."""


checkpoints.add_command(fetch)


@checkpoints.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
def list_weights(form: str) -> None:
    """Show every checkpoint with its size, state, verification and license, and where it lies.

    State: available, the published bytes; custom, a file that no published hash verifies; missing; or corrupt, with the
    reason below.

    The JSON has the whole SHA256, all addresses, and the metrics that need each checkpoint by default.
    """
    if form == "json":
        click.echo(json.dumps(_facts(), indent=2, ensure_ascii=False))
        return
    from thm_torchmetrics.reports.table import console, grid

    heads = ("Name", "File", "MB", "State", "Verified", "Commercial use", "License", "Place")
    narrow = [("Name", "File", "State"), ("Name", "MB", "Verified", "Commercial use", "Place"), ("Name", "License")]
    found = {name: weights.status(name) for name in weights.registry()}
    folders = [str(folder) for folder in (*weights.places(), *weights.other_caches())]
    out = console()
    for shown in [heads] if out.width >= _WIDE else narrow:
        table = grid(*shown, right=("MB",))
        for name, entry in weights.registry().items():
            state = (_state(found[name]), entry.verified_with or "-", _COMMERCIAL[entry.commercial])
            cells = (name, entry.file, megabytes(entry.size), *state, entry.license, _place(found[name], folders))
            table.add_row(*(cell for head, cell in zip(heads, cells, strict=True) if head in shown))
        for column in table.columns:
            column.no_wrap = column.header != "License"
        out.print(table)
    for status in found.values():
        if status.state == "corrupt":
            out.print(f"{status.name} is corrupt: {status.detail}", soft_wrap=True)
    out.print("Verified: the weights with which the network was compared with the original.")
    out.print("Places:")
    for number, folder in enumerate(folders, 1):
        out.print(f"  {number}  {folder}", soft_wrap=True)


def _state(status: Status) -> str:
    """Return the state in one word; a file that no published hash verifies is not called available."""
    return "custom" if status.found is not None and status.found.custom else status.state


def _place(status: Status, folders: list[str]) -> str:
    """Return the number of the folder in which a checkpoint lies."""
    if status.found is None:
        return "-"
    above = {str(folder) for folder in status.found.path.parents}
    return next((str(number) for number, folder in enumerate(folders, 1) if folder in above), "package")


def _facts() -> dict[str, dict[str, Any]]:
    """Return the facts of every checkpoint, ready for ``json.dump``."""
    users: dict[str, list[str]] = {name: [] for name in weights.registry()}
    for row in CATALOG.values():
        for protocol in row.protocols:
            text = row.key if protocol == row.protocols[0] else f"{row.key}:{protocol}"
            for name in sorted(checkpoints_needed(text)):
                users.setdefault(name, []).append(text)
    return {name: _facts_of(entry, users[name]) for name, entry in weights.registry().items()}


def _facts_of(entry: WeightEntry, metrics: list[str]) -> dict[str, Any]:
    status = weights.status(entry.name)
    return {
        "file": entry.file,
        "size": entry.size,
        "sha256": entry.sha256,
        "urls": entry.addresses,
        "page": entry.page,
        "license": entry.license,
        "commercial": entry.commercial,
        "state": _state(status),
        "path": None if status.found is None else str(status.found.path),
        "detail": status.detail or None,
        "verified_with": entry.verified_with,
        "metrics": metrics,
        "extractors": [{"kind": kind, "name": name} for kind, name in entry.used_by],
    }


@checkpoints.command()
@NAMES
def verify(names: tuple[str, ...]) -> None:
    """Hash the checkpoints that are here, all or those named.

    Exit with 3 if one is corrupt, or named and missing.
    """
    failed = False
    for name in select_names(names):
        status = weights.verify(name)
        if status.state == "missing" and not names:
            continue
        failed |= status.found is None
        if status.found is not None:
            click.echo(f"{name}: {_state(status)} {status.found.path}")
        else:
            click.echo(f"{name}: corrupt; {status.detail}" if status.state == "corrupt" else status.detail)
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
