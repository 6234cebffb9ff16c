"""Define the command ``thm merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from thm_torchmetrics.cli.options import report_options
from thm_torchmetrics.cli.output import check_apart, check_outputs, finish, output_paths
from thm_torchmetrics.cli.wording import put_into_cli_words
from thm_torchmetrics.errors import InputError


@click.command()
@click.argument("parts", metavar="PART.json...", type=click.Path(path_type=Path), nargs=-1, required=True)
@report_options
@click.pass_context
def merge(context: click.Context, /, parts: tuple[Path, ...], **values: Any) -> None:
    """Merge the reports of all shards, which `thm score --shard I/N -o PART.json` wrote, to one of the whole dataset.

    The sums of each shard lie beside its report in PART.sums.zip. They are added in the order of the clips, so every
    value is that of one run over the whole dataset. A shard that is missing, given twice or of another run is an error.

    Exit status: as of `thm score`.
    """
    from thm_torchmetrics.cli.gates import parse_gates
    from thm_torchmetrics.scoring.merge import merge as merge_parts, read_parts

    try:
        first = read_parts(parts)[0]
        asked = first.facts.recipe.asked
        gates = parse_gates(values["fail_under"], asked)
        check_outputs(values, first.result.provenance.get("arguments", {}))
        check_apart(output_paths(values), parts)
        result = merge_parts(parts)
    except InputError as error:
        raise click.UsageError(str(error)) from error
    result.provenance = {**result.provenance, "gates": [gate.outcome(result) for gate in gates]}
    put_into_cli_words(result)
    context.exit(finish(result, values, asked if first.facts.recipe.named else ()))
