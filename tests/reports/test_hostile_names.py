"""Names of clips, files and metrics may hold anything; no report and no screen is changed by them.

The reports are read by csv, pandas, json, markdown-it and pdfLaTeX.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pandas
import pytest
from markdown_it import MarkdownIt
from reports.results import metric, result

from thm_torchmetrics import reports
from thm_torchmetrics.reports.table import print_text, show
from thm_torchmetrics.reports.text import to_csv, to_json, to_latex, to_markdown
from thm_torchmetrics.scoring.result import ClipScore, Result

SHOWN = {
    "plain": "plain",
    "\x1b[31mred\x1b]0;title\x07": r"\x1b[31mred\x1b]0;title\x07",
    "\x9b31m\x7f": r"\x9b31m\x7f",
    "two\nlines": r"two\nlines",
    "two\rlines\r": r"two\rlines\r",
    "next\x85line\u2028and\u2029end": r"next\x85line\u2028and\u2029end",
    "tab\tin": r"tab\tin",
    "[bold]x[/bold]": "[bold]x[/bold]",
    "take[/1]": "take[/1]",
    "[link=http://x]y": "[link=http://x]y",
    ":smile: \\[red]": ":smile: \\[red]",
    "a|b||c": "a|b||c",
    "back\\slash\\|": "back\\slash\\|",
    "50%": "50%",
    "a & b &amp; c": "a & b &amp; c",
    "_under_ __score__ ~~x~~": "_under_ __score__ ~~x~~",
    "#1 spk#1 ## h": "#1 spk#1 ## h",
    "*a* **b** `c` ``": "*a* **b** `c` ``",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "--> <!-- x --!> <!-->": "--> <!-- x --!> <!-->",
    "![x](http://y) [a](b) [c]: d": "![x](http://y) [a](b) [c]: d",
    "$x^2$ {y} \\input{z} ^^M": "$x^2$ {y} \\input{z} ^^M",
    "\u202egpj.exe\u2066\u200f": r"\u202egpj.exe\u2066\u200f",
    "=1+1": "=1+1",
    "+1": "+1",
    "-1": "-1",
    "@SUM(A1)": "@SUM(A1)",
    " =1+1": "=1+1",
    "\uff1d1": "\uff1d1",
    "'quoted'": "'quoted'",
    '"a","b"': '"a","b"',
    "comma,semi;": "comma,semi;",
    "ALL": "ALL",
    "NA": "NA",
    "null": "null",
    "0001": "0001",
    "1e5": "1e5",
    "True": "True",
    "\ufeffbom": r"\ufeffbom",
    "中文 naïve 😀": "中文 naïve 😀",
    "\u0645\u06cc\u200c\u062e": "\u0645\u06cc\u200c\u062e",  # Persian, with a mark that belongs to its spelling
    "[star": "[star",
    "*": "*",
    os.fsdecode(b"latin1-\xe9"): r"latin1-\xe9",
    "\ud800": r"\ud800",
}
"""How a name is shown, where it is not to act on what shows it."""
NAMES = tuple(SHOWN)
STORABLE = tuple(name for name in NAMES if not re.search("[\ud800-\udfff]", name))

LINE_END = "\n"


def everywhere(name: str) -> Result:
    """A result in which one name stands wherever a name can stand."""
    found = result(("psnr", "csim"), (name, "other"))
    found.metrics = {
        "psnr": metric("psnr"),
        "csim": metric("csim", extractor=name),
        name: metric("csim", extractor=name),
        "lmd": metric("lmd", None, why=name),
    }
    found.skipped = {name: name, "fid": name}
    found.notes = [name, f"psnr: {name}"]
    found.clips[0].errors = [f"csim: {name}", name]
    found.clips[0].notes = [name]
    found.clips[0].metrics["psnr"] = ClipScore(0.5, 3, 0, {"target": {"value": 0.75}})
    found.provenance = {
        "weights": {name: {"file": name, "sha256": "f" * 64, "custom": True}},
        "deviations": {"csim": [name]},
        "inputs": {"preds": name},
    }
    return found


def acting(text: str) -> list[str]:
    """The characters that act on a terminal, but for line ends."""
    joiners = ("\u200c", "\u200d")
    return [
        letter
        for letter in text
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter not in (LINE_END, *joiners)
    ]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_terminal_and_paper_formats_hold_no_acting_character(name: str) -> None:
    found = everywhere(name)
    screen = io.StringIO()
    show(found, screen)
    for text in (screen.getvalue(), to_markdown(found), to_latex(found, name), to_json(found)):
        assert acting(text) == []
        text.encode("utf-8")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_terminal_shows_the_name(name: str) -> None:
    screen = io.StringIO()
    found = result(names=(name,))
    found.clips[0].errors = ["broken"]
    show(found, screen)
    failed = screen.getvalue().partition("Failed")[2].splitlines()[2]
    assert re.split(r" {3,}", failed.strip()) == [SHOWN[name].strip(), "broken"]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("form", [form for form in reports.FORMATS if form != "html"])  # a page is not printed
def test_reports_printed_on_a_terminal_hold_no_acting_character(form: str, name: str) -> None:
    screen = Terminal()
    print_text(reports.FORMATS[form](everywhere(name)), screen)
    assert acting(screen.getvalue()) == []
    piped = io.StringIO()
    print_text(reports.FORMATS[form](everywhere(name)), piped)
    assert piped.getvalue() == reports.FORMATS[form](everywhere(name))


@pytest.mark.parametrize("form", [".json", ".csv", ".md", ".tex"])
def test_every_file_is_written_in_utf8_with_the_same_lines_on_every_platform(tmp_path: Path, form: str) -> None:
    for name in NAMES:
        path = tmp_path / f"out{form}"
        reports.write(everywhere(name), path)
        assert path.read_bytes().decode("utf-8") == reports.FORMATS[reports.format_of(path)](everywhere(name))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_json_gives_the_name_back(name: str) -> None:
    text = to_json(everywhere(name))
    assert text.isascii()
    plain = json.loads(text)
    assert plain["clips"][0]["clip"] == name
    assert name in plain["metrics"]
    assert plain["skipped"][name] == name


def test_csv_gives_names_back_to_csv_and_pandas(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    found = result(names=STORABLE)
    reports.write(found, path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"].removeprefix("'") for row in rows] == [*STORABLE, "ALL"]
    table = pandas.read_csv(path)
    assert table["clip"].str.removeprefix("'").tolist() == [*STORABLE, "ALL"]
    assert table["psnr"].tolist() == [0.5] * (len(STORABLE) + 1)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_cell_of_text_is_a_formula_and_every_line_has_all_columns(name: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(everywhere(name)), newline="")))
    assert {len(row) for row in rows} == {7}
    texts = [*rows[0], *(cell for row in rows[1:] for cell in (row[0], row[1], row[-1]))]
    assert [text for text in texts if text.strip(" ").startswith(tuple("=+-@\t\r\n\uff1d"))] == []


def test_names_that_are_plain_stand_in_csv_as_they_are() -> None:
    names = ("plain", "sub/clip 1", "50%", "a|b", "中文", "0001", "ALL")
    rows = list(csv.reader(io.StringIO(to_csv(result(names=names)))))
    assert [row[0] for row in rows[1:]] == [*names, "ALL"]


def test_names_that_utf8_cannot_hold_are_escaped_in_csv() -> None:
    names = (os.fsdecode(b"a\xe9"), "\ud800", "nul\0")
    rows = list(csv.reader(io.StringIO(to_csv(result(names=names)))))
    assert [row[0] for row in rows[1:-1]] == [r"a\xe9", r"\ud800", r"nul\x00"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_markdown_keeps_its_tables_and_shows_the_name(name: str) -> None:
    found = everywhere(name)
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(found))
    kinds = {token.type for token in tokens}
    assert kinds <= {
        *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
        "paragraph_open", "paragraph_close", "inline", "html_block",
    }  # fmt: skip
    blocks = [line for token in tokens if token.type == "html_block" for line in token.content.splitlines()]
    assert [line for line in blocks if not re.fullmatch(r"<!-- [^>]* -->", line)] == []
    assert [line for line in to_markdown(found).splitlines() if "<" in line and not line.startswith("<!-- ")] == []
    inline = [part for token in tokens if token.type == "inline" for part in token.children or ()]
    assert {part.type for part in inline} <= {"text", "text_special"}
    tables: list[list[list[str]]] = []
    for token in tokens:
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and token.level > 1:
            tables[-1][-1].append("".join(part.content for part in token.children or ()))
    assert [len(table) for table in tables] == [5, 4, 3, 2, 2, 3]
    assert [{len(row) for row in table} for table in tables] == [{8}, {6}, {2}, {2}, {2}, {2}]
    shown = SHOWN[name].strip()
    assert tables[1][1][:2] == [shown, "failed"]
    assert tables[1][3][:3] == [shown, "real", "0.7500"]
    assert tables[2][1][0] == shown
    assert tables[4][1][0] == shown


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_latex_has_one_row_and_only_comments_hold_the_raw_name(name: str) -> None:
    text = to_latex(result(names=(name,)), name)
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    assert len(lines) == 7
    bare = re.sub(r"\\[{}$&#%_]", "", lines[4])
    assert bare.count("&") == 2
    assert not re.search(r"[#%_~]", bare)
    assert bare.count("{") == bare.count("}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.slow
def test_latex_compiles_with_every_name(tmp_path: Path) -> None:
    tables = [to_latex(everywhere(name)) for name in NAMES]
    tables += [to_latex(result(), name) for name in NAMES if name.isascii()]
    page = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + "\n"
    (tmp_path / "page.tex").write_text(page + "\n\n".join(tables) + "\\end{document}\n", encoding="utf-8")
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"], cwd=tmp_path, capture_output=True
    )
    said = made.stdout.decode(errors="replace")
    assert made.returncode == 0, said[-2000:]
    assert "LaTeX Error" not in said
