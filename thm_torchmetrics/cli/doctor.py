"""Define the command ``thm doctor``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
@click.option(
    "--openface",
    type=click.Path(path_type=Path),
    envvar="THM_OPENFACE",
    show_envvar=True,
    help="OpenFace's program FeatureExtraction, or its folder.  [default: the one on PATH]",
)
def doctor(form: str, openface: Path | None) -> None:
    """Show versions, devices, folders, checkpoints, which metric runs here, and what mends the others."""
    from thm_torchmetrics.cli.machine import machine_facts

    facts = machine_facts(openface)
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
        "OpenFace": dict(facts["openface"]),
        "Checkpoints": _checkpoint_lines(facts["checkpoints"], settings["THM_OFFLINE"]),
        "Folders of checkpoints": {"downloads": folders["downloads"] + _fault(folders["fault"])}
        | {f"searched {i}": place for i, place in enumerate(folders["searched"], start=1)},
        "Variables": {
            "THM_WEIGHTS_DIR": settings["THM_WEIGHTS_DIR"] or "not set",
            "THM_OFFLINE": "set: nothing is downloaded" if settings["THM_OFFLINE"] else "not set",
            "THM_COMMERCIAL": "set: licenses must allow commercial use" if settings["THM_COMMERCIAL"] else "not set",
            "TORCH_HOME": settings["TORCH_HOME"],
        },
    }


def _fault(fault: str) -> str:
    return f" (cannot be written: {fault}; set THM_WEIGHTS_DIR to a folder that can)" if fault else ""


def _checkpoint_lines(checkpoints: Mapping[str, Mapping[str, Any]], offline: bool) -> dict[str, str]:
    """Return a line for each checkpoint that is here, with its license, and one for the others."""
    lines = {
        name: f"{each['license']}; {each['use']}" for name, each in checkpoints.items() if each["state"] == "available"
    }
    states = [each["state"] for each in checkpoints.values()]
    if missing := states.count("missing"):
        remedy = (
            "nothing is downloaded here; `thm weights fetch --urls --metrics KEY,...` prints the addresses for another "
            "machine"
            if offline
            else "a run downloads those that it needs, and `thm weights fetch --metrics KEY,...` does so before it"
        )
        lines["missing"] = f"{missing} of {len(states)}, which `thm weights list` shows with their licenses; {remedy}"
    if corrupt := [name for name, each in checkpoints.items() if each["state"] == "corrupt"]:
        lines["corrupt"] = f"{', '.join(corrupt)}: `thm weights verify` says why; remove the file and fetch it again"
    if unaccepted := [name for name, each in checkpoints.items() if each["terms"]]:
        lines["with terms"] = f"to accept first: `thm weights fetch --accept-license {' '.join(unaccepted)}`"
    return lines
