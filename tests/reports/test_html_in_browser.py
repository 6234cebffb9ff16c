"""The HTML report in headless Chromium: no error, no request, and everything works by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from reports.browser import Browser, browser
from reports.pages import HOSTILE, full_result
from selenium.webdriver.common.keys import Keys

from thm_torchmetrics.comparison.compare import compare_models
from thm_torchmetrics.reports.html import comparison_to_html
from thm_torchmetrics.reports.names import printable


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    models = {"ours": full_result(0, clips=4), HOSTILE: full_result(1, clips=4)}
    models[HOSTILE].clips[2].clip = models["ours"].clips[2].clip = HOSTILE
    path.write_text(comparison_to_html(compare_models(models, correlations=True)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


def press(chromium: Browser, selector: str, key: str = Keys.ENTER) -> None:
    """Focus an element as the keyboard does, and press a key."""
    element = chromium.one(selector)
    chromium.run("arguments[0].focus()", element)
    assert chromium.run("document.activeElement === arguments[0]", element)
    element.send_keys(key)


def show_distributions(chromium: Browser) -> None:
    """Scroll to the first figures; those that are out of sight are not drawn yet."""
    chromium.run("document.getElementById('distributions').scrollIntoView()")


def test_all_figures_are_drawn_without_an_error_or_a_request(chromium: Browser, page: Path) -> None:
    chromium.requests()
    chromium.open(page)
    chromium.draw_all()
    assert chromium.errors() == []
    assert chromium.requests() == [page.as_uri()]
    assert len(chromium.all("[data-plot] svg.main-svg")) >= len(chromium.all("[data-plot]")) > 20
    assert chromium.driver.title.startswith("Talking-head metrics: ours, ")
    assert printable(HOSTILE) in chromium.driver.title


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_page_without_scrolling_sideways(chromium: Browser, page: Path, dark: bool) -> None:
    chromium.open(page, width=390, dark=dark)
    chromium.draw_all()
    assert chromium.run("document.documentElement.scrollWidth") <= 390
    color = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, color[4:-1].split(","))) < 200) == dark


def test_the_table_is_sorted_by_keyboard_and_says_so(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    head = "#clips table.sortable thead th:nth-child(4)"
    cells = (
        "[...document.querySelectorAll('#clips table.sortable tbody td:nth-child(4)')].map((each) => each.textContent)"
    )
    unsorted = chromium.run(cells)
    for key, order in ((Keys.ENTER, "ascending"), (Keys.SPACE, "descending")):
        press(chromium, f"{head} button", key)
        assert chromium.one(head).get_attribute("aria-sort") == order
        shown = [float(text) for text in chromium.run(cells)]
        assert shown == sorted(map(float, unsorted), reverse=order == "descending")
    press(chromium, "#clips table.sortable thead th:nth-child(1) button")
    assert chromium.one(head).get_attribute("aria-sort") == "none"


def test_missing_values_stay_last(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    for _ in range(2):
        press(chromium, "#clips table.sortable thead th:nth-child(5) button")
        shown = chromium.run(
            "[...document.querySelectorAll('#clips table.sortable tbody td:nth-child(5)')].map((e) => e.dataset.sort)"
        )
        assert shown[-2:] == [None, None]
        assert None not in shown[:-2]


def test_the_theme_changes_by_keyboard_with_the_figures(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    show_distributions(chromium)
    chromium.wait("document.querySelector('[data-drawn] .boxlayer path.box') !== null")
    line = "getComputedStyle(document.querySelector('[data-drawn] .boxlayer path.box')).stroke"
    light = chromium.run(line)
    assert chromium.one("#theme").get_attribute("aria-pressed") == "false"
    press(chromium, "#theme")
    assert chromium.one("#theme").get_attribute("aria-pressed") == "true"
    chromium.wait(f"{line} !== '{light}'")
    press(chromium, "#theme", Keys.SPACE)
    chromium.wait(f"{line} === '{light}'")


def test_tab_reaches_the_skip_link_first(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    chromium.one("body").send_keys(Keys.TAB)
    assert chromium.run("document.activeElement.className") == "skip"
    chromium.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert chromium.run("document.activeElement.id") == "main"


def test_a_point_and_a_link_open_the_section_of_their_clip(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    assert not chromium.run("document.getElementById('clip-2').open")
    press(chromium, "#clips a[href='#clip-2']")
    chromium.wait("document.getElementById('clip-2').open")
    chromium.wait("document.querySelector('#clip-2 [data-drawn]') !== null")
    show_distributions(chromium)
    chromium.wait("document.querySelector('#distributions [data-drawn]') !== null")
    place = "document.querySelector('#distributions [data-drawn]')"
    chromium.run(f"{place}.emit('plotly_click', {{points: [{{customdata: 'clip-4'}}]}})")
    chromium.wait("document.getElementById('clip-4').open")


def test_landmarks_are_hidden_by_keyboard(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    shown = "getComputedStyle(document.querySelector('.points')).display"
    assert chromium.run(shown) != "none"
    press(chromium, "#points", Keys.SPACE)
    assert chromium.run(shown) == "none"
    assert chromium.one("#points").get_attribute("aria-pressed") == "false"


def test_figures_and_controls_have_names(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    assert chromium.run("[...document.querySelectorAll('button, a, summary')].every((each) => each.textContent.trim())")
    assert chromium.run("[...document.querySelectorAll('[role=img]')].every((each) => each.ariaLabel.length > 10)")
    assert chromium.run("[...document.querySelectorAll('img')].every((each) => each.alt.length > 10)")
    assert chromium.run("[...document.querySelectorAll('[role=region]')].every((each) => each.ariaLabel)")
