"""``thm demo``."""

from __future__ import annotations

from pathlib import Path

import click

from thm_torchmetrics.cli.score import score


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("thm_demo"),
    show_default=True,
    help="Where to write the sample.",
)
@click.pass_context
def demo(context: click.Context, folder: Path) -> None:
    """Make a small sample dataset and score it; downloads nothing."""  # fmt: skip
    from thm_torchmetrics.scoring.demo import make_sample

    click.echo(f"Writing a sample dataset to {folder} ...", err=True)
    make_sample(folder)
    click.echo(f"thm score {folder}", err=True)
    context.invoke(score, data=folder)
