"""Put a result into rows of short texts that the tables of all formats show alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from thm_torchmetrics.reports.footnotes import Footnotes, folders_of, row_of
from thm_torchmetrics.reports.shortening import first_clause, limited, without_folders
from thm_torchmetrics.scoring.result import ClipResult, MetricResult, Result

NONE = "–"  # noqa: RUF001
"""The mark in tables for a value that is missing."""
OF_THE_REAL = "of the real videos"
"""It follows the name of a metric in the row of the real videos."""

_TWO_PLACES = ("dB", "frames")
_FEATURES = " (features"
"""It follows the network in the name of an extractor whose features were given."""


class MetricRow(NamedTuple):
    """A row shows one metric over the dataset, of the generated videos or of the real ones."""

    label: str
    arrow: str
    value: str
    unit: str
    protocol: str
    scored: str
    clips: str
    coverage: str
    left_out: str
    is_real: bool = False


class Section(NamedTuple):
    """A section lists what else there is to say: names with reasons."""

    title: str
    second: str
    rows: list[tuple[str, str]]


def metric_rows(result: Result, notes: Footnotes, escape: Callable[[str], str] = str) -> list[MetricRow]:
    """Return a row per metric, above it one of the real videos if they were scored.

    Args:
        result: the result.
        notes: its footnotes.
        escape: makes a text harmless in the format.
    """
    rows = []
    for key, metric in result.metrics.items():
        unit, protocol, name = escape(metric.unit), escape(metric.protocol), label(key, metric, escape)
        if (real := real_detail(metric)) is not None:
            clips, coverage = str(real.get("clips", "")), share(real.get("coverage"))
            rows.append(MetricRow(name, "", number(real["value"]), unit, protocol, "", clips, coverage, "", True))
        name += escape(notes.mark(key))
        arrow = "↑" if metric.higher_is_better else "↓"
        counts = (scored(metric), str(metric.clips), share(metric.coverage), str(metric.left_out))
        rows.append(MetricRow(name, arrow, number(metric.value), unit, protocol, *counts))
    return rows


def sections(result: Result, notes: Footnotes, short: bool) -> list[Section]:
    """Return what was skipped or failed or has no value, with reasons, and the remarks; those that have rows.

    Args:
        result: the result.
        notes: its footnotes.
        short: reasons end with their first clause, and paths are shortened to names of files.
    """
    reason, remark = shortened(result) if short else (str, str)
    remarks = [("", remark(note)) for note in notes.general]
    remarks += [(clip.clip, remark(note)) for clip in result.clips for note in clip.notes]
    found = (
        Section("Skipped", "Reason", [(key, reason(text)) for key, text in result.skipped.items()]),
        Section("No value", "Reason", [(key, reason(why)) for key, why in reasons(result)]),
        Section("Failed", "Reason", [(clip.clip, error_of(clip, reason)) for clip in result.failed]),
        Section("Remark", "", remarks),
    )
    return [section for section in found if section.rows]


def shortened(result: Result) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return the functions that shorten a reason and a remark for a paper."""
    folders = folders_of(result)
    return (
        lambda text: first_clause(without_folders(text, folders)),
        lambda text: limited(without_folders(text, folders)),
    )


def error_of(clip: ClipResult, told: Callable[[str], str]) -> str:
    """Return the errors of a clip, each shortened."""
    return "; ".join(told(error) for error in clip.errors)


def reasons(result: Result) -> Iterable[tuple[str, str]]:
    """Return why metrics have no value."""
    return [(key, metric.why) for key, metric in result.metrics.items() if metric.value is None and metric.why]


def real_detail(metric: MetricResult) -> dict[str, Any] | None:
    """Return what a metric says of the real videos, None if they were not scored."""
    target = (metric.detail or {}).get("target")
    return None if target is None else dict(target)


def real_value(metric: MetricResult) -> float | None:
    """Return the value of a metric over the real videos."""
    value: float | None = (real_detail(metric) or {}).get("value")
    return value


def number(value: float | None, places: int = 4) -> str:
    """Return a value as tables show it; a dash if there is none."""
    return NONE if value is None or math.isnan(value) else f"{value:.{places}f}"


def share(value: float | None) -> str:
    """Return a coverage in percent, never rounded up to 100."""
    if value is None:
        return NONE
    return "100%" if value == 1 else f"{min(value * 100, 99.9):.1f}%"


def scored(metric: MetricResult) -> str:
    """Return what was scored: a number of frames, or of clips where a metric scores clips as a whole."""
    return str(metric.frames) if metric.counted == "frames" else f"{metric.frames} {metric.counted}"


def label(key: str, metric: MetricResult, escape: Callable[[str], str] = str) -> str:
    """Return a metric's name in tables.

    It is the key, with the network in brackets if that is not the protocol's own: ``csim[dlib]``. Given features are
    told there, too; a footnote says what made them.
    """
    row, extractor = row_of(key), metric.extractor
    if row is None or extractor is None or not row.extractors:
        return escape(key)
    own = row.protocol(metric.protocol).options if metric.protocol in row.protocols else {}
    if extractor == own.get("extractor", row.default_extractor):
        return escape(key)
    return f"{escape(key)}[{escape('features' if _FEATURES in extractor else extractor)}]"


def decimals(unit: str, values: Iterable[float | None]) -> int:
    """Return the decimals of a metric in a paper's table, the same for all its rows.

    dB and frames have two. All others have four significant digits of the largest value, but at least two and at most
    four decimals: 12.35, 7.123, 0.8314, 0.0512.
    """
    if unit in _TWO_PLACES:
        return 2
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    whole_digits = math.floor(math.log10(largest)) + 1 if largest > 0 else 0
    return min(max(4 - whole_digits, 2), 4)
