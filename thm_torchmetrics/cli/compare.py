"""Define the command ``thm compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from thm_torchmetrics.cli.completion import complete_keys
from thm_torchmetrics.cli.output import check_apart, check_folders, check_page, finish_comparison
from thm_torchmetrics.errors import InputError

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="[NAME=]FILE.json...")
@click.option("--reference", metavar="NAME", help="The model with which the others are compared.  [default: the first]")
@click.option(
    "--metrics",
    multiple=True,
    metavar="KEY,...",
    shell_complete=complete_keys,
    help="Metrics to compare.  [default: all]",
)
@click.option("--common", is_flag=True, help="Compare on the clips that all models have; the others are named.")
@click.option(
    "--cluster",
    type=_FILE,
    metavar="FILE.csv",
    help="Clips that belong together, such as those of one speaker: columns clip, speaker.",
)
@click.option("--correlations", is_flag=True, help="Show the correlations between metrics over the clips.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of resamples and exchanges.")
@click.option(
    "-o",
    "--output",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="Write a report: .json (all results, too), .csv (a line per metric and model), .wide.csv (a line per model), "
    ".md, .tex or .html; may be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "wide-csv", "md", "latex"]),
    default="table",
    show_default=True,
    help="What to print on standard output.",
)
@click.option("--methods", is_flag=True, help="Print a paragraph on how the numbers were made, and BibTeX, instead.")
@click.pass_context
def compare(context: click.Context, /, files: tuple[str, ...], **values: Any) -> None:
    """Compare models by the results that `thm score -o FILE.json` wrote.

    Each FILE is a model, named by NAME or by the file, or holds several, as -o all.json writes them. Values have 95 %
    intervals, differences to the reference intervals, a permutation test corrected by Holm, and an effect size. Models
    that were measured in different ways, or on other clips, are refused.

    Exit status: 0 compared; 2 wrong usage, or an output that cannot be written.
    """
    from thm_torchmetrics import reports
    from thm_torchmetrics.comparison.clusters import read_clusters
    from thm_torchmetrics.comparison.compare import compare_models
    from thm_torchmetrics.comparison.models import read_models, read_sums

    try:
        for path in values["output"]:
            if reports.comparison_format_of(path) == "html":
                check_page()
        check_folders(values["output"])
        named = [named_file(text) for text in files]
        check_apart(values["output"], [*(path for _, path in named), values["cluster"]])
        models = read_models(named)
        comparison = compare_models(
            models,
            reference=values["reference"] or "",
            metrics=[key.strip() for text in values["metrics"] for key in text.split(",")],
            common=values["common"],
            clusters=read_clusters(values["cluster"]) if values["cluster"] else None,
            sums=read_sums(named, models),
            correlations=values["correlations"],
            seed=values["seed"],
        )
    except InputError as error:
        raise click.UsageError(str(error).replace(" (common=True in Python)", "")) from error
    context.exit(finish_comparison(comparison, values))


def named_file(text: str) -> tuple[str, Path]:
    """Return name and file of an argument; the name is empty if there is none."""
    name, sign, file = text.partition("=")
    return (name, Path(file)) if sign and file and not Path(text).exists() else ("", Path(text))
