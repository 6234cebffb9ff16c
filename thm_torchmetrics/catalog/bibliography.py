"""The literature of metrics, protocols and networks, as BibTeX."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

_FILE = files("thm_torchmetrics.catalog") / "bibliography.bib"

ENTRIES: Mapping[str, str] = {
    entry.partition("{")[2].partition(",")[0]: entry
    for entry in _FILE.read_text(encoding="utf-8").strip().split("\n\n")
}
"""Every entry by its key; the file separates them by empty lines."""
