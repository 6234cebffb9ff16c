"""The rooms of the package and the direction of imports, as ARCHITECTURE.md states them; and the size of its parts."""

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import thm_torchmetrics

PACKAGE = "thm_torchmetrics"
ARCHITECTURE = Path(__file__).parents[1] / "ARCHITECTURE.md"
FOR_ALL = "errors"
DATA_OF_CORE = {f"core.{name}" for name in ("chunk", "clip", "inputs", "score", "sums")}
MODULE_LINES = 310
CLASS_METHODS = 20


class Module:
    """A module of the package.

    Attributes:
        name: without the package's name; ``__init__`` for the package itself.
        text: its source.
        nodes: all nodes of its syntax tree, but for what it does when it is run as a program.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        parts = [part for part in ast.parse(text).body if not _is_program(part)]
        self.nodes = [node for part in parts for node in ast.walk(part)]

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every name that it imports, with the line: on top, in functions, for type checking, by `import_module`."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno} is a relative import"
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
                name = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                if isinstance(name, ast.Constant):
                    yield str(name.value).rstrip("."), node.lineno


class Arrow(NamedTuple):
    """An import of one module of the package by another."""

    source: Module
    target: Module
    line: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line} -> {self.target.name}"


def _is_program(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def read_package() -> dict[str, Module]:
    root = Path(next(iter(thm_torchmetrics.__path__)))
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    names = {path: ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in texts}
    return {names[path]: Module(names[path], text) for path, text in texts.items()}


def arrows_of(modules: Mapping[str, Module]) -> list[Arrow]:
    found = []
    for module in modules.values():
        for name, line in module.imports():
            if name.partition(".")[0] != PACKAGE:
                continue
            target = name.removeprefix(PACKAGE).removeprefix(".")
            if target not in modules:  # a name inside a module, or in the package itself
                target = target.rpartition(".")[0] or "__init__"
            assert target in modules, f"{module.name}:{line} imports {name}, which is no module"
            if target != module.name:
                found.append(Arrow(module, modules[target], line))
    return found


def circle(arrows: Collection[Arrow]) -> list[str]:
    """The modules of an import circle; nothing if there is none."""
    graph: dict[str, set[str]] = {}
    for arrow in arrows:
        graph.setdefault(arrow.source.name, set()).add(arrow.target.name)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def tables(text: str) -> list[list[list[list[str]]]]:
    """The tables of a Markdown text, without their heads: the words in backticks, by cell, row and table."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.M)
    rows = [[line.split("|")[1:-1] for line in block.splitlines()[2:]] for block in blocks]
    return [[[re.findall(r"`([^`]+)`", cell) for cell in cells] for cells in block] for block in rows]


MODULES = read_package()
ARROWS = arrows_of(MODULES)
ROOMS, LIBRARIES = tables(ARCHITECTURE.read_text(encoding="utf-8"))
ORDER = [room for (room,), _, _ in ROOMS]
ALLOWED = {(room, other) for (room,), _, imports in ROOMS for other in imports}
HOMES = {library: set(homes) for libraries, homes in LIBRARIES for library in libraries}


def importers(library: str, except_in: Collection[str] = ()) -> list[str]:
    """The places where a library is imported outside some rooms and modules."""
    return [
        f"{module.name}:{line}"
        for module in MODULES.values()
        for name, line in module.imports()
        if name.partition(".")[0] == library and not {module.name, module.room} & set(except_in)
    ]


def places(found: Callable[[str], object], except_in: Collection[str] = ()) -> list[str]:
    """The places outside some rooms and modules where a dotted name, as it stands in the code, is of a kind."""
    return [
        f"{module.name}:{node.lineno}"
        for module in MODULES.values()
        if not {module.name, module.room} & set(except_in)
        for node in module.nodes
        if isinstance(node, ast.Name | ast.Attribute) and found(ast.unparse(node))
    ]


def test_the_table_has_every_room_once() -> None:
    assert sorted(ORDER) == sorted({module.room for module in MODULES.values()})


