"""Links between the pages lead to files and headings that exist; those to the web are not followed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "weights/README.md", *sorted((ROOT / "docs").glob("*.md"))]
BUILT = (ROOT / "docs/_generated", ROOT / "docs/_gallery")
"""Folders that `nox -s docs` makes; it follows the links into them."""


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^(`{3,})[^`\n]*\n.*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def links(page: Path) -> Iterator[str]:
    """The targets of the links and pictures of a page, without those in the web."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page))):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+?) *$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if any(target.is_relative_to(folder) for folder in BUILT):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# One `two`!\n[a](a.md#one-two) [b](#one) [c](c.md) ![d](d.png) [e](https://x.org) `[f](f)`\n", "utf-8"
    )
    assert broken(page) == ["#one", "c.md", "d.png"]
