"""The facts of the project stand in one place each."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
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


def imported(path: Path) -> Iterator[str]:
    """Yield the first names of all modules that a file imports, also within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def plain(name: str) -> str:
    """Return the name of a distribution as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def homes() -> dict[str, set[str]]:
    """Return the distributions that hold each module; dlib-bin does not say itself that it holds dlib."""
    found: dict[str, set[str]] = {}
    for distribution in metadata.distributions():
        name = plain(distribution.name)
        for line in (distribution.read_text("RECORD") or "").splitlines():
            found.setdefault(re.split(r"[/.,]", line)[0], set()).add(name)
    return found


def undeclared(folders: Iterable[str], extras: Iterable[str]) -> dict[str, str]:
    """Return the modules that files import and no requirement brings, each with a file."""
    project = PROJECT["project"]
    claims = [
        *project["dependencies"],
        *(claim for extra in extras for claim in project["optional-dependencies"][extra]),
    ]
    named = {plain(re.split(r"[<>=\[;]", claim)[0]) for claim in claims}
    own = {"thm_torchmetrics", *sys.stdlib_module_names}
    own |= {path.stem for folder in ("tests", "tests/benchmarks", "docs") for path in (ROOT / folder).iterdir()}
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {name: str(path.relative_to(ROOT)) for path in files for name in imported(path) if name not in own}
    brought = homes()
    return {name: path for name, path in found.items() if not brought.get(name, set()) & named}


def test_what_is_imported_is_required() -> None:
    """A fresh environment lacked a package that the developers' machines had, and four test modules with it."""
    extras = [extra for extra in PROJECT["project"]["optional-dependencies"] if extra not in ("all", "test")]
    assert undeclared(["thm_torchmetrics"], extras) == {}
    assert undeclared(["tests", "examples", "docs"], [*extras, "test"]) == {}
