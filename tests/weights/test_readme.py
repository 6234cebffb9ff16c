"""The page for people says what the registry says."""

import re
from pathlib import Path

import pytest

from thm_torchmetrics import weights

PAGE = Path(__file__).resolve().parents[2] / "weights" / "README.md"
SECTIONS = dict(re.findall(r"^### `(.+?)`\n(.+?)(?=^### |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S))
USE = {True: "yes", False: "**no**", None: "not settled by what the publisher says"}


def test_page_has_every_checkpoint_and_no_other() -> None:
    assert list(SECTIONS) == list(weights.registry())


@pytest.mark.parametrize("name", weights.registry())
def test_section_states_the_facts_of_the_registry(name: str) -> None:
    weight, section = weights.registry()[name], SECTIONS[name]
    facts = dict(re.findall(r"^- ([\w ]+): (.+)$", section, re.M))
    assert re.findall(r"`(.+?)`", facts["File"]) == [weight.file, *weight.aliases]
    assert facts["Size"] == (f"{weight.size:,} bytes" if weight.size else "not known")
    assert re.findall(r"\b[0-9a-f]{64}\b", section) == ([weight.sha256] if weight.sha256 else [])
    assert facts["License"] == weight.license
    assert facts["Commercial use"] == USE[weight.commercial]
    assert facts["Publisher"] == f"<{weight.source}>"
    assert re.findall(r"^  - <(.+)>$", section, re.M) == list(weight.urls)
    assert facts.get("By hand") == (f"<{weight.page}>" if weight.page else None)
    assert facts["Holds"] == weight.layout
    assert facts["Note"] == weight.note
    assert ("Comes with" in facts) == (weight.package is not None)
