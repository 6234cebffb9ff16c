"""``thm list``."""

from __future__ import annotations

import json

import click

from thm_torchmetrics.catalog import CATALOG, SUITES


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

    table = grid("Key", "", "Metric", "Class", "Needs", "Protocols (default first)")
    for row in CATALOG.values():
        table.add_row(row.key, row.arrow, row.title, row.name, ", ".join(row.inputs), ", ".join(row.protocols))
    suites = grid("Suite", "Members")
    for name, members in SUITES.items():
        suites.add_row(name, ", ".join(members))
    out = console()
    out.print(table)
    out.print(suites)
