"""Collect every error and warning that the package can raise, by reading its source.

    python docs/messages.py                 # the page, in Markdown
    python docs/messages.py --unreached FILE...  # the messages that a run of the tests has not raised

With THM_RAISED=FILE the tests write there which of them they have raised (tests/conftest.py).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import thm_torchmetrics
from thm_torchmetrics import errors

PACKAGE = Path(thm_torchmetrics.__file__).parent

NAMES = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception | Warning)
}
"""The exceptions and warnings of the package."""

OF_CLICK = {"UsageError", "ClickException", "BadParameter"}
"""Those by which the command line ends with a message."""


@dataclass(frozen=True, order=True)
class Message:
    """A message is one place in the source that makes an error or a warning.

    Attributes:
        module: the file, within the package.
        first: the first line of the statement.
        last: its last line.
        kind: the exception or warning.
        text: its words; what is filled in stands in braces.
    """

    module: str
    first: int
    last: int
    kind: str
    text: str


def collect() -> list[Message]:
    """Return all messages, in the order of the files."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (kind := _kind(node)) and (text := _text(node)):
                found.append(Message(module, node.lineno, node.end_lineno or node.lineno, kind, text))
    return sorted(found)


def _kind(call: ast.Call) -> str | None:
    """Return the exception that a call makes, or the warning that it gives."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name == "warn":
        given = [each.id for each in call.args[1:2] if isinstance(each, ast.Name)]
        return given[0] if given and given[0] in NAMES else "UserWarning"
    if name == "warn_caller":
        return "UserWarning"
    return name if name in NAMES | OF_CLICK else None


def _text(call: ast.Call) -> str:
    """Return the words of a message; empty if it is made elsewhere."""
    return "" if not call.args else _words(call.args[0])


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"{{{_name(node.value)}}}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left) + _words(node.right)
    if isinstance(node, ast.IfExp):
        return f"{_words(node.body)} / {_words(node.orelse)}"
    return ""


def _name(node: ast.expr) -> str:
    """Return a short name for what is filled in."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Call):
        return _name(node.args[-1]) if node.args else _name(node.func)
    if isinstance(node, ast.Subscript | ast.Starred | ast.Await):
        return _name(node.value)
    return "..."


def page() -> Iterator[str]:
    """Yield the lines of the page of messages."""
    yield "# Messages"
    yield ""
    yield (
        "Every error and warning that the package gives, by the part that gives it. What is filled in "
        "stands in braces. All errors derive from `ThmError`, and each from the builtin exception of its kind, too."
    )
    room = ""
    for message in collect():
        top = message.module.partition("/")[0]
        if top != room:
            room = top
            yield from ("", f"## {room}", "", "| kind | message |", "|---|---|")
        words = " ".join(message.text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "")
        yield f"| {message.kind} | {words} |"


def unreached(files: list[Path]) -> list[Message]:
    """Return the messages that no test has raised, by the places that the tests wrote down."""
    places: set[tuple[str, int]] = set()
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            module, _, number = line.rpartition(":")
            places.add((module, int(number)))
    return [
        each
        for each in collect()
        if not any((each.module, number) in places for number in range(each.first, each.last + 1))
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--unreached"]:
        lacking = unreached([Path(name) for name in sys.argv[2:]])
        for each in lacking:
            sys.stdout.write(f"{each.module}:{each.first}: {each.kind}: {each.text}\n")
        sys.exit(1 if lacking else 0)
    sys.stdout.write("\n".join(page()) + "\n")
