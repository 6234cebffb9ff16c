"""Find the files of a folder, and name those that are passed over."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from thm_torchmetrics.errors import InputError, MediaWarning

_NAMED = 5
"""Most names that one message lists."""


def find_files(folder: Path | str, suffixes: Iterable[str], fallback: Iterable[str] = ()) -> dict[str, Path]:
    """Find the files of a folder and its subfolders, by clip; a remark names the files that are passed over.

    Args:
        folder: the folder to search, as `list_files` does.
        suffixes: suffixes of the files to find, in lower case with the dot; ``.MP4`` is found, too.
        fallback: suffixes of files that count for clips which have no file of the others.

    Returns:
        Clip key to path, sorted by key, as `clip_key` makes it.

    Raises:
        InputError: if the folder does not exist or cannot be searched, holds no such file, or holds two of one key
            (``a.mp4`` and ``a.mov``).
    """
    folder, suffixes, fallback = Path(folder), tuple(suffixes), tuple(fallback)
    files = list_files(folder)
    found = by_key(folder, [path for path in files if path.suffix.lower() in suffixes])
    more = by_key(folder, [path for path in files if path.suffix.lower() in fallback])
    found = more | found
    if not found:
        raise InputError(nothing_found(folder, (*suffixes, *fallback), files))
    warn_of_passed_over(folder, set(files) - set(found.values()))
    return dict(sorted(found.items()))


def list_files(folder: Path | str) -> list[Path]:
    """List the files of a folder and its subfolders, without hidden ones.

    Links to folders are followed; one that leads back to a folder around it is passed over, with a remark. A link to
    nothing is listed, so that reading it fails by name.

    Raises:
        InputError: if the folder does not exist, or it or a subfolder cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder or file")
    return sorted(_walk(folder, ()))


def clip_key(folder: Path, path: Path) -> str:
    """Return the name of the clip that a file or a folder of pictures inside a folder belongs to.

    It is the path without suffix, relative to the folder: ``sub/talk``. Its letters are composed (Unicode NFC), so that
    files from macOS and Linux have one name.
    """
    inside = path.relative_to(folder)
    return unicodedata.normalize("NFC", (inside if path.is_dir() else inside.with_suffix("")).as_posix())


def by_key(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Return files by their clips.

    Raises:
        InputError: if two have one key.
    """
    found: dict[str, Path] = {}
    for path in files:
        key = clip_key(folder, path)
        if key in found:
            first, second = found[key].with_suffix(""), path.with_suffix("")
            alike = "" if first == second else " (their names look alike, but differ in Unicode)"
            raise InputError(
                f"{folder}: {found[key].name} and {path.name} are both the clip {key!r}{alike}; keep one of them"
            )
        found[key] = path
    return found


def nothing_found(folder: Path, suffixes: Iterable[str], files: Iterable[Path]) -> str:
    """Return the message that a folder holds no file of some suffixes."""
    held = listed(str(path.relative_to(folder)) for path in files)
    return f"{folder}: holds no file that ends in {', '.join(suffixes)}" + (f"; it holds {held}" if held else "")


def warn_of_passed_over(folder: Path, files: Iterable[Path]) -> None:
    """Emit one remark that names the files which are not read."""
    names = sorted(str(path.relative_to(folder)) for path in files)
    if names:
        verb = "was" if len(names) == 1 else "were"
        warnings.warn(
            f"{folder}: {listed(names)} {verb} passed over, of a kind that is not read here or beside another file of "
            "the clip",
            MediaWarning,
            stacklevel=2,
        )


def listed(names: Iterable[str]) -> str:
    """Return names as a list of bounded length: ``a, b and 7 more``."""
    names = list(names)
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest


def _walk(folder: Path, around: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """Yield the files of a folder.

    Args:
        folder: the folder.
        around: device and inode of the folders around it.
    """
    try:
        state = folder.stat()
        entries = list(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be searched ({error.strerror or error}); give yourself the permission to read it, or "
            "move it out of the folder of clips"
        ) from error
    here = (state.st_dev, state.st_ino)
    if here in around:
        warnings.warn(
            f"{folder}: was passed over, as a link to a folder around it; remove the link",
            MediaWarning,
            stacklevel=2,
        )
        return
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path, (*around, here))
        else:
            yield path
