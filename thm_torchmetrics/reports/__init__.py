"""Write one result as a table for the terminal, JSON, CSV, Markdown or LaTeX, or its options as TOML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.whole_file import whole_file
from thm_torchmetrics.reports.run_file import to_toml
from thm_torchmetrics.reports.text import to_csv, to_json, to_latex, to_markdown
from thm_torchmetrics.scoring.result import Result

FORMATS: Mapping[str, Callable[[Result], str]] = {
    "json": to_json,
    "csv": to_csv,
    "md": to_markdown,
    "latex": to_latex,
    "toml": to_toml,
}
"""Every format but the terminal's table."""

_SUFFIXES = {".json": "json", ".csv": "csv", ".md": "md", ".tex": "latex", ".toml": "toml"}


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
        name: the name of the method in LaTeX.

    Raises:
        InputError: if the suffix stands for no format.
        OSError: if the file cannot be written; an earlier file of this name then stays as it was.
    """
    form = format_of(path)
    text = to_latex(result, name) if form == "latex" else FORMATS[form](result)
    with whole_file(path, "wb") as file:
        file.write(text.encode())
