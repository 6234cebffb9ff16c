"""Define the command ``thm info``."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import Choice, find_choice
from thm_torchmetrics.errors import InputError

_COMMERCIAL = {True: "commercial use allowed", False: "no commercial use", None: "commercial use not settled"}


@click.command()
@click.argument("name", metavar="KEY[:PROTOCOL]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
def info(name: str, form: str) -> None:
    """Explain a metric: formula, protocols with their sources, inputs, options, and checkpoints with their state here.

    KEY is a key of `thm list`; with a protocol, that one alone is described.
    """  # fmt: skip
    try:
        choice = find_choice(name)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    facts = _facts(choice)
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    from thm_torchmetrics.reports.table import console, grid

    out = console()
    out.print(f"{facts['key']}  {facts['class']}: {facts['title']}")
    out.print()
    for block in _blocks(facts["description"]):
        out.print(block, soft_wrap="\n" in block)
        out.print()
    protocols = grid("Protocol", "", "Unit", "Range", "Average", "Sets", "Source")
    for each, told in facts["protocols"].items():
        sets = ", ".join(f"{option}={value}" for option, value in told["options"].items())
        low, high = (f"{bound:g}" for bound in told["range"])
        arrow = "↑" if told["higher_is_better"] else "↓"
        protocols.add_row(each, arrow, told["unit"], f"{low} .. {high}", told["average"], sets, told["source"])
    protocols.columns[0].no_wrap = True
    out.print(protocols)
    out.print(f"Needs: {', '.join(facts['inputs'])}")
    out.print(f"Options (--option {facts['key']}.NAME=VALUE): {', '.join(facts['options']) or 'none'}")
    if facts["networks"]:
        networks = grid("Network", "Checkpoint", "File", "MB", "State here", "License", right=("MB",))
        for network, needed in facts["networks"].items():
            for i, each in enumerate(needed):
                size = "?" if each["size"] is None else f"{each['size'] / 1e6:.0f}"
                terms = f"{each['license']}; {_COMMERCIAL[each['commercial']]}"
                networks.add_row("" if i else network, each["name"], each["file"], size, each["state"], terms)
        networks.columns[0].no_wrap = networks.columns[1].no_wrap = True
        out.print()
        out.print(networks)
        out.print("thm weights fetch NAME downloads a checkpoint; thm doctor says which metrics run here.")


def _facts(choice: Choice) -> dict[str, Any]:
    """Return all that is told of a metric, ready for ``json.dump``."""
    from thm_torchmetrics.collection import metric_class
    from thm_torchmetrics.scoring.metric_options import known_options

    row = choice.row
    cls = metric_class(row)
    named = [choice.protocol] if ":" in choice.name else list(row.protocols)
    protocols = {}
    for name in named:
        scale, told = row.scale_of(name), row.protocol(name)
        protocols[name] = {
            "source": told.source, "higher_is_better": scale.higher_is_better, "unit": scale.unit,
            "range": [scale.low, scale.high], "average": told.average, "options": dict(told.options),
        }  # fmt: skip
    return {
        "key": row.key, "class": f"{cls.__module__}.{cls.__name__}", "title": row.title,
        "description": inspect.getdoc(cls) or "", "protocols": protocols, "inputs": list(row.inputs),
        "options": list(known_options(row.key)),
        "networks": {network: _checkpoints(choice, network) for network in row.extractors},
    }  # fmt: skip


def _checkpoints(choice: Choice, network: str) -> list[dict[str, Any]]:
    """Return the checkpoints that a metric needs with one of its networks, and their state."""
    from thm_torchmetrics.cli.needs import checkpoints_needed

    try:
        names = checkpoints_needed(f"{choice.row.key}:{choice.protocol}", network)
    except InputError:  # the protocol does not go with this network; another protocol of the metric does
        names = frozenset(weights.needed_by(choice.row.extractor_kind, network))
    known = weights.registry()
    return [
        {
            "name": name, "file": known[name].file, "size": known[name].size, "sha256": known[name].sha256,
            "urls": list(known[name].urls), "license": known[name].license, "commercial": known[name].commercial,
            "state": weights.status(name).state,
        }
        for name in sorted(names)
    ]  # fmt: skip


def _blocks(text: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring, joined to one line where they may be wrapped anew."""
    text = re.sub(r":\w+:(`[^`]+`)", r"\1", text).replace("``", "`")
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        plain = not any(re.match(r"\s|- |>>>|\.\. ", line) for line in lines)
        yield " ".join(lines) if plain else block
