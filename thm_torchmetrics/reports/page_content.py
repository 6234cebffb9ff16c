"""Put the results of one or several models into the parts that the HTML report shows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.reports.cells import decimals, label, number, real_detail, real_value, scored, share
from thm_torchmetrics.reports.comparison_cells import BEST, SECOND, Column, columns, interval_text, value_text
from thm_torchmetrics.reports.footnotes import MARK, Footnotes, find_footnotes, row_of
from thm_torchmetrics.scoring.result import ClipResult, MetricResult, Result

CLIPS_WITH_CURVES = 50
"""The most clips, the worst ones, of which the values of single frames are drawn."""


class Cell(NamedTuple):
    """A cell shows a value.

    Attributes:
        text: the value.
        sort: the number it is sorted by.
        mark: ``best``, ``second`` or empty.
        interval: the ends of its interval, empty if there is none.
    """

    text: str
    sort: float | None = None
    mark: str = ""
    interval: str = ""


class Metric(NamedTuple):
    """A metric is what the models measured under one key."""

    key: str
    label: str
    title: str
    arrow: str
    direction: str
    unit: str
    protocol: str
    higher_is_better: bool
    places: int

    @property
    def axis(self) -> str:
        """Return unit and direction for an axis."""
        return ", ".join(filter(None, (self.unit, self.direction)))


class Counts(NamedTuple):
    """Counts say on how much of the data a value stands."""

    frames: str
    clips: str
    coverage: str
    percent: float
    left_out: str
    why: str


@dataclass
class Content:
    """The content holds the results of models under their names, in the order of the page.

    Args:
        models: the results by name.
        comparison: that of the models, None if they only stand side by side.

    Attributes:
        metrics: the metrics that any model has.
        clips: the names of the clips that any model has.
        by_clip: the results of each clip, one per model, None where a model lacks it.
    """

    models: Mapping[str, Result]
    comparison: Comparison | None = None
    metrics: list[Metric] = field(init=False)
    clips: list[str] = field(init=False)
    by_clip: dict[str, list[ClipResult | None]] = field(init=False)
    _notes: list[Footnotes] = field(init=False)

    def __post_init__(self) -> None:
        keys = dict.fromkeys(key for result in self.models.values() for key in result.metrics)
        self._notes = [find_footnotes(result) for result in self.models.values()]
        self.metrics = [self._metric(key) for key in keys]
        self.clips = [*dict.fromkeys(clip.clip for result in self.models.values() for clip in result.clips)]
        found = [{clip.clip: clip for clip in result.clips} for result in self.models.values()]
        self.by_clip = {name: [clips.get(name) for clips in found] for name in self.clips}

    @property
    def names(self) -> list[str]:
        """Return the names of the models."""
        return list(self.models)

    def of(self, key: str) -> list[MetricResult | None]:
        """Return what each model has for a metric."""
        return [result.metrics.get(key) for result in self.models.values()]

    def summary(self) -> Iterator[tuple[Metric, list[Cell]]]:
        """Yield each metric with the value of each model, the best and the second marked where there are several.

        The values are those over the dataset; in a comparison, those over the clips that are compared.
        """
        if self.comparison is None:
            for metric in self.metrics:
                yield metric, _marked([None if each is None else each.value for each in self.of(metric.key)], metric)
        else:
            metrics = {metric.key: metric for metric in self.metrics}
            for column in columns(self.comparison):
                yield metrics[column.key]._replace(places=column.places), _compared(self.comparison, column)

    def real(self, metric: Metric) -> Cell | None:
        """Return the value of the real videos, None if they were not scored."""
        if self.comparison is not None:
            value = self.comparison.real.get(metric.key)
            return None if value is None else Cell(number(value, metric.places), value)
        for each in self.of(metric.key):
            if each is not None and real_detail(each) is not None:
                value = real_value(each)
                return Cell(number(value, metric.places), value)
        return None

    @property
    def has_real(self) -> bool:
        """Return whether the real videos have a value of any metric."""
        return any(self.real(metric) for metric in self.metrics)

    def clip_cells(self, clip: ClipResult) -> list[Cell]:
        """Return the value of each metric for a clip of one model."""
        values = [clip.metrics[metric.key].value if metric.key in clip.metrics else None for metric in self.metrics]
        return [Cell(number(value, each.places), value) for value, each in zip(values, self.metrics, strict=True)]

    def clip_rows(self, name: str) -> Iterator[tuple[Metric, list[Cell]]]:
        """Yield the metrics that a clip has a value of, with the value by each model."""
        for metric in self.metrics:
            values = [clip.metrics[metric.key].value if clip and metric.key in clip.metrics else None
                      for clip in self.by_clip[name]]  # fmt: skip
            if any(value is not None for value in values):
                yield metric, _marked(values, metric)

    def counts(self, metric: Metric) -> list[Counts | None]:
        """Return on how much of the data the value of each model stands."""
        return [
            None if each is None else Counts(
                scored(each), str(each.clips), share(each.coverage), 100 * (each.coverage or 0.0), str(each.left_out),
                each.why or "",
            )
            for each in self.of(metric.key)
        ]  # fmt: skip

    def clips_with_curves(self) -> set[str]:
        """Return the clips of which single frames are drawn: the worst of each model in turn."""
        from thm_torchmetrics.scoring.worst_frames import worst_clips  # not above: `thm doctor` prints without torch

        orders = [[clip.clip for clip in worst_clips(result)] for result in self.models.values()]
        chosen: dict[str, None] = {}
        for place in range(max(map(len, orders), default=0)):
            for order in orders:
                if place < len(order) and len(chosen) < CLIPS_WITH_CURVES:
                    chosen[order[place]] = None
        return set(chosen)

    def footnotes(self) -> list[tuple[str, list[str]]]:
        """Return the footnotes and the remarks on whole runs, with the models that have them: empty for all."""
        models: dict[str, list[str]] = {}
        for name, notes in zip(self.models, self._notes, strict=True):
            for line in dict.fromkeys((*(f"{MARK} {line}" for line in notes.lines()), *notes.general)):
                models.setdefault(line, []).append(name)
        lines: dict[str, list[str]] = {}
        for line, names in models.items():
            lines.setdefault("" if len(names) == len(self.models) else ", ".join(names), []).append(line)
        return list(lines.items())

    def _metric(self, key: str) -> Metric:
        results = [result.metrics[key] for result in self.models.values() if key in result.metrics]
        first, row = results[0], row_of(key)
        values = [each.value for each in results] + [real_value(each) for each in results]
        mark = next((notes.mark(key) for notes in self._notes if notes.mark(key)), "")
        return Metric(
            key, label(key, first) + mark, row.title if row else "", "↑" if first.higher_is_better else "↓",
            "higher is better" if first.higher_is_better else "lower is better", first.unit, first.protocol,
            first.higher_is_better, decimals(first.unit, values),
        )  # fmt: skip


def _compared(comparison: Comparison, column: Column) -> list[Cell]:
    """Return the cells of a metric's values over the clips that are compared."""
    marks = {BEST: "best", SECOND: "second"}
    found = []
    for model in comparison.models:
        cell = comparison.cells[column.key][model]
        mark = marks.get(column.ranks.get(model, 0), "")
        interval = "" if cell.interval is None else interval_text(cell.interval, column.places)
        found.append(Cell(value_text(comparison, column, model), cell.value, mark, interval))
    return found


