"""Write one result, or a comparison of several, as a table for the terminal, JSON, CSV, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from thm_torchmetrics.comparison.comparison import Comparison
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.whole_file import whole_file
from thm_torchmetrics.reports.comparison_latex import comparison_to_latex
from thm_torchmetrics.reports.comparison_text import (
    comparison_to_csv,
    comparison_to_json,
    comparison_to_markdown,
    comparison_to_wide_csv,
)
from thm_torchmetrics.reports.html import comparison_to_html, to_html
from thm_torchmetrics.reports.methods import methods_of
from thm_torchmetrics.reports.run_file import to_toml
from thm_torchmetrics.reports.text import to_csv, to_json, to_latex, to_markdown
from thm_torchmetrics.scoring.result import Result

__all__ = [
    "COMPARISON_FORMATS", "FORMATS", "comparison_format_of", "format_of", "methods_of", "write", "write_comparison",
]  # fmt: skip

FORMATS: Mapping[str, Callable[[Result], str]] = {
    "json": to_json,
    "csv": to_csv,
    "md": to_markdown,
    "latex": to_latex,
    "toml": to_toml,
    "html": to_html,
}
"""Every format but the terminal's table."""

COMPARISON_FORMATS: Mapping[str, Callable[[Comparison], str]] = {
    "json": comparison_to_json,
    "csv": comparison_to_csv,
    "wide-csv": comparison_to_wide_csv,
    "md": comparison_to_markdown,
    "latex": comparison_to_latex,
    "html": comparison_to_html,
}
"""Every format of a comparison but the terminal's tables."""

_COMPARISON_SUFFIXES = {
    ".json": "json", ".wide.csv": "wide-csv", ".csv": "csv", ".md": "md", ".tex": "latex", ".html": "html",
}  # fmt: skip
_SUFFIXES = {".json": "json", ".csv": "csv", ".md": "md", ".tex": "latex", ".toml": "toml", ".html": "html"}


def format_of(path: Path) -> str:
    """Return the format of a file by its suffix.

    Raises:
        InputError: if it stands for none.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: no report has the suffix {path.suffix!r}; there are {', '.join(_SUFFIXES)}")
    return _SUFFIXES[path.suffix.lower()]


def write(result: Result, path: Path, name: str = "Ours") -> None:
    """Write a report in the format of the path's suffix, whole or not at all.

    Args:
        result: the result.
        path: the file.
        name: the name of the method in LaTeX and HTML.

    Raises:
        InputError: if the suffix stands for no format.
        OSError: if the file cannot be written; an earlier file of this name then stays as it was.
    """
    form = format_of(path)
    named = {"latex": to_latex, "html": to_html}
    text = named[form](result, name) if form in named else FORMATS[form](result)
    with whole_file(path, "wb") as file:
        file.write(text.encode())


def comparison_format_of(path: Path) -> str:
    """Return the format of a comparison's file by its suffix.

    Raises:
        InputError: if it stands for none.
    """
    form = next((form for end, form in _COMPARISON_SUFFIXES.items() if path.name.lower().endswith(end)), None)
    if form is None:
        raise InputError(
            f"{path}: no report of several models has the suffix {path.suffix!r}; there are "
            f"{', '.join(_COMPARISON_SUFFIXES)}"
        )
    return form


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write a comparison in the format of the path's suffix, whole or not at all.

    Raises:
        InputError: if the suffix stands for no format.
        OSError: if the file cannot be written; an earlier file of this name then stays as it was.
    """
    text = COMPARISON_FORMATS[comparison_format_of(path)](comparison)
    with whole_file(path, "wb") as file:
        file.write(text.encode())
