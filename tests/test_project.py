"""The facts of the project stand in one place each."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import thm_torchmetrics

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_stands_in_the_package_alone() -> None:
    assert "version" in PROJECT["project"]["dynamic"]
    assert "version" not in PROJECT["project"]
    assert metadata.version("thm-torchmetrics") == thm_torchmetrics.__version__
    assert not re.search(r"^version:", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.M)


def test_every_python_that_is_claimed_is_required() -> None:
    classifiers = [text for text in PROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", text)]
    minors = [int(text.rpartition(".")[2]) for text in classifiers]
    assert PROJECT["project"]["requires-python"] == f">=3.{min(minors)}"
    assert minors == list(range(min(minors), max(minors) + 1))


def test_the_fast_tests_exist() -> None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    named = re.findall(r'^    "(tests/[^"]+)",$', text, re.M)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
