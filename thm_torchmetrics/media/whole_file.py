"""Write files whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_SHOWN = 40
"""Letters of the file's name in that of its unfinished part; a name may fill all that a file system allows."""


@contextmanager
def whole_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that takes its name only when the block ends without an error.

    Until then it stands beside its place as ``.NAME.RANDOM.part``. A link is followed: its file is replaced, and the
    link stays. An earlier file hands its permissions on. A pipe or a device is written directly.

    Args:
        path: the file; an earlier file of this name stays until then.
        mode: ``"w"`` for text (UTF-8, with line ends as they are given, on every system) or ``"wb"``.

    Raises:
        OSError: if it cannot be written, or if the earlier file is read-only.
    """
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "")
    target = _writable_target(path)
    if target.exists() and not target.is_file():
        with target.open(mode, encoding=encoding, newline=newline) as file:
            yield file
        return
    # a random name, because a killed process leaves its part behind, and process ids come again
    part = target.with_name(f".{target.name[:_SHOWN]}.{secrets.token_hex(8)}.part")
    try:
        with part.open(mode.replace("w", "x"), encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _writable_target(path: Path) -> Path:
    """Return the file itself that a path or a link names.

    Raises:
        OSError: if the links go in a circle, or the file is read-only.
    """
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    # root may write where no permission is set, but read-only is meant for root, too
    if target.exists() and not (target.stat().st_mode & 0o222 and os.access(target, os.W_OK)):
        raise PermissionError(errno.EACCES, "the file is read-only", str(path))
    return target
