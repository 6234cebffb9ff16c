"""Choose the figures of the HTML report from the results of the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.reports.figures import REAL, Figure, Series, bars, curves, distribution, plane, thinned
from thm_torchmetrics.reports.page_content import Content, Metric
from thm_torchmetrics.scoring.result import ClipResult, MetricResult

_AFFECT = {"v-": "Valence", "a-": "Arousal"}
"""The metrics of two series of valence or of arousal, by the start of their keys."""


class PageFigures:
    """The figures of a page.

    Args:
        content: the results.
        links: the anchor of each clip on the page.
    """

    def __init__(self, content: Content, links: Mapping[str, str]) -> None:
        self._content = content
        self._links = links
        self._with_curves = content.clips_with_curves()

    def distributions(self) -> Iterator[Figure]:
        """Yield the values of the clips by each metric that has them."""
        for metric in self._content.metrics:
            series, totals = [], []
            for model, (name, result) in enumerate(self._content.models.items()):
                named = [
                    (clip.clip, clip.metrics[metric.key].value) for clip in result.clips if metric.key in clip.metrics
                ]
                series.append(self._lane(name, model, named))
                totals.append(result.metrics[metric.key].value if metric.key in result.metrics else None)
            real = list(self._real_clips(metric))
            if real:
                series.append(self._lane(REAL, None, real))
                cell = self._content.real(metric)
                totals.append(cell.sort if cell else None)
            if any(each.x for each in series):
                yield distribution(f"{metric.label} {metric.arrow}", metric.axis, series, totals)

    def offsets(self) -> Iterator[Figure]:
        """Yield the histogram of lip-sync offsets by a metric that has it."""
        for metric in self._content.metrics:
            series = []
            for model, name, detail in self._details(metric):
                counts = {int(shift): float(count) for shift, count in detail.get("offsets", {}).items()}
                if counts:
                    series.append(Series(name, model, sorted(counts), [counts[shift] for shift in sorted(counts)]))
            if series:
                yield bars("Offsets of sound and pictures", "offset in frames of 40 ms, faces", series)
                return

    def action_units(self, clip: str | None = None) -> Iterator[Figure]:
        """Yield the error of each action unit, over the dataset or of one clip, by the metric with the most units."""
        found: list[tuple[int, str, list[Series]]] = []
        for metric in self._content.metrics:
            series = []
            for model, name, detail in self._details(metric, clip):
                units = {unit: float(error) for unit, error in detail.items() if _is_unit(unit) and error is not None}
                if units:
                    series.append(Series(name, model, (), [*units.values()], [unit[2:] for unit in units]))
            if series:
                found.append((max(len(each.y) for each in series), metric.label, series))
        if found:
            _, label, series = max(found, key=lambda each: each[0])
            yield bars("Error by action unit", f"action unit ({label})", series)

    def planes(self, clip: str | None = None) -> Iterator[Figure]:
        """Yield valence and arousal of the frames, of all clips that are drawn or of one."""
        names = [clip] if clip else [name for name in self._content.clips if name in self._with_curves]
        sides: dict[int | None, tuple[list[float | None], list[float | None]]] = {}
        for name in names:
            for model, result in enumerate(self._content.by_clip[name]):
                pairs = [_affect(result, start) for start in _AFFECT]
                if not all(pairs):
                    continue
                for side, lane in (("preds", model), ("target", None)):
                    if lane is None and model > 0 and None in sides:
                        continue
                    x, y = sides.setdefault(lane, ([], []))
                    x += pairs[0][side]
                    y += pairs[1][side]
        series = [
            Series(self._name(lane), lane, *sides[lane])
            for lane in sorted(sides, key=lambda lane: -1 if lane is None else lane)
        ]
        if series:
            yield plane("Valence and arousal of the frames", series)

    def of_clip(self, clip: str) -> Iterator[Figure]:
        """Yield the figures of one clip: curves over time, the lip-sync distances, action units, the plane."""
        if clip not in self._with_curves:
            return
        results = self._content.by_clip[clip]
        for metric in self._content.metrics:
            series, steps = [], {1}
            for model, result in enumerate(results):
                found = _score(result, metric.key)
                values = (found.per_frame or {}).get("value") if found else None
                if found is not None and values:
                    x, y, step = thinned(_times(found), values, metric.higher_is_better)
                    series.append(Series(self._name(model), model, x, y))
                    steps.add(step)
            if series:
                told = f", worst of every {max(steps)} frames" if max(steps) > 1 else ""
                yield curves(f"{metric.label} {metric.arrow}", f"seconds{told}", series)
        yield from self._affect_curves(results)
        yield from self._distance_curves(results)
        yield from self.action_units(clip)
        yield from self.planes(clip)

    def _affect_curves(self, results: list[ClipResult | None]) -> Iterator[Figure]:
        for start, title in _AFFECT.items():
            series: list[Series] = []
            for model, result in enumerate(results):
                found = _affect_score(result, start)
                if found is None or found.per_frame is None:
                    continue
                for side, lane in (("target", None), ("preds", model)):
                    if lane is not None or all(each.model is not None for each in series):
                        x, y, _ = thinned(_times(found), found.per_frame[side])
                        series.append(Series(self._name(lane), lane, x, y))
            if series:
                yield curves(title, "seconds", series)

    def _distance_curves(self, results: list[ClipResult | None]) -> Iterator[Figure]:
        for metric in self._content.metrics:
            series = []
            for model, result in enumerate(results):
                found = _score(result, metric.key)
                tracks = (found.detail or {}).get("tracks", []) if found else []
                for place, track in enumerate(tracks):
                    curve = track.get("curve")
                    if curve:
                        reach = len(curve) // 2
                        name = self._name(model) + (f", face {place + 1}" if len(tracks) > 1 else "")
                        series.append(Series(name, model, list(range(-reach, reach + 1)), curve[::-1]))
            if series:
                yield curves("Lip-sync distance", "offset in frames of 40 ms", series, "by offset")
                return

    def _lane(self, name: str, model: int | None, named: list[tuple[str, float | None]]) -> Series:
        measured = [(clip, value) for clip, value in named if value is not None]
        clips = [clip for clip, _ in measured]
        return Series(name, model, [value for _, value in measured], (), clips, [self._links[clip] for clip in clips])

    def _real_clips(self, metric: Metric) -> Iterator[tuple[str, float | None]]:
        """Yield the clips whose real video was scored, with its value by the first model that has it."""
        for name, results in self._content.by_clip.items():
            details = [score.detail or {} for result in results if (score := _score(result, metric.key))]
            real = next((detail["target"] for detail in details if "target" in detail), None)
            if real is not None and real.get("value") is not None:
                yield name, real["value"]

    def _details(self, metric: Metric, clip: str | None = None) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
        """Yield the detail of each model that has one."""
        of: list[Any] = [*self._content.of(metric.key)]
        if clip is not None:
            of = [_score(result, metric.key) for result in self._content.by_clip[clip]]
        for model, each in enumerate(of):
            if isinstance(each, MetricResult | ClipScore) and each.detail:
                yield model, self._name(model), each.detail

    def _name(self, model: int | None) -> str:
        return REAL if model is None else self._content.names[model]


def _is_unit(name: str) -> bool:
    return name.startswith("AU") and name[2:].isdigit()


def _score(result: ClipResult | None, key: str) -> ClipScore | None:
    return result.metrics.get(key) if result else None


def _affect_score(result: ClipResult | None, start: str) -> ClipScore | None:
    """Return the score of a metric of valence, or of arousal, that has the series of both sides."""
    scores = [score for key, score in result.metrics.items() if key.startswith(start)] if result else []
    return next((score for score in scores if {"preds", "target"} <= set(score.per_frame or {})), None)


def _affect(result: ClipResult | None, start: str) -> dict[str, list[float | None]]:
    found = _affect_score(result, start)
    return {side: [*(found.per_frame or {})[side]] for side in ("preds", "target")} if found else {}


def _times(score: ClipScore) -> list[float | None]:
    """Return the times of a score's frames in seconds, their numbers where it has no times."""
    series = score.per_frame or {}
    some = next(iter(series.values()), ())
    return [*series["time"]] if "time" in series else [float(i) for i in range(len(some))]
