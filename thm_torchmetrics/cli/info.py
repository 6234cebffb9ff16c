"""Define the command ``thm info``."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from thm_torchmetrics import weights
from thm_torchmetrics.catalog import Choice, find_choice
from thm_torchmetrics.cli.completion import complete_key
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.weights.licenses import COMMERCIAL_USE

_WIDEST = 110
"""Columns of a line of text; longer ones are hard to read."""

_LISTS = ("Args:", "Raises:", "Returns:", "Attributes:")
"""Headings of docstrings below which each item begins a line."""

_ITEM = 4
"""Columns before such an item."""


@click.command()
@click.argument("name", metavar="KEY[:PROTOCOL]", shell_complete=complete_key)
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
    from thm_torchmetrics.reports.table import console

    out = console()
    for line in _lines(facts, min(out.width, _WIDEST)):
        out.print(line, soft_wrap=True, highlight=False)


def _lines(facts: Mapping[str, Any], width: int) -> Iterator[str]:
    """Yield the page of a metric, line by line."""
    yield f"{facts['key']}: {facts['title']} ({facts['class']})"
    yield ""
    yield from _wrapped(facts["description"], width)
    yield ""
    yield "Protocols:"
    for i, (name, told) in enumerate(facts["protocols"].items()):
        low, high = (f"{bound:g}" for bound in told["range"])
        sets = ", ".join(f"{option}={value}" for option, value in told["options"].items())
        parts = [
            f"{'↑' if told['higher_is_better'] else '↓'} {told['unit']}".strip(), f"{low} .. {high}",
            f"mean over {told['average']}s", f"sets {sets}" if sets else "",
        ]  # fmt: skip
        default = " (default)" if i == 0 and len(facts["protocols"]) > 1 else ""
        yield from _indented(f"{name}{default}: {', '.join(filter(None, parts))}", width, 2)
        yield from _indented(told["source"], width, 6)
    yield f"Needs: {', '.join(facts['inputs'])}"
    options = ", ".join(facts["options"])
    yield from _indented(f"Options, by --option {facts['key']}.NAME=VALUE: {options}", width, 0)
    for network, needed in facts["networks"].items():
        yield f"Checkpoints of the network {network}:"
        for each in needed:
            size = "size not known" if each["size"] is None else f"{each['size'] / 1e6:.0f} MB"
            yield from _indented(f"{each['name']}: {each['state']} here; {each['file']}, {size}", width, 2)
            yield from _indented(f"license: {each['license']}; {COMMERCIAL_USE[each['commercial']]}", width, 6)


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
    from thm_torchmetrics.scoring.sketch import checkpoints_needed

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


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a docstring in lines of a width; formulas and examples stay as they are."""
    text = re.sub(r":\w+:(`[^`]+`)", r"\1", text).replace("``", "`")
    for i, block in enumerate(re.split(r"\n[ ]*\n", text)):
        if i:
            yield ""
        lines = block.split("\n")
        if any(re.match(r"\s*(>>>|\.\. )|\s+\\", line) for line in lines):
            yield from lines
            continue
        listed = lines[0] in _LISTS
        groups: list[list[str]] = []
        for line in lines:
            begins = not groups or line.lstrip().startswith("- ") or (listed and _indent(line) <= _ITEM)
            if begins:
                groups.append([line])
            else:
                groups[-1].append(line)
        for group in groups:
            hanging = 2 if listed or group[0].lstrip().startswith("- ") else 0
            yield from _indented(" ".join(part.strip() for part in group), width, _indent(group[0]), hanging)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indented(text: str, width: int, indent: int, hanging: int = 2) -> list[str]:
    """Return a text in lines of a width; those after the first are indented further."""
    margin = " " * indent
    return textwrap.wrap(
        text, width, initial_indent=margin, subsequent_indent=margin + " " * hanging, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
