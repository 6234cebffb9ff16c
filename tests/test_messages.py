"""Errors and warnings: all are collected, in one voice, and what the tests reach is written down."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "docs/messages.py"))
MESSAGES = SCRIPT["collect"]()

REACH = """
import sys
from pathlib import Path
from raised import record_into
record_into(Path(sys.argv[1]))
import pytest
from click.testing import CliRunner
from thm_torchmetrics import PeakSignalNoiseRatio
from thm_torchmetrics.catalog import find_choice
from thm_torchmetrics.cli import main
from thm_torchmetrics.errors import InputError
with pytest.raises(InputError):
    find_choice("no-such-metric")
with pytest.warns(UserWarning, match="PeakSignalNoiseRatio is NaN") as caught:
    PeakSignalNoiseRatio().compute()
assert caught[0].filename == "<string>", caught[0].filename
assert CliRunner().invoke(main, ["cache", "prune", "."]).exit_code == 2
"""


def test_what_is_reached_is_written_down(tmp_path: Path) -> None:
    """An error, a warning with the line of its caller, and an error of the command line."""
    file = tmp_path / "raised.txt"
    subprocess.run([sys.executable, "-c", REACH, file], check=True, cwd=Path(__file__).parent)
    lacking = SCRIPT["unreached"]([file])
    assert {(each.module, each.kind) for each in MESSAGES if each.raised and each not in lacking} == {
        ("catalog/find.py", "InputError"),
        ("core/metric.py", "UserWarning"),
        ("cli/cache.py", "UsageError"),
    }


def test_every_excuse_has_a_reason_and_a_message() -> None:
    for (module, text), reason in SCRIPT["UNREACHABLE"].items():
        assert reason
        assert [each for each in MESSAGES if each.module == module and each.text.startswith(text)], (module, text)


def test_every_function_that_makes_texts_exists() -> None:
    assert {module for module, _ in SCRIPT["TEXTS"]} == {each.module for each in MESSAGES if not each.raised}


REMEDIES = (
    r"[;?] ",  # what is wrong; what to do
    r"\. [A-Z]",  # the same, as two sentences
    r"\b(must|needs?|needed|takes?|give|leave|name|mend|separate|exclude|install)\b",
    r"such as|should be|is none of|is no option|there is no such|holds Unicode|OpenFace has|at least one|is a tensor",
    r"only the word|the limit is|: a shard is",
    r"^(--config )?\{\w+\}: (is |\{key\} has |\{key\} = \{value\}: )?\{\w+\}$",  # the words of another one
    r"here: \{lack\}$|in it was run: \{error\}$|not accepted: \{reason\}|wrote no table\. \{ending\}\{text\}",
)


def test_every_error_says_what_is_needed_or_what_to_do() -> None:
    errors = [each for each in MESSAGES if each.raised and not each.kind.endswith("Warning")]
    assert [each.text for each in errors if not re.search("|".join(REMEDIES), each.text, re.IGNORECASE)] == []


def test_messages_have_one_voice() -> None:
    odd = re.compile(r"!|\b(please|sorry|oops|invalid|simply|just)\b|  |(?<!\.)\.$", re.IGNORECASE)
    assert [each for each in MESSAGES if odd.search(each.text.strip())] == []
