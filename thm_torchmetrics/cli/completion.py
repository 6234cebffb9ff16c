"""Complete keys of metrics and names of suites where a shell asks for it; click does the rest."""

from __future__ import annotations

import click

from thm_torchmetrics.catalog import CATALOG, SUITES


def complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of metrics that begin as a text does."""
    return [key for key in CATALOG if key.startswith(incomplete)]


def complete_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the lists of keys, separated by commas, whose last key begins as that of a text does."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{key}" for key in complete_key(ctx, param, last)]


def complete_suite(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the suites whose names begin as a text does."""
    return [name for name in SUITES if name.startswith(incomplete)]
