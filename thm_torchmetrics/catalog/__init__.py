"""The catalog holds the facts of every metric, one row each, without importing torch.

The metric classes read their constants from here, the command line lists it, and the collection makes metrics by it.
"""

from thm_torchmetrics.catalog.find import (
    BROKEN,
    CATALOG,
    ENTRY_POINTS,
    LACKING,
    ROWS,
    SUITES,
    Choice,
    find_choice,
    find_row,
    find_suite,
    register_metric,
    unaligned,
    values_by_metric,
    with_unaligned,
)
from thm_torchmetrics.catalog.row import Protocol, Row, Scale

__all__ = [
    "BROKEN",
    "CATALOG",
    "ENTRY_POINTS",
    "LACKING",
    "ROWS",
    "SUITES",
    "Choice",
    "Protocol",
    "Row",
    "Scale",
    "find_choice",
    "find_row",
    "find_suite",
    "register_metric",
    "unaligned",
    "values_by_metric",
    "with_unaligned",
]
