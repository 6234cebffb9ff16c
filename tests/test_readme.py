"""README.md and the other pages: what they name exists, and their examples run."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.cli import main

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
OF_OTHERS = {"--find-links", "--no-index", "--use"}
"""Options of other programs that the pages name."""
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Command, name: str = "thm") -> Iterator[tuple[str, click.Command]]:
    """A command and those below it, by what is typed."""
    yield name, group
    if isinstance(group, click.Group):
        for each in group.commands.values():
            yield from commands(each, f"{name} {each.name}")


def test_the_test_command_is_one_line_that_the_ci_finds() -> None:
    found = re.search(r"<!-- test command -->\n```bash\n(.+?)\n```", README, re.S)
    assert found is not None
    assert found[1] == "pip install -e '.[all,test]' && python -m pytest -n auto --dist loadfile"


def test_the_table_is_the_catalog() -> None:
    """`python docs/generated.py --readme` prints the table."""
    rows = re.findall(r"^\| `(\S+)` \| `(\w+)` \| (.+?) \| .+? \| (.+) \|$", README, re.M)
    assert rows == [
        (row.key, row.name, f"{row.arrow} {row.unit}".strip(), ", ".join(f"`{each}`" for each in row.protocols))
        for row in CATALOG.values()
    ]


def test_the_page_is_short() -> None:
    prose = [line for line in README.splitlines() if not line.startswith("| `")]  # without the rows of the metrics
    assert len(prose) < 90


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_every_command_and_option_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = dict(commands(main))
    options = {option for command in known.values() for each in command.params for option in each.opts}
    for words in re.findall(r"(?:^|`)thm ([a-z]+)", text, re.M):
        assert f"thm {words}" in known
    for line in re.findall(r"(?:^|`)(thm [^`\n]+(?:\\\n[^`\n]+)*)", text, re.M):
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)) - options == set()
    for option in re.findall(r"`(--[a-z][a-z-]+)", text):
        assert option in options | OF_OTHERS
    for group in re.findall(r"`thm weights ([a-z|]+)`", text):
        assert all(f"thm weights {each}" in known for each in group.split("|"))


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = re.findall(r"`([\w.-]+/[\w/.-]*\w\.(?:py|toml|md|sh)|\w+/)`", text)
    assert links or paths
    folders = (ROOT, ROOT / "thm_torchmetrics")
    assert [path for path in (*links, *paths) if not any((folder / path).exists() for folder in folders)] == []


@pytest.mark.parametrize("page", PAGES)
def test_lines_fit_in_120_columns(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    long = {number: line for number, line in enumerate(lines, 1) if len(line) > 120}
    assert {number: line for number, line in long.items() if not line.startswith("| ")} == {}  # rows cannot be broken


def test_the_version_stands_in_one_place() -> None:
    assert "version:" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8").replace("cff-version:", "")
