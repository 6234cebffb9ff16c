"""The page for people says what the registry says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from weights.server import make_entry

from thm_torchmetrics import weights
from thm_torchmetrics.weights.readme import readme
from thm_torchmetrics.weights.registry import published

PAGE = Path(__file__).resolve().parents[2] / "weights" / "README.md"
SECTIONS = dict(re.findall(r"^### `(.+?)`\n(.+?)(?=^### |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S))
USE = {True: "yes", False: "**no**", None: "not settled by what the publisher says"}


def test_page_is_the_one_that_the_registry_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == readme(), "run python -m thm_torchmetrics.weights.readme"


def test_page_has_every_checkpoint_and_no_other() -> None:
    assert list(SECTIONS) == list(published())


def test_registered_checkpoint_stays_out_of_the_page(use_registry: Callable) -> None:
    use_registry(make_entry("net", b"net"))
    assert list(weights.registry()) == ["net"]
    assert PAGE.read_text(encoding="utf-8") == readme()


@pytest.mark.parametrize("name", published())
def test_section_states_the_facts_of_the_registry(name: str) -> None:
    entry, section = published()[name], SECTIONS[name]
    facts = dict(re.findall(r"^- ([\w ]+): (.+)$", section, re.M))
    assert re.findall(r"`(.+?)`", facts["File"]) == [entry.file, *entry.aliases]
    assert facts["Size"] == (f"{entry.size:,} bytes" if entry.size else "not known")
    assert re.findall(r"\b[0-9a-f]{64}\b", section) == ([entry.sha256] if entry.sha256 else [])
    assert facts["License"] == entry.license
    assert facts.get("Terms") == (f"<{entry.terms}>, to be accepted before it is fetched" if entry.terms else None)
    assert facts["Commercial use"] == USE[entry.commercial]
    assert facts["Publisher"] == f"<{entry.source}>"
    assert re.findall(r"^  - <(.+)>$", section, re.M) == list(entry.addresses)
    assert facts.get("By hand") == (f"<{entry.page}>" if entry.page else None)
    assert facts["Holds"] == entry.layout
    assert facts["Note"] == entry.note
    assert facts["Verified"] == entry.verified
    assert ("Comes with" in facts) == (entry.package is not None)
