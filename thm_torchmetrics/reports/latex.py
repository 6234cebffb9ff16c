"""Lay a result out as a LaTeX table that fits on a page."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeAlias

from thm_torchmetrics.catalog import unaligned
from thm_torchmetrics.reports.cells import decimals, label, real_value
from thm_torchmetrics.reports.footnotes import MARK, Footnotes, row_of
from thm_torchmetrics.reports.names import printable
from thm_torchmetrics.scoring.result import MetricResult, Result

WIDEST = 72
"""The most letters of all headings, four more for each column: some 430 pt, the text width of a page."""

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "\u2013": r"\textendash{}", "²": "$^2$",
}  # fmt: skip
_LETTERS = frozenset(map(chr, range(0xC0, 0x100))) - set("ÐÞðþ×÷")  # noqa: RUF001
"""The letters beyond ASCII that every LaTeX knows."""

_Method: TypeAlias = tuple[str, Sequence[float | None]]


def latex_lines(result: Result, notes: Footnotes, name: str) -> list[str]:
    """Return the lines of a table with the metrics as columns or, if they do not fit, as rows.

    Args:
        result: the result.
        notes: its footnotes, which stand below the table.
        name: the name of the method.
    """
    metrics = result.metrics.values()
    methods = [("Ground truth", [real_value(metric) for metric in metrics])]
    if all(value is None for value in methods[0][1]):
        methods.clear()
    methods.append((typeset(name, any_letter=True), [metric.value for metric in metrics]))
    titles = [heading(key, metric, notes) for key, metric in result.metrics.items()]
    heads = [f"{typeset(title)} ${latex_arrow(metric)}$" for title, metric in zip(titles, metrics, strict=True)]
    cells = [[first, *_numbers(result, values, methods)] for first, values in methods]
    fits = sum(len(title) + 4 for title in titles) <= WIDEST
    rows = [["Method", *heads], *cells] if fits else _transposed([["Metric", *heads], *cells])
    return [
        r"% needs \usepackage{booktabs}",
        r"\begin{tabular}{l" + "r" * (len(rows[0]) - 1) + "}",
        r"\toprule",
        latex_row(rows[0]),
        r"\midrule",
        *map(latex_row, rows[1:]),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par{{\footnotesize {MARK} {typeset(line)}\par}}" for line in notes.lines()),
    ]


def heading(key: str, metric: MetricResult, notes: Footnotes) -> str:
    """Return the heading of a metric: ``CSIM[dlib] (vico)``, ``PSNR@aligned``."""
    row = row_of(key)
    name = label(key, metric)
    if row is not None:
        plain = unaligned(key)
        name = name.replace(key, row.key.upper() + key.removeprefix(plain))
        name = f"{name} ({metric.protocol})" if plain != row.key else name
    return name + notes.mark(key)


def latex_arrow(metric: MetricResult) -> str:
    """Return the arrow of a metric's direction, for math mode."""
    return r"\uparrow" if metric.higher_is_better else r"\downarrow"


def _numbers(result: Result, values: Sequence[float | None], methods: Sequence[_Method]) -> list[str]:
    """Return the values of one method, with the same decimals as those of the others."""
    units = [metric.unit for metric in result.metrics.values()]
    columns = zip(*(of_method for _, of_method in methods), strict=True)
    places = [decimals(unit, column) for unit, column in zip(units, columns, strict=True)]
    return list(map(latex_number, values, places))


def latex_number(value: float | None, places: int) -> str:
    """Return a value; two hyphens if there is none."""
    if value is None or math.isnan(value):
        return "--"
    if math.isinf(value):
        return r"$\infty$" if value > 0 else r"$-\infty$"
    return f"{value:.{places}f}" if value >= 0 else f"$-${-value:.{places}f}"


def _transposed(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*rows, strict=True)]


def latex_row(cells: Sequence[str]) -> str:
    r"""Return a row; ``{}`` keeps LaTeX from reading a first ``[`` or ``*`` as an option of what stands before."""
    return " & ".join(("{}" + cells[0] if cells[0][:1] in ("[", "*") else cells[0], *cells[1:])) + r" \\"


def typeset(text: str, any_letter: bool = False) -> str:
    """Return a text that LaTeX sets as it is.

    Args:
        text: the text.
        any_letter: whether letters stay that need another engine or package than plain pdfLaTeX; else they become
            escapes.
    """
    found = []
    for letter in printable(text):
        if letter in _SPECIAL:
            found.append(_SPECIAL[letter])
        elif letter.isascii() or letter in _LETTERS or any_letter:
            found.append(letter)
        else:
            found.append(r"\textbackslash{}" + letter.encode("unicode_escape").decode("ascii")[1:])
    return re.sub("-(?=-)", "-{}", "".join(found))  # else two hyphens become a dash
