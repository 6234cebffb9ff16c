"""Make names of files harmless: in a terminal, in an editor, in a text file of any encoding."""

from __future__ import annotations

import unicodedata
from collections.abc import Container

_ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that act instead of being seen: controls, marks of direction, line ends."""
_JOINERS = "\u200c\u200d"
"""Persian, Hindi and emoji are spelled with these; they only join their neighbors."""
_PLAIN = {"↑": "^", "↓": "v", "–": "-", "²": "^2", "…": "..."}  # noqa: RUF001


def printable(text: str) -> str:
    r"""Return a text in which every character that acts on a terminal or an editor is shown as its escape.

    Bytes that are not UTF-8, as `os.fsdecode` returns them, become ``\xe9``. The result is one line.

    Example:
        >>> printable("a\x1b[31m\n\u202eb\udce9")
        'a\\x1b[31m\\n\\u202eb\\xe9'
    """
    return _escaped(text, _ACTING)


def storable(text: str) -> str:
    """Return a text unchanged but for what UTF-8 cannot hold and for NUL, at which readers in C stop."""
    return _escaped(text, ("Cs",)).replace("\0", r"\x00")


def encodable(text: str, encoding: str) -> str:
    r"""Return a text that can be written in an encoding: arrows in ASCII, and ``\u4e2d`` for other characters.

    Example:
        >>> encodable("psnr ↑ 中", "cp1252")
        'psnr ^ \\u4e2d'
    """
    if _fits(text, encoding):
        return text
    plain = "".join(letter if _fits(letter, encoding) else _PLAIN.get(letter, letter) for letter in text)
    return plain.encode(encoding, "backslashreplace").decode(encoding)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(text: str, categories: Container[str]) -> str:
    return "".join(
        _escape(letter) if unicodedata.category(letter) in categories and letter not in _JOINERS else letter
        for letter in text
    )


def _escape(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # the byte that `os.fsdecode` could not decode
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
