"""Define the command ``thm doctor``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
def doctor(form: str) -> None:
    """Show versions, devices, folders, and which metric runs here and why another does not."""
    from thm_torchmetrics.cli.machine import machine_facts

    facts = machine_facts()
    if form == "json":
        click.echo(json.dumps(facts, indent=2))
        return
    from thm_torchmetrics.reports.table import console, grid

    out = console()
    for title, lines in _sections(facts).items():
        out.print(title, style="bold")
        width = max(map(len, lines)) + 2
        for name, text in lines.items():
            out.print(f"  {name:<{width}}{text}", soft_wrap=True)
        out.print()
    table = grid("Metric", "Runs here", "Missing")
    for key, here in facts["metrics"].items():
        instead = f"runs with {here['instead']}" if here["instead"] else ""
        table.add_row(key, here["runs"], "; ".join(filter(None, (here["lacks"], instead))))
    for column in table.columns[:2]:
        column.no_wrap = True
    out.print(table)


def _sections(facts: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the sections of the page, by title; each has lines by name."""
    python, folders = facts["python"], facts["folders"]
    extras = {
        f"[{extra}]": ", ".join(f"{name} {version}" for name, version in packages.items())
        if all(packages.values())
        else f"not installed: pip install 'thm-torchmetrics[{extra}]'"
        for extra, packages in facts["extras"].items()
    }
    settings = facts["settings"]
    return {
        "Python": {"version": python["version"], "program": python["program"], "platform": python["platform"]},
        "Packages": {name: version or "not installed" for name, version in facts["packages"].items()},
        "Extras": extras,
        "FFmpeg": dict(facts["ffmpeg"]),
        "Devices": dict(facts["devices"]),
        "Folders of checkpoints": {"downloads": folders["downloads"]}
        | {f"searched {i}": place for i, place in enumerate(folders["searched"], start=1)},
        "Variables": {
            "THM_WEIGHTS_DIR": settings["THM_WEIGHTS_DIR"] or "not set",
            "THM_OFFLINE": "set: nothing is downloaded" if settings["THM_OFFLINE"] else "not set",
            "THM_COMMERCIAL": "set: licenses must allow commercial use" if settings["THM_COMMERCIAL"] else "not set",
            "TORCH_HOME": settings["TORCH_HOME"],
        },
    }
