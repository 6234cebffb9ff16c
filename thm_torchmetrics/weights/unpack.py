"""Archives unpacked beside the downloads."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.locate import cache_dir


def unpacked(archive: Path, name: str, suffix: str) -> Path:
    """Return a folder with the files of a zip archive, without the folders inside it; unpacked whole or not at all.

    Args:
        archive: the zip file.
        name: the folder, relative to `cache_dir`; if it exists it is used as it is.
        suffix: which files are unpacked.

    Raises:
        WeightsError: if the file is no zip archive or holds no such file.
    """
    folder = cache_dir() / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        try:
            with zipfile.ZipFile(archive) as held:
                for member in (each for each in held.namelist() if each.endswith(suffix)):
                    (part / Path(member).name).write_bytes(held.read(member))
        except zipfile.BadZipFile as error:
            raise WeightsError(f"{archive} is no model pack: {error}") from error
        if not any(part.iterdir()):
            raise WeightsError(f"{archive} is no model pack: it holds no {suffix} file")
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    return folder
