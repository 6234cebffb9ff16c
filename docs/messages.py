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

TEXTS = {
    ("media/clock.py", "remarks"): "MediaWarning",
    ("media/decoding.py", "_remarks"): "MediaWarning",
    ("media/find.py", "nothing_found"): "InputError",
    ("media/unpaired.py", "describe"): "MediaWarning",
    ("media/unpaired.py", "explain_unpaired"): "MediaWarning",
    ("media/unpaired.py", "_deeper"): "MediaWarning",
    ("media/unpaired.py", "_difference"): "MediaWarning",
    ("weights/missing.py", "explain_missing"): "WeightsNotFoundError",
    ("weights/missing.py", "explain_all"): "WeightsNotFoundError",
    ("weights/missing.py", "_remedy"): "WeightsNotFoundError",
}
"""Functions that make the text of a message, by module, with the kind of the message."""

UNREACHABLE = {
    ("lipsync/codecs.py", "FFmpeg's encoder"): "a guard: no release of FFmpeg does it",
    ("lipsync/codecs.py", "FFmpeg's MPEG-4 decoder"): "a guard: no release of FFmpeg does it",
    ("scoring/devices.py", "{devices}: {error}"): "Lightning refuses a number of CUDA devices that are not there",
    ("scoring/devices.py", "{devices} takes CPUs or CUDA devices"): "needs a device of another kind, such as MPS",
}
"""Messages that no test can raise, by module and the beginning of their words, with the reason."""


@dataclass(frozen=True, order=True)
class Message:
    """A message is one place in the source that makes an error or a warning.

    Attributes:
        module: the file, within the package.
        first: the first line of the statement.
        last: its last line.
        kind: the exception or warning.
        text: its words; what is filled in stands in braces.
        raised: whether the exception or warning is made at this place; else its text is.
    """

    module: str
    first: int
    last: int
    kind: str
    text: str
    raised: bool = True


_FEW_WORDS = 3  # a part of a message


def collect() -> list[Message]:
    """Return all messages, in the order of the files."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        tree = _parse(path)
        for node in ast.walk(_Filled(_constants(tree) | _imported(tree)).visit(tree)):
            if isinstance(node, ast.Call) and (kind := _kind(node)) and (text := _text(node)):
                found.append(Message(module, node.lineno, node.end_lineno or node.lineno, kind, text))
            elif isinstance(node, ast.FunctionDef) and (kind := TEXTS.get((module, node.name))):
                found += [
                    Message(module, each.lineno, each.end_lineno or each.lineno, kind, _words(each), raised=False)
                    for each in ast.walk(node)
                    if isinstance(each, ast.JoinedStr) and len(_words(each).split()) > _FEW_WORDS
                ]
    return sorted(found)


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _constants(tree: ast.Module) -> dict[str, str]:
    """Return the texts that a module gives names, such as a remedy of several messages."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return those that it imports from other modules of the package."""
    found = {}
    for node in ast.walk(tree):
        path = PACKAGE.parent / f"{(getattr(node, 'module', None) or '').replace('.', '/')}.py"
        if isinstance(node, ast.ImportFrom) and path.is_relative_to(PACKAGE) and path.is_file():
            constants = _constants(_parse(path))
            found |= {alias.asname or alias.name: constants.get(alias.name) for alias in node.names}
    return {name: text for name, text in found.items() if text is not None}


class _Filled(ast.NodeTransformer):
    """Put texts that have names in the place of these."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        """Return a text in the place of its name."""
        text = self.texts.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return node if text is None else ast.Constant(text)


def _kind(call: ast.Call) -> str | None:
    """Return the exception that a call makes, or the warning that it gives."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name == "warn":
        given = [each.id for each in call.args[1:2] if isinstance(each, ast.Name)]
        if isinstance(call.func, ast.Name):  # of media.decoding
            return "MediaWarning"
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
        return _words(node.value) if _is_choice(node.value) else f"{{{_name(node.value)}}}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _words(node.left) + _words(node.right)
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (_words(node.body), _words(node.orelse))))
    return ""


def _is_choice(node: ast.expr) -> bool:
    """Return whether one of two texts is filled in."""
    return isinstance(node, ast.IfExp) and all(isinstance(each, ast.Constant) for each in (node.body, node.orelse))


def _name(node: ast.expr) -> str:
    """Return a short name for what is filled in."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Call):
        if getattr(node.func, "id", getattr(node.func, "attr", "")) == "spell":  # of an option
            return _name(node.args[0])
        filled = [each for each in node.args if not isinstance(each, ast.Constant)]
        if filled:
            return _name(filled[-1])
        return _name(node.func.value if node.args and isinstance(node.func, ast.Attribute) else node.func)
    if isinstance(node, ast.Subscript | ast.Starred | ast.Await):
        return _name(node.value)
    if isinstance(node, ast.BoolOp):
        return _name([each for each in node.values if not isinstance(each, ast.Constant)][-1])
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return _words(node).replace("{", "").replace("}", "")
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
        if each.raised and not any((each.module, number) in places for number in range(each.first, each.last + 1))
    ]


def _is_excused(message: Message) -> bool:
    return any(message.module == module and message.text.startswith(text) for module, text in UNREACHABLE)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--unreached"]:
        lacking = [each for each in unreached([Path(name) for name in sys.argv[2:]]) if not _is_excused(each)]
        for each in lacking:
            sys.stdout.write(f"{each.module}:{each.first}: {each.kind}: {each.text}\n")
        sys.exit(1 if lacking else 0)
    sys.stdout.write("\n".join(page()) + "\n")
