"""Describe the figures of the HTML report as Plotly's plain data, which the page draws.

A color is ``{"css": "--name"}``, a variable of the page's style sheet, so that figures follow its theme.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from thm_torchmetrics.reports.names import printable

MOST_POINTS = 400
"""The most points of a curve; a longer one shows the worst frame of every few."""
MOST_ON_PLANE = 1000
"""The most frames of a model on the plane of valence and arousal."""
LEAST_FOR_BOX = 5
"""The fewest clips around which the box of a distribution is drawn."""
COLORS = 8
"""The models' colors of the style sheet; further models begin with the first color again, in dashes."""
REAL = "Ground truth"
"""The name of the real videos in figures and tables."""

Values: TypeAlias = Sequence[float | None]


class Figure(NamedTuple):
    """A figure has a title, a description in words for those who do not see it, and Plotly's data and layout."""

    title: str
    label: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]


class Series(NamedTuple):
    """A series is what one model, or the real videos (``model`` is None), adds to a figure."""

    name: str
    model: int | None
    x: Values
    y: Values
    texts: Sequence[str] = ()
    links: Sequence[str] = ()


def distribution(title: str, axis: str, series: Sequence[Series], totals: Sequence[float | None]) -> Figure:
    """Return one point per clip, a lane per model, with a box around the quartiles and the value over the dataset.

    Args:
        title: the metric.
        axis: its unit and direction.
        series: the values of the clips in ``x``, with the clips' names and links.
        totals: the value of each series over the dataset.
    """
    data: list[dict[str, Any]] = []
    for each, total in zip(series, totals, strict=True):
        color, lane = _color(each.model), _lane(each.name)
        has_box = len(each.x) >= LEAST_FOR_BOX
        box = {
            "type": "box", "orientation": "h", "x": _short(each.x), "y": [lane] * len(each.x), "name": lane,
            "boxpoints": "all", "jitter": 0.7, "pointpos": 0, "hoveron": "points", "width": 0.62,
            "text": [plot_text(text) for text in each.texts], "customdata": list(each.links),
            "hovertemplate": "%{text}<br>%{x}<extra></extra>",
            "line": {"width": 1 if has_box else 0, "color": color},
            "fillcolor": {"css": "--box" if has_box else "--none"},
            "marker": {"size": 7, "color": color, "opacity": 0.75},
        }  # fmt: skip
        data.append(box)
        if total is not None and math.isfinite(total):
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": _short([total]), "y": [lane], "name": lane,
                    "hovertemplate": f"{plot_text(each.name)}, all clips<br>%{{x}}<extra></extra>",
                    "marker": {
                        "symbol": "diamond", "size": 11, "color": {"css": "--surface"},
                        "line": {"width": 2, "color": color},
                    },
                }
            )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": plot_text(axis)}},
        "yaxis": {"automargin": True, "autorange": "reversed", "showgrid": False},
        "height": 96 + 46 * max(1, len(series)),
    }
    spans = [f"{printable(each.name)} {_span(each.x)}" for each in series]
    return Figure(title, f"Distribution of {title} over the clips: {'; '.join(spans)}", data, layout)


def curves(title: str, axis: str, series: Sequence[Series], what: str = "over time") -> Figure:
    """Return a line per model, over the time of the frames or another number."""
    data = [
        {
            "type": "scatter", "mode": "lines", "name": plot_text(each.name), **_steps(each.x), "y": _short(each.y),
            "hovertemplate": f"{plot_text(each.name)}: %{{y}}<extra></extra>",
            "line": {"width": 1.6, "color": _color(each.model), "dash": _dash(each.model)},
        }
        for each in series
    ]  # fmt: skip
    spans = [f"{printable(each.name)} {_span(each.y)}" for each in series]
    layout = {"xaxis": {"title": {"text": plot_text(axis)}}, "hovermode": "x unified", "height": 230}
    return Figure(title, f"{title} {what}: {'; '.join(spans)}", data, layout)


