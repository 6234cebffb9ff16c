"""Archives unpacked beside the downloads."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from thm_torchmetrics.errors import WeightsError
from thm_torchmetrics.weights.folders import cache_dir


def unpacked(archive: Path, name: str, suffix: str) -> Path:
    """Return a folder with the files of a zip archive, without the folders inside it; unpacked whole or not at all.

    Args:
        archive: the zip file.
        name: the folder, relative to `cache_dir`; if it exists it is used as it is.
        suffix: which files are unpacked.

    Raises:
        WeightsError: if the file is no zip archive, is damaged, holds no such file, or cannot be unpacked.
    """
    folder = cache_dir() / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            part = Path(scratch) / "part"
            part.mkdir()
            _unpack(archive, part, suffix)
            try:
                part.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
    except OSError as error:
        raise WeightsError(
            f"{archive} cannot be unpacked into {folder.parent}: {error.strerror or error}; set THM_WEIGHTS_DIR to a "
            "folder that has room and can be written"
        ) from error
    return folder


def _unpack(archive: Path, folder: Path, suffix: str) -> None:
    try:
        with zipfile.ZipFile(archive) as held:
            for member in (each for each in held.namelist() if each.endswith(suffix)):
                (folder / Path(member).name).write_bytes(held.read(member))
    except OSError:
        raise
    except Exception as error:  # a damaged archive can fail in any part of the reader
        raise WeightsError(
            f"{archive} is no model pack, or damaged: {str(error) or type(error).__name__}; fetch it again"
        ) from error
    if not any(folder.iterdir()):
        raise WeightsError(f"{archive} is no model pack: it holds no {suffix} file; fetch it again")
