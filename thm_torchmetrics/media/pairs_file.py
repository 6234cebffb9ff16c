"""Read which files belong to one clip from a CSV file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import zip_longest
from pathlib import Path
from typing import Any

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.csv_rows import check_names, read_rows
from thm_torchmetrics.media.pairing import Item, clip_name
from thm_torchmetrics.media.pictures import is_pattern

COLUMNS = ("clip", "preds", "target", "audio", "preds_au", "target_au")
_VIDEOS = ("preds", "target")
_SHOWN = 10
"""Most problems that one message lists."""


def read_pairs(path: Path | str) -> list[Item]:
    """Read the clips of a pairs file.

    The first line names the columns: ``clip``, and those of ``preds``, ``target``, ``audio``, ``preds_au`` and
    ``target_au`` that are needed. Every other line is one clip. A cell is a path, relative to the folder of the file,
    or empty where the clip has no such file; ``preds`` and ``target`` may also be folders or patterns of pictures. A
    file may serve several clips, such as one photo as the target of all. Without the column ``clip``, a clip has the
    name of its first file. Without the column ``audio``, each video's own sound counts; with it, a clip whose cell is
    empty has no sound. Cells are separated by commas, semicolons or tabs; the encoding is UTF-8, or UTF-16 with a mark.

    Args:
        path: the file.

    Returns:
        One item per line, sorted by key.

    Raises:
        InputError: if the file cannot be read, a column is unknown, or lines have more cells than columns, lack files,
            name files that do not exist, or repeat a clip. The message names all of them, with their lines.
    """
    path = Path(path)
    lines = read_rows(path, "--pairs")
    if not lines:
        raise InputError(f"{path}: is empty; its first line names the columns: {', '.join(COLUMNS)}")
    (_, head), *rows = lines
    columns = [name.strip().lower() for name in head]
    _check_columns(path, columns)
    if not rows:
        raise InputError(f"{path}: has no line after the first, which names the columns; add a line for every clip")
    problems: list[str] = []
    items: dict[str, tuple[int, Item]] = {}
    for number, cells in rows:
        item, wrong = _item(path.parent, dict(zip_longest(columns, cells[: len(columns)], fillvalue="")))
        if any(cell.strip() for cell in cells[len(columns) :]):
            wrong.append(f"has {len(cells)} cells for {len(columns)} columns; put a path with a comma in quotes")
        if item.key in items:
            wrong.append(f"the clip {item.key!r} is that of line {items[item.key][0]}")
        items.setdefault(item.key, (number, item))
        problems += [f"line {number}: {problem}" for problem in wrong]
    if problems:
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(f"{path}: mend these lines:\n  " + "\n  ".join(problems[:_SHOWN]) + more)
    return [items[key][1] for key in sorted(items)]


def inputs_of(items: Iterable[Item]) -> set[str]:
    """Return the inputs that some item has, such as ``preds``."""
    kinds = {field.name for field in fields(Item)} & set(COLUMNS)
    return {kind for item in items for kind in kinds if getattr(item, kind) is not None}


def _item(folder: Path, cells: dict[str, str]) -> tuple[Item, list[str]]:
    """Return one line as an item, and what is wrong with it."""
    files = {kind: folder / cell.strip() for kind, cell in cells.items() if kind != "clip" and cell.strip()}
    name = cells.get("clip", "").strip()
    wrong = [problem for kind, path in files.items() if (problem := _problem(kind, path))]
    if not files:
        wrong.append("names no file")
    elif not name and "clip" in cells:
        wrong.append("has no name in the column clip")
    elif not name:
        name = clip_name(next(files[kind] for kind in COLUMNS if kind in files))
    paths: dict[str, Any] = dict(files)
    if "audio" in cells and "audio" not in files:
        paths["no_sound"] = (
            f"no sound for {name}: its cell in the column audio is empty; name a file, its own video if that has the "
            "sound, or leave the column out, so that every video's own sound is measured"
        )
    return Item(unicodedata.normalize("NFC", name), **paths), wrong


def _problem(kind: str, path: Path) -> str | None:
    """Return what is wrong with a file, None if nothing is."""
    if path.is_file():
        return None
    if path.is_dir():
        return None if kind in _VIDEOS else f"{kind} {path} is a folder, a file is needed"
    if kind in _VIDEOS and is_pattern(path) and path.parent.is_dir():
        return None
    return f"{kind} {path} does not exist"


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise InputError(
            f"{path}: the first line names the columns, and {', '.join(map(repr, unknown))} is none of "
            f"{', '.join(COLUMNS)}"
        )
    check_names(path, columns)
    if set(columns) <= {"clip"}:
        raise InputError(f"{path}: has no column of files; add preds, target or others of {', '.join(COLUMNS)}")
