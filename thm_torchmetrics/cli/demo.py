"""Define the command ``thm demo``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from thm_torchmetrics.catalog import SUITES, find_choice
from thm_torchmetrics.cli.output import check_outputs, finish_comparison, writing_fault
from thm_torchmetrics.cli.score import score
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result


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
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Score three made-up models instead of one, and show them on one page; it needs the extra `report`.",
)
@click.option("--full", is_flag=True, help="Run every metric with its own network; this fetches their checkpoints.")
@click.pass_context
def demo(context: click.Context, folder: Path, report: Path | None, full: bool) -> None:
    """Make a small sample dataset and score it, by default with metrics that need no download."""
    from thm_torchmetrics.comparison.compare import compare_models
    from thm_torchmetrics.demo.models import make_models
    from thm_torchmetrics.demo.sample import make_sample

    outputs = {"output": (), "report": report, "form": "table", "methods": False, "per_frame": False}
    try:
        check_outputs(outputs, {})
    except InputError as error:
        raise click.UsageError(str(error)) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if fault := writing_fault(folder):
            raise OSError(fault)
        click.echo(f"Writing a sample dataset to {folder} ...", err=True)
        make_sample(folder)
        models = make_models(folder) if report else {}
    except OSError as error:
        reason = error.strerror or error
        raise _CannotWrite(f"{folder} cannot be written ({reason}); name another folder by --folder") from error
    suite = "all" if full else "offline"
    rows = [find_choice(text).row for text in SUITES[suite]]
    by_dlib = () if full else tuple(f"{row.key}=dlib" for row in rows if "dlib" in row.extractors)
    if report:
        results = {name: _score_model(name, folder, places, suite, by_dlib) for name, places in models.items()}
        context.exit(finish_comparison(compare_models(results), outputs))
    arguments = [f"thm score {folder} --suite {suite}", *(f"--extractor {each}" for each in by_dlib)]
    click.echo(" ".join(arguments), err=True)
    context.invoke(score, data=folder, suite=suite, extractor=by_dlib, offline=not full)


def _score_model(name: str, folder: Path, places: Mapping[str, Path], suite: str, extractors: Sequence[str]) -> Result:
    """Score one of the made-up models against the sample."""
    from thm_torchmetrics.cli.progress import shown
    from thm_torchmetrics.scoring.score import score as score_dataset

    click.echo(f"model {name}", err=True)
    with shown(quiet=False) as progress:
        result = score_dataset(
            folder, preds=places["preds"], preds_au=places["preds_au"], suite=suite, every=2,
            extractor=dict(each.split("=") for each in extractors), offline=suite == "offline", with_target=True,
            pictures=True, progress=progress,
        )  # fmt: skip
    result.provenance = {**result.provenance, "command": f"thm demo --folder {folder} --report"}
    result.notes.append("the models of this page are made up: the sample with a known error each")
    return result