def bars(title: str, axis: str, series: Sequence[Series]) -> Figure:
    """Return grouped bars, a color per model; ``x`` are the categories in ``texts`` if there are any."""
    data = [
        {
            "type": "bar", "name": plot_text(each.name), "y": _short(each.y),
            "x": [plot_text(text) for text in each.texts] if each.texts else _short(each.x),
            "hovertemplate": f"{plot_text(each.name)}: %{{y}}<extra></extra>",
            "marker": {"color": _color(each.model), "line": {"width": 0}},
        }
        for each in series
    ]  # fmt: skip
    spans = [f"{printable(each.name)} {_span(each.y)}" for each in series]
    layout = {"xaxis": {"title": {"text": plot_text(axis)}}, "barmode": "group", "bargap": 0.25, "height": 260}
    return Figure(title, f"{title}: {'; '.join(spans)}", data, layout)


def plane(title: str, series: Sequence[Series]) -> Figure:
    """Return valence and arousal of frames as points in the circle of radius 1."""
    data = [
        {
            "type": "scatter", "mode": "markers", "name": plot_text(each.name),
            "x": _short(_spread(each.x)), "y": _short(_spread(each.y)),
            "hovertemplate": f"{plot_text(each.name)}<br>valence %{{x}}, arousal %{{y}}<extra></extra>",
            "marker": {"size": 5, "opacity": 0.55, "color": _color(each.model)},
        }
        for each in series
    ]  # fmt: skip
    circle = {"type": "circle", "x0": -1, "x1": 1, "y0": -1, "y1": 1, "line": {"width": 1, "color": {"css": "--line"}}}
    axis = {"range": [-1.05, 1.05], "dtick": 0.5, "zeroline": True}
    layout = {
        "xaxis": {**axis, "title": {"text": "valence"}, "constrain": "domain"},
        "yaxis": {**axis, "title": {"text": "arousal"}, "scaleanchor": "x", "constrain": "domain"},
        "shapes": [circle], "height": 380,
    }  # fmt: skip
    spans = [f"{printable(each.name)} valence {_span(each.x)}, arousal {_span(each.y)}" for each in series]
    return Figure(title, f"{title}: {'; '.join(spans)}", data, layout)


def thinned(times: Values, values: Values, higher_is_better: bool | None = None) -> tuple[Values, Values, int]:
    """Return at most `MOST_POINTS` points of a curve, and the number of frames that one stands for.

    Of each run of frames it is the worst one; the first where no direction is worse.
    """
    step = math.ceil(len(values) / MOST_POINTS)
    if step <= 1:
        return times, values, 1
    if higher_is_better is None:
        return times[::step], values[::step], step
    kept = []
    for start in range(0, len(values), step):
        part = [(value, i) for i, value in enumerate(values[start : start + step], start) if value is not None]
        finite = [each for each in part if not math.isnan(each[0])]
        kept.append((min if higher_is_better else max)(finite)[1] if finite else start)
    return [times[i] for i in kept], [values[i] for i in kept], step


def plot_text(text: str) -> str:
    """Return a text of any origin as Plotly shows it: its own small HTML is switched off."""
    return html.escape(printable(text))


def _lane(name: str) -> str:
    name = printable(name)
    return html.escape(name if len(name) <= 22 else f"{name[:21]}…")


def _color(model: int | None) -> dict[str, str]:
    return {"css": "--real" if model is None else f"--m{model % COLORS}"}


def _dash(model: int | None) -> str:
    return "dot" if model is None else ("solid", "dash", "dashdot")[model // COLORS % 3]


def _short(values: Iterable[float | None]) -> list[float | None]:
    """Return numbers of five digits; None where there is none that can be drawn."""
    return [None if value is None or not math.isfinite(value) else float(f"{value:.5g}") for value in values]


def _steps(x: Values) -> Mapping[str, Any]:
    """Return the places of a curve; where they have one distance, by the first and the distance."""
    if len(x) > 2 and None not in x:
        first, step = float(x[0] or 0.0), (float(x[-1] or 0.0) - float(x[0] or 0.0)) / (len(x) - 1)
        if all(abs(first + i * step - float(value or 0.0)) < 6e-4 for i, value in enumerate(x)):
            return {"x0": round(first, 6), "dx": round(step, 9)}
    return {"x": _short(x)}


def _spread(values: Values) -> Values:
    return values[:: max(1, math.ceil(len(values) / MOST_ON_PLANE))]


def _span(values: Iterable[float | None]) -> str:
    """Return the smallest and the largest of some values in words."""
    found = [value for value in values if value is not None and math.isfinite(value)]
    if not found:
        return "has no value"
    low, high = f"{min(found):.4g}", f"{max(found):.4g}"
    return low if low == high else f"{low} to {high}"
