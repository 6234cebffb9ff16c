"""Define the command ``thm list``."""

from __future__ import annotations

import json
from typing import Any

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import BROKEN, CATALOG, SUITES, Row

_WIDE = 150
"""Columns of a terminal on which the metrics are one table instead of three."""


@click.command("list")
@click.option("--here", is_flag=True, help="Say of each metric whether it runs on this machine; takes some seconds.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
def list_metrics(here: bool, form: str) -> None:
    """List every metric with its direction, inputs and protocols, and every suite.

    `thm info KEY` explains a metric and names the checkpoints that it needs.
    """
    runs: dict[str, Any] = {}
    if here:
        from thm_torchmetrics.cli.machine import machine_facts

        runs = machine_facts()["metrics"]
    if form == "json":
        rows = {row.key: _facts(row) | ({"here": runs[row.key]} if here else {}) for row in CATALOG.values()}
        click.echo(json.dumps({"metrics": rows, "suites": SUITES}, indent=2, ensure_ascii=False))
        return
    from thm_torchmetrics.reports.table import console, grid

    out = console()
    heads = ("Key", "", "Metric", "Needs", "Class", "Protocols (default first)", "Networks (* no commercial use)")
    narrow = [(*heads[:4],), (heads[0], *heads[4:6]), (heads[0], heads[6])]
    for shown in [heads] if out.width >= _WIDE else narrow:
        table = grid(*shown, *(("Runs here",) if here and heads[6] in shown else ()))
        for row in CATALOG.values():
            needs, protocols = ", ".join(row.inputs), ", ".join(row.protocols)
            cells = (row.key, row.arrow, row.title, needs, row.name, protocols, _networks(row))
            told = (runs[row.key]["runs"],) if here and heads[6] in shown else ()
            table.add_row(*(cell for head, cell in zip(heads, cells, strict=True) if head in shown), *told)
        for column in table.columns:
            column.no_wrap = column.header in ("Key", "Class")
        out.print(table)
    suites = grid("Suite", "Members")
    for name, members in SUITES.items():
        suites.add_row(name, ", ".join(members))
    suites.columns[0].no_wrap = True
    out.print(suites)
    for name, fault in BROKEN.items():
        click.echo(f"not listed: {name}, because of {fault}", err=True)


def _facts(row: Row) -> dict[str, Any]:
    """Return a row as JSON holds it; direction and unit are those of the default protocol."""
    return {
        "class": row.name,
        "title": row.title,
        "higher_is_better": row.higher_is_better,
        "unit": row.unit,
        "inputs": row.inputs,
        "protocols": row.protocols,
        "extractors": row.extractors,
        "by_protocol": {
            name: {
                "higher_is_better": row.scale_of(name).higher_is_better,
                "unit": row.scale_of(name).unit,
                "source": row.protocol(name).source,
            }
            for name in row.protocols
        },
    }


def _networks(row: Row) -> str:
    """Return the extractors of a metric, starred if a checkpoint excludes commercial use."""
    known = weights.registry()
    stars = {
        name: any(known[needed].commercial is False for needed in weights.needed_by(row.extractor_kind, name))
        for name in row.extractors
    }
    return ", ".join(f"{name}*" if star else name for name, star in stars.items())