def test_the_table_points_down() -> None:
    assert [(room, other) for room, other in ALLOWED if ORDER.index(room) >= ORDER.index(other)] == []


def test_every_import_is_in_the_table() -> None:
    crossing = [arrow for arrow in ARROWS if arrow.source.room != arrow.target.room != FOR_ALL]
    assert [str(arrow) for arrow in crossing if (arrow.source.room, arrow.target.room) not in ALLOWED] == []


def test_every_arrow_of_the_table_is_used() -> None:
    assert ALLOWED - {(arrow.source.room, arrow.target.room) for arrow in ARROWS} == set()


def test_no_module_is_in_an_import_circle() -> None:
    assert circle(ARROWS) == []


def test_the_data_of_core_knows_no_metric() -> None:
    assert set(MODULES) >= DATA_OF_CORE
    assert [
        str(arrow) for arrow in ARROWS if arrow.source.name in DATA_OF_CORE and arrow.target.room == "catalog"
    ] == []


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_in_its_homes_and_nowhere_else(library: str) -> None:
    homes = HOMES[library]
    assert importers(library, except_in=homes) == []
    assert [home for home in homes if not importers(library, except_in=homes - {home})] == []


def test_only_the_command_line_and_the_table_print() -> None:
    printing = {"print", "sys.stdout", "sys.stderr"}
    assert places(printing.__contains__, except_in=("cli", "reports.table")) == []


def test_only_weights_reads_the_environment() -> None:
    assert places(re.compile(r"\b(environ|getenv)$").search, except_in=("weights",)) == []


def test_nobody_writes_the_environment() -> None:
    assert places(re.compile(r"\benviron\.(update|setdefault|pop|clear)$|\bputenv$").search) == []
    changed = [
        f"{module.name}:{node.lineno}"
        for module in MODULES.values()
        for node in module.nodes
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
        if ast.unparse(node.value).endswith("environ")
    ]
    assert changed == []


def test_core_needs_no_type_ignore() -> None:
    assert [name for name, module in MODULES.items() if module.room == "core" and "type: ignore" in module.text] == []


def test_modules_are_short() -> None:
    lengths = {name: len(module.text.splitlines()) for name, module in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_classes_have_few_methods() -> None:
    methods = {
        f"{module.name}.{node.name}": sum(
            isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body
        )
        for module in MODULES.values()
        for node in module.nodes
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in methods.items() if count > CLASS_METHODS} == {}


# ---- the reading itself


def package(**texts: str) -> dict[str, Module]:
    """A package of these modules, a double underscore standing for a dot."""
    return {name: Module(name, text) for name, text in ((key.replace("__", "."), text) for key, text in texts.items())}


@pytest.mark.parametrize(
    "text",
    [
        "from thm_torchmetrics.low.b import f",
        "from thm_torchmetrics.low import b",
        "import thm_torchmetrics.low.b as b",
        "def f():\n    from thm_torchmetrics.low import b",
        "if TYPE_CHECKING:\n    from thm_torchmetrics.low.b import B as B",
        "class A:\n    b = importlib.import_module('thm_torchmetrics.low.b')",
    ],
)
def test_an_import_is_seen_in_every_form(text: str) -> None:
    arrows = arrows_of(package(high__a=text, low="", low__b=""))
    assert [(arrow.source.name, arrow.target.name) for arrow in arrows] == [("high.a", "low.b")]


def test_a_module_named_at_run_time_counts_for_its_room() -> None:
    arrows = arrows_of(package(a="importlib.import_module(f'thm_torchmetrics.low.{name}')", low=""))
    assert [arrow.target.room for arrow in arrows] == ["low"]


def test_a_circle_through_a_lazy_import_is_seen() -> None:
    there, back = "from thm_torchmetrics.low import b", "def f():\n    from thm_torchmetrics import a"
    assert circle(arrows_of(package(a=there, low="", low__b=""))) == []
    assert set(circle(arrows_of(package(a=there, low="", low__b=back)))) == {"a", "low.b"}
