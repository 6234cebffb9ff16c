"""Shorten reasons and remarks for what goes into a paper: no folder of the user's, one clause of a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 200
"""The most characters of a reason or a remark in a report that goes into a paper."""

_PART = r"[^\s/\\:;,'\"`()]+"
_HOME = r"(?:home|Users)[/\\][^\s/\\:;'\"]+(?:[ ][^\s/\\:;'\"]+){0,2}"  # the name of a user may hold blanks
_START = r"(?:(?:~\w*|\.{1,2})?/|[A-Za-z]:[/\\]|\\\\)"
_FOLDERS = re.compile(rf"(?<![\w:/\\.~-]){_START}(?:{_HOME}[/\\])?(?:{_PART}[/\\])*(?=[^\s/\\])")
_CLAUSE_END = re.compile(r";\s|\n|\.\s+(?=[A-Z`])")


def without_folders(text: str, folders: Iterable[str] = ()) -> str:
    """Return a text in which paths are shortened to the name of the file.

    Args:
        text: the text; URLs stay as they are.
        folders: known folders, which may hold blanks.

    Example:
        >>> without_folders("/home/me/gt video/a.mp4 and ~/b.mp4 differ", ["/home/me/gt video"])
        'a.mp4 and b.mp4 differ'
    """
    for folder in sorted(folders, key=len, reverse=True):
        if len(folder) > 1:
            text = re.sub(rf"(?<![\w/\\]){re.escape(folder.rstrip('/'))}[/\\]+(?=[^\s/\\])", "", text)
    return _FOLDERS.sub("", text)


def first_clause(text: str) -> str:
    """Return a reason up to its first semicolon or full stop, which the remedy follows."""
    return limited(_CLAUSE_END.split(text.strip(), maxsplit=1)[0])


def limited(text: str) -> str:
    """Return a text, cut where it has more than `LONGEST` characters."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3].rstrip()}..."
