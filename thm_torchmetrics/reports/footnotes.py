"""Find what changes the number of a metric, for a mark in its label and a line below the table.

The facts stand in the provenance of a result: custom checkpoints, skipped frames, options other than the protocol's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from thm_torchmetrics.catalog import CATALOG, Row, find_choice
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.reports.shortening import limited, without_folders
from thm_torchmetrics.scoring.result import Result

MARK = "*"
"""It stands behind the name of a metric that has a footnote, and before the footnote."""

_TABLE_DEFAULTS = {"successful_only": False, "min_confidence": 0.0, "face_id": None}
"""How a table of OpenFace is read unless the user says otherwise."""
_SOUND_FILE = "audio file"
"""The origin of sound in a file of its own, as lip sync names it in the detail of a clip."""


class _Finder(Protocol):
    def __call__(self, result: Result, key: str) -> Iterable[str]: ...


@dataclass(frozen=True)
class Footnotes:
    """The footnotes say what changes the numbers of a result.

    Attributes:
        by_metric: the facts by metric; empty for a metric measured as its protocol says.
        general: remarks on the whole run.
    """

    by_metric: Mapping[str, tuple[str, ...]]
    general: tuple[str, ...]

    def mark(self, key: str) -> str:
        """Return the mark of a metric's label, empty if it has no footnote."""
        return MARK if self.by_metric.get(key) else ""

    def lines(self) -> list[str]:
        """Return a line per fact with the metrics that it changes: ``csim, lmd: every 10th frame only``."""
        facts: dict[str, list[str]] = {}
        for key, found in self.by_metric.items():
            for fact in found:
                facts.setdefault(fact, []).append(key)
        several = len(self.by_metric) > 1
        return [
            f"{'all metrics' if several and len(keys) == len(self.by_metric) else ', '.join(keys)}: {fact}"
            for fact, keys in facts.items()
        ]


def find_footnotes(result: Result) -> Footnotes:
    """Return what changes the numbers of a result.

    Files are given by name; their folders stand in the JSON report.
    """
    finders: tuple[_Finder, ...] = (_checkpoints, _step, _options, _pairing, _rate, _action_units, _sound, _notes)
    by_metric = {
        key: tuple(dict.fromkeys(fact for find in finders for fact in find(result, key))) for key in result.metrics
    }
    of_metrics = tuple(f"{key}: " for key in result.metrics)
    general = [note for note in result.notes if not note.startswith(of_metrics)]
    by_file = [key for key in result.metrics if set(_origins_of_sound(result, key)) == {_SOUND_FILE}]
    if by_file:
        general.append(f"{', '.join(by_file)}: sound from audio files")
    return Footnotes(by_metric, tuple(limited(without_folders(note, folders_of(result))) for note in general))


def folders_of(result: Result) -> list[str]:
    """Return the folders that the user gave, to be left out of texts."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, Mapping):
            for part in value.values():
                yield from texts(part)
        elif isinstance(value, str):
            yield value

    return list(texts(result.provenance.get("inputs", {})))


def row_of(key: str) -> Row | None:
    """Return the catalog's row of a metric, None for one that is not of the catalog."""
    try:
        return find_choice(key).row
    except InputError:
        return CATALOG.get(key.partition(":")[0])


def _checkpoints(result: Result, key: str) -> Iterator[str]:
    """Name the custom checkpoints of a metric.

    Where the provenance does not say which metrics a checkpoint feeds, it may feed all that have a network, unless it
    has the name of one network.
    """
    named = {metric.extractor for metric in result.metrics.values()}
    for name, entry in result.provenance.get("weights", {}).items():
        extractor = result.metrics[key].extractor
        feeds = extractor == name if name in named else extractor is not None
        if entry.get("custom") and (key in entry["metrics"] if "metrics" in entry else feeds):
            file = str(entry.get("file") or "").replace("\\", "/").rpartition("/")[2]
            digest = entry.get("sha256")
            facts = [file] if file else []
            facts += [f"sha256 {digest[:12]}"] if digest else []
            yield f"custom checkpoint {name}" + (f" ({', '.join(facts)})" if facts else "")


def _step(result: Result, key: str) -> Iterator[str]:
    """Say which frames were taken; features are read whole."""
    every = result.provenance.get("every", 1)
    if every > 1 and f"features of {key}" not in result.provenance.get("inputs", {}):
        yield f"every {every}{_ordinal(every)} frame only"


def _options(result: Result, key: str) -> Iterator[str]:
    """Name the options that differ from the protocol's."""
    yield from (_brief(result, text) for text in result.provenance.get("deviations", {}).get(key, ()))


def _action_units(result: Result, key: str) -> Iterator[str]:
    row = row_of(key)
    if row is not None and "preds_au" in row.inputs:
        for name, value in result.provenance.get("action_units", {}).items():
            if name in _TABLE_DEFAULTS and value != _TABLE_DEFAULTS[name]:
                yield f"rows of tables by {name}={value}"


def _pairing(result: Result, key: str) -> Iterator[str]:
    """Say that frames were paired by number where unlike rates would have failed the clip."""
    asked = result.provenance.get("arguments", {}).get("align") == "truncate"
    aligned = result.provenance.get("options", {}).get(key, {}).get("align") == "truncate"
    row = row_of(key)
    has_target = row is None or bool({"target", "target_au"} & set(row.inputs))
    if asked and aligned and has_target and any(key in clip.metrics for clip in result.clips):
        yield "frame i beside frame i, also of unlike frame rates"


def _rate(result: Result, key: str) -> Iterator[str]:
    """Name the frame rate that the user gives to pictures, where time counts."""
    fps = result.provenance.get("arguments", {}).get("fps")
    row = row_of(key)
    by_time = result.provenance.get("options", {}).get(key, {}).get("align") == "time"
    if fps is not None and (by_time or (row is not None and "audio" in row.inputs)):
        yield f"pictures at {fps:g} frames per second"


def _sound(result: Result, key: str) -> Iterator[str]:
    """Say from where the sound comes, unless all of it is from audio files."""
    counts = _origins_of_sound(result, key)
    if len(counts) > 1:
        kinds = [f"{origin} ({count} clip{'s' if count > 1 else ''})" for origin, count in counts.items()]
        yield f"sound from {', '.join(kinds)}"
    elif counts and _SOUND_FILE not in counts:
        yield f"sound from {next(iter(counts))}s"


def _origins_of_sound(result: Result, key: str) -> dict[str, int]:
    """Count the clips of a metric by the origin of their sound."""
    counts: dict[str, int] = {}
    for clip in result.clips:
        detail = (clip.metrics[key].detail if key in clip.metrics else None) or {}
        if "audio" in detail:
            counts[str(detail["audio"])] = counts.get(str(detail["audio"]), 0) + 1
    return counts


def _notes(result: Result, key: str) -> Iterator[str]:
    """Repeat the remarks on a value; why there is none is told in a section of its own."""
    start = f"{key}: "
    told = f"{start}no value: "
    for note in result.notes:
        if note.startswith(start) and not (note.startswith(told) and result.metrics[key].why):
            yield _brief(result, note.removeprefix(start))


def _brief(result: Result, text: str) -> str:
    return limited(without_folders(text, folders_of(result)))


def _ordinal(number: int) -> str:
    return "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
