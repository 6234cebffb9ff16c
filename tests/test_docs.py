"""The pages in docs/ say what the package does."""

import re
import runpy
from pathlib import Path

import pytest

from thm_torchmetrics.catalog import CATALOG, LACKING, SUITES, find_choice

DOCS = Path(__file__).parents[1] / "docs"
PAPERS = [name for name in SUITES if name not in ("all", "offline")]


def rows(suite: str) -> list[tuple[str, str, str]]:
    """The rows of a suite's table: the paper's name, what is measured here, and by what."""
    section = (DOCS / "suites.md").read_text(encoding="utf-8").partition(f"\n## {suite}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", section, re.M)
    return [row for row in found if row[0] != "the paper's row"]


@pytest.mark.parametrize("suite", PAPERS)
def test_the_page_of_suites_lists_every_member_and_what_is_lacking(suite: str) -> None:
    table = rows(suite)
    assert [here.strip("`") for _, here, _ in table if here != "-"] == list(SUITES[suite])
    lacking = {name: why for name, here, why in table if here == "-"}
    assert lacking.keys() == LACKING.get(suite, {}).keys()
    for name, why in lacking.items():
        assert LACKING[suite][name].startswith(why)


def test_suites_of_papers_are_described_in_their_order_and_name_what_exists() -> None:
    page = (DOCS / "suites.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", page, re.M) == PAPERS
    for members in SUITES.values():
        for text in members:
            assert find_choice(text).name == text


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_protocol_that_a_page_names_exists(page: Path) -> None:
    for key, protocol in re.findall(r"`([a-z][a-z0-9-]*):([a-z0-9-]+)`", page.read_text(encoding="utf-8")):
        assert find_choice(f"{key}:{protocol}").protocol == protocol


def test_the_share_of_papers_is_that_of_the_steps_that_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(DOCS / "papers_share.py"))
    steps = script["read"]("papers_share.csv")
    assert [int(step["papers"]) for step in steps] == [180, 233, 267, 331, 364, 425, 444, 474]
    keys = {key for step in steps[:3] for key in step["needs"].split()}
    assert script["filled"](steps, keys) == 267
    assert script["filled"](steps, keys - {"fvd"} | {"lve", "fdd", "mve"}) == 180
    script["main"]()
    papers = script["filled"](steps, set(CATALOG))
    assert f"the whole automatic table of {papers} of 492 papers: {papers / 492:.1%}" in capsys.readouterr().out
    assert papers >= 267
