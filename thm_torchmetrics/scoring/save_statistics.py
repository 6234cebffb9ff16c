"""Write the statistics of the real videos of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.core.set_distance import SetDistance
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.pairing import Item


def make_folder(folder: Path) -> None:
    """Make the folder of statistics, if need be.

    Raises:
        InputError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be made: {error.strerror or error}; name another") from error


def save_statistics(folder: Path, metrics: Mapping[str, TalkingHeadMetric], items: Iterable[Item]) -> None:
    """Write one file per set metric that has measured real samples, named as the metric with ``-`` for ``:``.

    Args:
        folder: the folder.
        metrics: the metrics of a run, with everything added, by name.
        items: the clips of the run; names and contents of their real files are the fingerprint of the data.

    Raises:
        InputError: if a file cannot be written.
    """
    items = list(items)
    digests: dict[Path, str] = {}
    for name, metric in metrics.items():
        if not isinstance(metric, SetDistance) or metric.target is not None or not metric.sees_target:
            continue
        files = {item.key: item.features.get(name, {}).get("target") or item.target for item in items}
        real = {key: path for key, path in sorted(files.items()) if path is not None}
        digests |= {path: _digest(path) for path in real.values() if path not in digests}
        lines = [f"{key} {digests[path]}" for key, path in real.items()]
        data = f"{len(lines)} clips, sha256 {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
        metric.save_target(folder / f"{name.replace(':', '-')}.safetensors", data)


def _digest(path: Path) -> str:
    """Return the hash of a file, of the files of a folder of pictures, or of the name of a pattern."""
    if path.is_dir():
        text = "".join(f"{part.name} {_digest(part)}\n" for part in sorted(path.iterdir()) if part.is_file())
        return hashlib.sha256(text.encode()).hexdigest()
    if not path.is_file():
        return hashlib.sha256(path.name.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
