"""Define the command ``thm demo``."""

from __future__ import annotations

from pathlib import Path

import click

from thm_torchmetrics.catalog import SUITES, find_choice
from thm_torchmetrics.cli.output import writing_fault
from thm_torchmetrics.cli.score import score


class _CannotWrite(click.ClickException):
    """The sample cannot be written; the command itself is right, so its usage is not printed."""

    exit_code = 2


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("thm_demo"),
    show_default=True,
    help="Where to write the sample.",
)
@click.option("--full", is_flag=True, help="Run every metric with its own network; this fetches their checkpoints.")
@click.pass_context
def demo(context: click.Context, folder: Path, full: bool) -> None:
    """Make a small sample dataset and score it, by default with metrics that need no download."""
    from thm_torchmetrics.demo.sample import make_sample

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if fault := writing_fault(folder):
            raise OSError(fault)
        click.echo(f"Writing a sample dataset to {folder} ...", err=True)
        make_sample(folder)
    except OSError as error:
        reason = error.strerror or error
        raise _CannotWrite(f"{folder} cannot be written ({reason}); name another folder by --folder") from error
    suite = "all" if full else "offline"
    rows = [find_choice(text).row for text in SUITES[suite]]
    by_dlib = () if full else tuple(f"{row.key}=dlib" for row in rows if "dlib" in row.extractors)
    arguments = [f"thm score {folder} --suite {suite}", *(f"--extractor {each}" for each in by_dlib)]
    click.echo(" ".join(arguments), err=True)
    context.invoke(score, data=folder, suite=suite, extractor=by_dlib, offline=not full)
