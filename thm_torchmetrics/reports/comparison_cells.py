"""Put a comparison into short texts that the tables of all formats show alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from thm_torchmetrics.comparison.bootstrap import Interval
from thm_torchmetrics.comparison.comparison import Comparison, Difference
from thm_torchmetrics.reports.cells import NONE, decimals, label, number
from thm_torchmetrics.reports.footnotes import Footnotes, find_footnotes
from thm_torchmetrics.scoring.result import MetricResult

GROUND_TRUTH = "Ground truth"
SIGNIFICANT = "†"
"""It stands behind a value that differs significantly from that of the reference."""
BEST, SECOND = 1, 2


class Column(NamedTuple):
    """A column shows one metric of all models.

    Attributes:
        key: the metric.
        metric: its direction, unit and protocol, which are those of all models.
        label: its name in tables, with the network where that is not the protocol's own.
        places: the decimals of all its values.
        ranks: 1 for the best models, 2 for the second best, by the values as they are shown.
    """

    key: str
    metric: MetricResult
    label: str
    places: int
    ranks: dict[str, int]

    @property
    def arrow(self) -> str:
        """Return ``↑`` where a higher value is better, else ``↓``."""
        return "↑" if self.metric.higher_is_better else "↓"


class DifferenceRow(NamedTuple):
    """A row shows the difference of one model to the reference in one metric."""

    label: str
    model: str
    value: str
    interval: str
    p: str
    effect: str


def columns(comparison: Comparison) -> list[Column]:
    """Return a column per metric."""
    notes = footnotes(comparison)
    found = []
    for key, cells in comparison.cells.items():
        metric = next(result.metrics[key] for result in comparison.models.values() if key in result.metrics)
        places = decimals(metric.unit, [*(cell.value for cell in cells.values()), comparison.real.get(key)])
        values = {name: cell.value for name, cell in cells.items()}
        ranks = _ranks(values, places, metric.higher_is_better)
        found.append(Column(key, metric, label(key, metric) + notes.mark(key), places, ranks))
    return found


def footnotes(comparison: Comparison) -> Footnotes:
    """Return what changes the numbers, which is alike in all models, and the remarks on each model."""
    by_metric: dict[str, tuple[str, ...]] = {}
    general: list[str] = []
    for name, result in comparison.models.items():
        notes = find_footnotes(result)
        of_metrics = {key: facts for key, facts in notes.by_metric.items() if key in comparison.cells}
        by_metric = of_metrics | by_metric
        general += [f"{name}: {note}" for note in notes.general]
    return Footnotes(by_metric, tuple(general))


def value_text(comparison: Comparison, column: Column, model: str) -> str:
    """Return a model's value, with the mark of significance."""
    difference = comparison.difference(column.key, model)
    mark = SIGNIFICANT if difference is not None and difference.is_significant else ""
    return number(comparison.cells[column.key][model].value, column.places) + mark


def interval_text(interval: Interval | None, places: int) -> str:
    """Return the ends of an interval, a dash if there is none."""
    return NONE if interval is None else f"[{interval.low:.{places}f}, {interval.high:.{places}f}]"


def p_text(p: float | None) -> str:
    """Return a p-value with three decimals; a dash if there is none."""
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def difference_rows(comparison: Comparison) -> Iterator[DifferenceRow]:
    """Yield a row per metric and model that is compared with the reference."""
    for column in columns(comparison):
        for model in comparison.models:
            found = comparison.difference(column.key, model)
            if found is not None:
                yield _difference_row(column, found)


CORRELATION_HEADS = ("Model", "Metrics", "Pearson", "Spearman", "Kendall", "Clips")


def correlation_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Yield a row per model and two metrics, as `CORRELATION_HEADS` names the cells."""
    for each in comparison.correlations:
        values = (number(value, 3) for value in (each.pearson, each.spearman, each.kendall))
        yield (each.model, f"{each.first}, {each.second}", *values, str(each.clips))


def difference_heads(comparison: Comparison) -> tuple[str, ...]:
    """Return the headings of `difference_rows`."""
    return ("Metric", "Model", f"less {comparison.reference}", "95 % interval", "p (Holm)", "dz")


def note_lines(comparison: Comparison) -> list[str]:
    """Return the lines below the tables: marks, what is left out, methods, reasons, footnotes."""
    lines = []
    if any(each.is_significant for each in comparison.differences):
        lines.append(f"{SIGNIFICANT} differs from {comparison.reference}, p < 0.05 after Holm's correction")
    lines += [f"not compared: {line}" for line in comparison.left_out]
    lines += comparison.notes
    reasons: dict[str, list[str]] = {}
    for key, cells in comparison.cells.items():
        for model, cell in cells.items():
            if cell.why and cell.why not in comparison.notes:
                reasons.setdefault(cell.why, []).append(f"{key} of {model}")
    return lines + [f"{', '.join(places)}: {why}" for why, places in reasons.items()]


def _difference_row(column: Column, found: Difference) -> DifferenceRow:
    effect = NONE if found.effect is None else f"{found.effect:+.2f}"
    value = f"{found.value:+.{column.places}f}"
    return DifferenceRow(
        column.label, found.model, value, interval_text(found.interval, column.places), p_text(found.p_holm), effect
    )


def _ranks(values: dict[str, float | None], places: int, higher_is_better: bool) -> dict[str, int]:
    """Return the ranks of the best and second best values; equal as they are shown is equal."""
    shown = {
        name: round(value, places) if math.isfinite(value) else value
        for name, value in values.items()
        if value is not None and not math.isnan(value)
    }
    if len(shown) < 2:
        return {}
    order = sorted(set(shown.values()), reverse=higher_is_better)[:2]
    return {name: order.index(value) + 1 for name, value in shown.items() if value in order}
