"""The command ``thm`` consists of thin commands over `scoring` and `reports`.

They import torch only when they need it.
"""

from __future__ import annotations

import click

from thm_torchmetrics import __version__
from thm_torchmetrics.cli.cache import cache
from thm_torchmetrics.cli.compare import compare
from thm_torchmetrics.cli.demo import demo
from thm_torchmetrics.cli.doctor import doctor
from thm_torchmetrics.cli.extract import extract
from thm_torchmetrics.cli.group import Group
from thm_torchmetrics.cli.info import info
from thm_torchmetrics.cli.list import list_metrics
from thm_torchmetrics.cli.merge import merge
from thm_torchmetrics.cli.score import score
from thm_torchmetrics.cli.validate import validate
from thm_torchmetrics.cli.weights import checkpoints


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", prog_name="thm")
def main() -> None:
    """Score generated talking-head videos against real ones, with every protocol named."""


for command in (score, merge, compare, validate, demo, list_metrics, info, checkpoints, extract, cache, doctor):
    main.add_command(command)
