"""Define the command ``thm list``."""

from __future__ import annotations

import json

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import CATALOG, SUITES, Row

_WIDE = 150
"""Columns of a terminal on which the metrics are one table instead of three."""


@click.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
def list_metrics(form: str) -> None:
    """List every metric with its direction, inputs and protocols, and every suite."""
    if form == "json":
        rows = {
            row.key: {
                "class": row.name,
                "title": row.title,
                "higher_is_better": row.higher_is_better,
                "unit": row.unit,
                "inputs": row.inputs,
                "protocols": row.protocols,
                "extractors": row.extractors,
            }
            for row in CATALOG.values()
        }
        click.echo(json.dumps({"metrics": rows, "suites": SUITES}, indent=2, ensure_ascii=False))
        return
    from thm_torchmetrics.reports.table import console, grid

    out = console()
    heads = ("Key", "", "Metric", "Needs", "Class", "Protocols (default first)", "Networks (* no commercial use)")
    narrow = [(*heads[:4],), (heads[0], *heads[4:6]), (heads[0], heads[6])]
    for shown in [heads] if out.width >= _WIDE else narrow:
        table = grid(*shown)
        for row in CATALOG.values():
            needs, protocols = ", ".join(row.inputs), ", ".join(row.protocols)
            cells = (row.key, row.arrow, row.title, needs, row.name, protocols, _networks(row))
            table.add_row(*(cell for head, cell in zip(heads, cells, strict=True) if head in shown))
        for column in table.columns:
            column.no_wrap = column.header in ("Key", "Class")
        out.print(table)
    suites = grid("Suite", "Members")
    for name, members in SUITES.items():
        suites.add_row(name, ", ".join(members))
    out.print(suites)


def _networks(row: Row) -> str:
    """Return the extractors of a metric, starred if a checkpoint excludes commercial use."""
    known = weights.registry()
    stars = {
        name: any(known[needed].commercial is False for needed in weights.needed_by(row.extractor_kind, name))
        for name in row.extractors
    }
    return ", ".join(f"{name}*" if star else name for name, star in stars.items())
