"""Keep the outcomes of clips in a file, one after the other, so that memory does not grow with their number."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.cache_folder import storable
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome


class OutcomeWriter:
    """The writer adds outcomes to a file: a ZIP archive of ``NUMBER.json`` and ``NUMBER.safetensors`` for each clip.

    Args:
        file: the file, open for writing; it stays open.
        run: a word that tells one run from the others.
    """

    def __init__(self, file: IO[bytes], run: str = "") -> None:
        self._archive = zipfile.ZipFile(file, "w")
        try:
            self._archive.writestr("run", run)
        except OSError:
            with suppress(OSError):
                self.close()
            raise

    def add(self, number: int, outcome: ClipOutcome) -> None:
        """Add the outcome of the clip of a number."""
        plain, arrays = outcome.to_plain()
        self._archive.writestr(f"{number}.json", json.dumps(plain))
        self._archive.writestr(f"{number}.safetensors", save(storable(arrays)))

    def close(self) -> None:
        """Complete the file."""
        self._archive.close()


class OutcomeReader:
    """The reader returns the outcomes of a file by their numbers; the checksum of each is verified.

    Args:
        file: the file, open for reading.
        name: what to call it in messages.

    Attributes:
        run: the word of `OutcomeWriter`.

    Raises:
        InputError: if it is no such file.
    """

    def __init__(self, file: IO[bytes], name: Path | str) -> None:
        self._name = name
        try:
            self._archive = zipfile.ZipFile(file)
            self.run = self._archive.read("run").decode()
        except (zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
            raise self._damaged(error) from error

    def __getitem__(self, number: int) -> ClipOutcome:
        try:
            plain: dict[str, Any] = json.loads(self._archive.read(f"{number}.json"))
            return ClipOutcome.from_plain(plain, load(self._archive.read(f"{number}.safetensors")))
        except (zipfile.BadZipFile, OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"{self._name} holds no outcomes of `thm score --shard`, or is damaged: {error}; score the shard again"
        )
