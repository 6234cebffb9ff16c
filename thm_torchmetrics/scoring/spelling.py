"""Spell options in messages as the caller writes them: in Python, or on the command line."""

from __future__ import annotations

from typing import Protocol


class Spelling(Protocol):
    """A spelling is how options are written in one language."""

    def __call__(self, name: str, value: object = None, key: str = "") -> str:
        """Return an option in words.

        Args:
            name: the option of `thm_torchmetrics.score`.
            value: its value; default: the option alone is named.
            key: what the value belongs to, in options that hold a value for each key.
        """


def in_python(name: str, value: object = None, key: str = "") -> str:
    """Return an option as an argument of `thm_torchmetrics.score`, in backticks."""
    if value is None:
        return f"`{name}=`"
    if name == "option":  # those of single metrics, which are dicts by metric in Python
        metric, _, own = key.partition(".")
        return f"`options={ {metric: {own: value}}!r}`"
    plain = value if isinstance(value, bool | int | float) else str(value)
    return f"`{name}={ {key: plain} if key else plain!r}`"
