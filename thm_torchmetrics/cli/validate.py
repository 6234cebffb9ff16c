"""Define the command ``thm validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from thm_torchmetrics.cli.compare import named_file
from thm_torchmetrics.cli.output import check_apart, check_folders, deliver
from thm_torchmetrics.errors import InputError

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="[NAME=]FILE.json...")
@click.option(
    "--votes",
    type=_FILE,
    required=True,
    metavar="FILE.csv",
    help="A line per vote: columns clip, model_a, model_b, winner (a model or tie) and, if there are several, aspect.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the resamples.")
@click.option("-o", "--output", type=_FILE, multiple=True, metavar="FILE", help="Write a report, .json, .csv or .md.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "md"]),
    default="table",
    show_default=True,
    help="What to print on standard output.",
)
@click.pass_context
def validate(context: click.Context, /, files: tuple[str, ...], **values: Any) -> None:
    """Say how often each metric agrees with people who have compared the models.

    Each FILE is a model as `thm score -o FILE.json` wrote it, named as the votes name it, or holds several.

    Exit status: 0 compared; 2 wrong usage, or an output that cannot be written.
    """
    from thm_torchmetrics.comparison.models import read_models
    from thm_torchmetrics.comparison.votes import agreements, read_votes
    from thm_torchmetrics.reports.table import print_text
    from thm_torchmetrics.reports.votes import FORMATS, format_of, show_agreements, write_agreements

    try:
        for path in values["output"]:
            format_of(path)
        check_folders(values["output"])
        named = [named_file(text) for text in files]
        check_apart(values["output"], [*(path for _, path in named), values["votes"]])
        models = read_models(named)
        found = agreements(models, read_votes(values["votes"]), seed=values["seed"])
    except InputError as error:
        raise click.UsageError(str(error)) from error

    def show() -> None:
        if values["form"] == "table":
            show_agreements(found)
        else:
            print_text(FORMATS[values["form"]](found))

    context.exit(deliver(lambda path: write_agreements(found, path), values["output"], show))
