"""The HTML report as text: everything stands in it, nothing in it acts, and it stays small."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from comparison.results_of_models import two_models
from reports.pages import HOSTILE, KEYS, UNITS, full_result
from reports.results import result

from thm_torchmetrics import reports
from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.errors import InputError, MissingExtraError
from thm_torchmetrics.reports.cells import decimals, number
from thm_torchmetrics.reports.figures import MOST_POINTS, thinned
from thm_torchmetrics.reports.html import comparison_to_html, to_html
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.scoring.result import Result

Models = dict[str, Result]

VOID = {"meta", "link", "img", "br", "path"}


class Page(HTMLParser):
    """The parts of a page: its text without scripts and styles, its tables, and the figures' data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts[-1] += data
            return
        if "style" not in self.open:
            self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def plots(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.scripts[0])
        return found


@pytest.fixture(scope="module")
def models() -> Models:
    return {"ours": full_result(0), "theirs": full_result(1)}


@pytest.fixture(scope="module")
def page(models: Models) -> Page:
    return Page(to_html(models))


def test_every_value_of_every_clip_and_model_stands_in_a_table(models: Models, page: Page) -> None:
    for name, found in models.items():
        for clip in found.clips:
            (row,) = [row for row in page.rows if row[:2] == [clip.clip, name]]
            expected = []
            for key in KEYS:
                totals = [each.metrics[key].value for each in models.values()]
                totals += [1.5] if key == "cpbd" else []
                places = decimals(found.metrics[key].unit, totals)
                expected.append(number(clip.metrics[key].value if key in clip.metrics else None, places))
            assert row[2:] == [clip.status, *expected]


def test_the_best_and_the_second_are_marked_by_the_direction(models: Models, page: Page) -> None:
    for key in ("psnr", "lmd"):
        values = {name: found.metrics[key].value for name, found in models.items()}
        best = (max if key == "psnr" else min)(values, key=lambda name: values[name])
        row = next(row for row in page.rows if row[0].startswith(f"{key}* "))
        assert [cell.endswith("(best)") for cell in row[3:5]] == [name == best for name in values]
        assert [cell.endswith("(second)") for cell in row[3:5]] == [name != best for name in values]


def test_curves_hold_every_frame_of_every_clip(models: Models, page: Page) -> None:
    drawn = [trace["y"] for plot in page.plots for trace in plot["data"] if trace["type"] == "scatter"]
    for found in models.values():
        for clip in found.clips:
            for score in clip.metrics.values():
                for name, values in (score.per_frame or {}).items():
                    assert name == "time" or [float(f"{value:.5g}") for value in values] in drawn


def test_points_lead_to_the_section_of_their_clip(page: Page) -> None:
    ids = {value for _, name, value in page.attributes if name == "id"}
    boxes = [trace for plot in page.plots for trace in plot["data"] if trace["type"] == "box"]
    assert {link for box in boxes for link in box["customdata"]} == {"clip-1", "clip-2", "clip-3"}
    assert ids >= {"clip-1", "clip-2", "clip-3"}
    assert all(
        link in ids for _, name, value in page.attributes if name == "href" for link in [value[1:]] if value[0] == "#"
    )


def test_offsets_units_and_the_plane_are_drawn(models: Models, page: Page) -> None:
    bars = [trace for plot in page.plots for trace in plot["data"] if trace["type"] == "bar"]
    assert [-1, 0] in [bar["x"] for bar in bars]
    assert [unit[2:] for unit in UNITS] in [bar["x"] for bar in bars]
    clip = models["ours"].clips[1]
    series = [clip.metrics[key].per_frame["preds"] for key in ("v-rmse", "a-rmse")]
    drawn = [[trace.get("x"), trace["y"]] for plot in page.plots for trace in plot["data"] if "y" in trace]
    assert series in drawn
    curve = models["ours"].clips[1].metrics["lse-d"].detail["tracks"][0]["curve"]
    assert [float(f"{value:.5g}") for value in reversed(curve)] in [y for _, y in drawn]


def test_what_failed_was_skipped_or_remarked_is_told_with_its_reason(page: Page) -> None:
    for told in (
        "no face was found", "the frame rate varies", "no checkpoint", "fid: few frames", "87.5%", "thm score DATA",
        "sha256 abababababab, custom", "* all metrics: every 2nd frame only", "torch 2.9", "Landmarks by dlib.",
    ):  # fmt: skip
        assert told in page.text


def test_pictures_are_webp_inside_the_page_and_have_alternatives_in_words(page: Page) -> None:
    sources = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert len(sources) == 2 * 6
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    alternatives = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert set(alternatives) >= {"Generated frame 0 of clip 1", "Real frame 0 of clip 1"}


def test_every_figure_has_a_name_in_words(page: Page) -> None:
    labels = [
        value for tag, name, value in page.attributes if name == "aria-label" and value.startswith("Distribution")
    ]
    assert len(labels) == len(KEYS) - 1
    places = [value for _, name, value in page.attributes if name == "data-plot"]
    roles = [value for _, name, value in page.attributes if (name, value) == ("role", "img")]
    assert len(places) == len(roles) == len(page.plots)