def _marked(values: Sequence[float | None], metric: Metric) -> list[Cell]:
    """Return cells, the best value and the second best marked where there are several."""
    texts = [number(value, metric.places) for value in values]
    measured = _measured(values)
    order = sorted(set(measured), reverse=metric.higher_is_better) if len(measured) > 1 else []
    marks = dict(zip(order, ("best", "second"), strict=False)) if len(order) > 1 else {}
    return [
        Cell(text, value, "" if value is None else marks.get(value, ""))
        for text, value in zip(texts, values, strict=True)
    ]


def _measured(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and not math.isnan(value)]


def facts(result: Result) -> list[tuple[str, str]]:
    """Return the provenance of a result in short, as names and texts."""
    given = result.provenance
    versions = ", ".join(f"{name} {version}" for name, version in given.get("versions", {}).items())
    checkpoints = []
    for name, entry in given.get("weights", {}).items():
        digest = entry.get("sha256")
        told_of = [f"sha256 {digest[:12]}"] if digest else []
        told_of += ["custom"] if entry.get("custom") else []
        checkpoints.append(f"{name} ({', '.join(told_of)})" if told_of else name)
    told: dict[str, Any] = {
        "Command": given.get("command"),
        "Created": given.get("created"),
        "Versions": versions,
        "Platform": given.get("platform"),
        "Device": given.get("device"),
        "Inputs": ", ".join(f"{kind}: {place}" for kind, place in given.get("inputs", {}).items()),
        "Checkpoints": ", ".join(checkpoints),
        "Frames": f"every {every}th" if (every := given.get("every", 1)) > 1 else "",
    }
    return [(name, str(text)) for name, text in told.items() if text]
