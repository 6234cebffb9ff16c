"""Define the command ``thm list``."""

from __future__ import annotations

import json

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import CATALOG, SUITES, Row


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

    table = grid("Key", "", "Metric", "Needs", "Protocols (default first)", "Networks (* no commercial use)")
    for row in CATALOG.values():
        needs, protocols = ", ".join(row.inputs), ", ".join(row.protocols)
        table.add_row(row.key, row.arrow, f"{row.title} ({row.name})", needs, protocols, _networks(row))
    suites = grid("Suite", "Members")
    for name, members in SUITES.items():
        suites.add_row(name, ", ".join(members))
    out = console()
    out.print(table)
    out.print(suites)


def _networks(row: Row) -> str:
    """Return the extractors of a metric, starred if a checkpoint excludes commercial use."""
    known = weights.registry()
    stars = {
        name: any(known[needed].commercial is False for needed in weights.needed_by(row.extractor_kind, name))
        for name in row.extractors
    }
    return ", ".join(f"{name}*" if star else name for name, star in stars.items())
