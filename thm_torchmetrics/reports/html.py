"""Write results as one HTML page that needs no other file and no network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

from PIL import Image

from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.errors import MissingExtraError
from thm_torchmetrics.reports import comparison_cells
from thm_torchmetrics.reports.figures import REAL, Figure
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.reports.page_content import CLIPS_WITH_CURVES, Content, facts
from thm_torchmetrics.reports.page_figures import PageFigures
from thm_torchmetrics.scoring.result import Result
from thm_torchmetrics.scoring.still import Picture, Still

MOST_STILLS = 72
"""The most frames of which a page shows pictures, over all models."""
_QUALITY = 80


class ShownStill(NamedTuple):
    """A shown still is a frame with its place and its pictures as the page embeds them."""

    clip: str
    link: str
    model: int
    still: Still
    preds: ShownPicture
    target: ShownPicture | None


class ShownPicture(NamedTuple):
    """A shown picture is a WebP file as a data URL, its size, and its landmarks as a path of SVG."""

    url: str
    width: int
    height: int
    points: str


def to_html(result: Result | Mapping[str, Result], name: str = "Ours") -> str:
    """Return one self-contained page: tables, figures, the worst frames, coverage, failures and provenance.

    Values of single frames are drawn where the result has them: those of a run with ``--per-frame`` or ``--report``.

    Args:
        result: the result of one model, or results by the names of their models.
        name: the name of a single model.

    Raises:
        MissingExtraError: if Jinja2 or Plotly is not installed.
    """
    return _page(Content({name: result} if isinstance(result, Result) else result))


def comparison_to_html(comparison: Comparison) -> str:
    """Return the page of the models of a comparison, with its values, intervals, differences and tests.

    Raises:
        MissingExtraError: if Jinja2 or Plotly is not installed.
    """
    return _page(Content(comparison.models, comparison))


def _page(content: Content) -> str:
    check_html()
    import jinja2
    import plotly.offline

    links = {clip: f"clip-{place}" for place, clip in enumerate(content.clips, 1)}
    figures = PageFigures(content, links)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("thm_torchmetrics.reports", "page"), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"printable": printable, "plain_json": _json}
    drawn: list[Figure] = []
    stills = list(_stills(content, links))

    def draw(figure: Figure) -> int:
        drawn.append(figure)
        return len(drawn)

    body = environment.get_template("body.html.j2").render(
        content=content, figures=figures, draw=draw, links=links, stills=stills, real=REAL, facts=facts,
        shown_stills=_told_stills(content, stills), curves_of=CLIPS_WITH_CURVES, cells=comparison_cells,
    )  # fmt: skip
    plots = [{"data": figure.data, "layout": figure.layout} for figure in drawn]
    return environment.get_template("page.html.j2").render(
        body=body, title=_title(content), plots=_json(plots), plotly=plotly.offline.get_plotlyjs()
    )


def check_html() -> None:
    """Raise an error if the packages of the page are absent.

    Raises:
        MissingExtraError: if one is.
    """
    for package in ("jinja2", "plotly"):
        if find_spec(package) is None:
            raise MissingExtraError(f"an HTML report needs {package}: pip install 'thm-torchmetrics[report]'")


def _title(content: Content) -> str:
    return "Talking-head metrics: " + ", ".join(map(printable, content.names))


def _json(value: Any) -> str:
    """Return JSON that ends no script and opens no tag."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _stills(content: Content, links: Mapping[str, str]) -> Iterator[ShownStill]:
    """Yield the pictures of all clips, as many of each model as there is room for."""
    room = [MOST_STILLS // max(1, len(content.names))] * len(content.names)
    for clip in content.clips:
        for model, found in enumerate(content.by_clip[clip]):
            for still in found.stills[: room[model]] if found else []:
                room[model] -= 1
                target = None if still.target is None else _shown(still.target)
                yield ShownStill(clip, links[clip], model, still, _shown(still.preds), target)


def _shown(picture: Picture) -> ShownPicture:
    height, width = picture.pixels.shape[:2]
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "WEBP", quality=_QUALITY, method=4)
    url = "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    points = "" if picture.points is None else "".join(f"M{x + 0.5:.1f} {y + 0.5:.1f}h0" for x, y in picture.points)
    return ShownPicture(url, width, height, points)


def _told_stills(content: Content, stills: list[ShownStill]) -> str:
    """Return in words which frames are shown."""
    shown = len({(each.clip, each.model) for each in stills})
    networks = dict.fromkeys(each.still.landmarks for each in stills if each.still.landmarks)
    text = (
        f"{len(stills)} frames of {shown} clips{' of the models' if len(content.names) > 1 else ''}: the worst clips "
        "by the mean of their places over the metrics, and of each the worst frame by up to three metrics."
    )
    return text + (f" Landmarks by {', '.join(networks)}." if networks else "")