def test_hostile_names_change_neither_the_page_nor_the_figures() -> None:
    plain, hostile = full_result(0), full_result(0, name=HOSTILE)
    hostile.clips[0].errors[0] = f"lmd: {HOSTILE}"
    hostile.clips[0].notes[0] = HOSTILE
    hostile.skipped = {HOSTILE: HOSTILE}
    text = to_html({"m": plain, HOSTILE: hostile})
    safe, tame = Page(text), Page(to_html({"m": plain, "n": full_result(0, name="other")}))
    assert len(safe.scripts) == len(tame.scripts)
    assert safe.scripts[1:] == tame.scripts[1:]
    assert [(tag, name) for tag, name, _ in safe.attributes] == [(tag, name) for tag, name, _ in tame.attributes]
    assert printable(HOSTILE) in safe.text
    assert "\u202e" not in text
    assert "<script>document" not in text
    for label in re.findall(r'"(?:text|name)":("(?:[^"\\]|\\.)*")', safe.scripts[0]):
        assert "<" not in json.loads(label)  # Plotly would take it for a tag
    boxes = [trace for plot in safe.plots for trace in plot["data"] if trace["type"] == "box"]
    assert f"{printable(HOSTILE)} 1" in [unescape(name) for box in boxes for name in box["text"]]


def test_a_page_loads_nothing(page: Page) -> None:
    loaded = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action")]
    assert [value for value in loaded if not value.startswith(("data:", "#"))] == []
    policy = [value for _, name, value in page.attributes if name == "content" and "default-src" in value]
    assert policy[0].startswith("default-src 'none';")


@pytest.mark.slow
def test_fifty_clips_of_three_models_take_at_most_15_mb() -> None:
    models = {f"model {seed}": full_result(seed, clips=50, frames=500, stills=2) for seed in range(3)}
    assert len(to_html(models).encode()) <= 15_000_000


def test_a_comparison_shows_the_values_of_common_clips_with_intervals_and_tests() -> None:
    models = {"ours": two_models(20)["ours"], "base": two_models(19)["base"]}
    found = compare_models(models, common=True, resamples=199, correlations=True)
    shown = Page(comparison_to_html(found))
    for key, row in zip(("psnr", "ssim"), shown.rows[1:3], strict=True):
        cells = found.cells[key]
        assert [cell.clips for cell in cells.values()] == [19, 19]
        for cell, text in zip(cells.values(), row[2:4], strict=True):
            assert cell.interval is not None
            value, low, high = map(float, re.findall(r"\d+\.\d+", text))
            places = len(text.split(".")[1].split("†")[0].split(" ")[0])
            assert (value, low, high) == tuple(round(end, places) for end in (cell.value, *cell.interval[:2]))
    of_psnr, of_ssim = found.differences
    rows = [row for row in shown.rows if row[1:2] == ["base"] and row[0] in ("psnr", "ssim")]
    assert [float(row[4]) for row in rows[:2]] == [round(of_psnr.p_holm, 3), round(of_ssim.p_holm, 3)]
    assert ["†" in row[3] for row in shown.rows[1:3]] == [True, False]
    assert "† differs from ours, p < 0.05 after Holm's correction" in shown.text
    assert all(printable(line) in shown.text for line in (*found.notes, *found.left_out))
    assert sum(row[1:2] == ["psnr, ssim"] for row in shown.rows) == 2
    assert "no test of significance" not in shown.text


def test_models_may_lack_clips_and_metrics_of_others() -> None:
    few = full_result(1, clips=1)
    del few.metrics["psnr"]
    found = Page(to_html({"a": full_result(0), "b": few, "c": result((), ())}))
    assert [row[1] for row in found.rows if row[0] == "clip 2" and len(row) > 3] == ["a"]


def test_a_result_without_values_of_frames_is_a_page_without_curves() -> None:
    found = Page(to_html(full_result(0).without_frames()))
    assert {trace["type"] for plot in found.plots for trace in plot["data"]} == {"box", "scatter", "bar"}
    assert {trace["mode"] for plot in found.plots for trace in plot["data"] if trace["type"] == "scatter"} == {
        "markers"
    }


def test_a_long_curve_keeps_the_worst_frames() -> None:
    values: list[float | None] = [float(index % 7) for index in range(2 * MOST_POINTS + 1)]
    values[100], values[101] = 50.0, None
    times: list[float | None] = [index / 25 for index in range(len(values))]
    x, y, step = thinned(times, values, higher_is_better=False)
    assert step == 3
    assert len(x) == len(y) <= MOST_POINTS
    assert 50.0 in y
    assert min(each for each in y if each is not None) >= 2  # the largest of three in a row
    x, y, step = thinned(times[:MOST_POINTS], values[:MOST_POINTS], higher_is_better=False)
    assert (list(y), step) == (values[:MOST_POINTS], 1)


def test_an_absent_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thm_torchmetrics.reports.html.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"jinja2: pip install 'thm-torchmetrics\[report\]'"):
        to_html(result())


def test_the_suffix_makes_the_page(tmp_path: Path) -> None:
    reports.write(result(), tmp_path / "a.html", "Mine")
    assert "Mine" in Page((tmp_path / "a.html").read_text(encoding="utf-8")).text
    with pytest.raises(InputError, match=r"there are .*\.html"):
        reports.format_of(tmp_path / "a.htm")
