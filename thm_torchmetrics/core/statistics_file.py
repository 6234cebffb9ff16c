"""Files that hold the statistics of the real side of a set metric, with what they stand for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from thm_torchmetrics.errors import InputError

_FORMAT = "thm_torchmetrics statistics 1"
_WORDS = {
    "metric": "metric", "protocol": "protocol", "extractor": "network", "weights": "weights", "options": "options",
}  # fmt: skip
"""The facts that must be those of the metric."""


@dataclass(frozen=True)
class SavedStatistics:
    """Statistics are sums over the real samples, with the facts that they depend on.

    Attributes:
        target: the sums.
        facts: ``metric``, ``protocol``, ``extractor``, ``weights`` (hashes by name), ``options``, ``version`` and
            ``data``, the hash or name of the real samples.
        path: the file, for messages.
        sha256: its hash.
    """

    target: Tensor = field(compare=False)
    facts: Mapping[str, Any]
    path: str = field(default="", compare=False)
    sha256: str = ""

    def write(self, path: str | Path) -> None:
        """Write a file; it is whole or absent.

        Raises:
            InputError: if it cannot be written.
        """
        from safetensors import SafetensorError  # not above: few runs need it
        from safetensors.torch import save_file

        unfinished = Path(f"{path}.{os.getpid()}.part")
        tensors = {"target": self.target.detach().cpu().contiguous().clone()}
        try:
            save_file(tensors, unfinished, {"format": _FORMAT, "facts": json.dumps(self.facts, sort_keys=True)})
            unfinished.replace(path)
        except (OSError, SafetensorError) as error:
            unfinished.unlink(missing_ok=True)
            raise InputError(
                f"the statistics {path} cannot be written: {error}; name a file in another folder"
            ) from error

    @classmethod
    def read(cls, path: str | Path) -> SavedStatistics:
        """Read a file that `write` made.

        Raises:
            InputError: if it is none.
        """
        from safetensors import safe_open

        try:
            with Path(path).open("rb") as stored:
                sha256 = hashlib.file_digest(stored, "sha256").hexdigest()
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != _FORMAT:
                    raise ValueError("it holds other tensors")
                return cls(file.get_tensor("target"), json.loads(metadata["facts"]), str(path), sha256)
        except Exception as error:  # a damaged file can fail in any part of the reader
            raise InputError(
                f"{path} holds no saved statistics: {error}; `thm score --save-statistics` writes some"
            ) from error

    def check(self, facts: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        """Raise an error unless the statistics are those of a metric.

        Args:
            facts: the facts of the metric.
            shape: the shape of its sums.

        Raises:
            InputError: if they are of another metric, protocol, network, weights or options.
        """
        is_sketch = "" in facts["weights"].values()  # made without its checkpoints, to check what can be checked early
        for name in ("metric", "protocol") if is_sketch else _WORDS:
            word, ours, theirs = _WORDS[name], facts[name], self.facts.get(name)
            if ours != theirs:
                raise InputError(
                    f"the statistics {self.path} are of the {word} {_short(theirs)}, and the metric has "
                    f"{_short(ours)}; save some with equal settings"
                )
        if not is_sketch and tuple(self.target.shape) != shape:
            raise InputError(f"the statistics {self.path} are {tuple(self.target.shape)}, and the metric needs {shape}")


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {str(each)[:12]}" for name, each in value.items()) or "none"
    return repr(value)
