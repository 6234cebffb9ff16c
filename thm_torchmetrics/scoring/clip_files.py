"""TITLE scoring/clip_files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from thm_torchmetrics.core.metric import Score, TalkingHeadMetric
from thm_torchmetrics.media.pairing import Item


@dataclass(frozen=True)
class ActionUnitOptions:
    """How OpenFace's tables are read; the originals use every row."""

    successful_only: bool = False
    min_confidence: float = 0.0
    face_id: int | None = None


class _File(NamedTuple):
    """One side of a clip."""

    kind: str
    path: Path
    row: tuple[int | None, ...] | None = None
    """Shape of a row, of ready-made features."""


_Files: TypeAlias = tuple[_File | None, ...]


class _Sound(NamedTuple):
    """Where the sound of a clip came from, and why there is none."""

    origin: str = "none"
    fault: str = ""


def needs_audio(metric: TalkingHeadMetric) -> bool:
    return "audio" in metric.inputs


def _with_sound(score: Score, sound: _Sound) -> Score:
    return score._replace(detail={**(score.detail or {}), "audio": sound.origin})


def _files(item: Item, name: str, metric: TalkingHeadMetric) -> tuple[_Files, list[str]]:
    """What a metric reads of a clip as prediction and as target, and what of it is absent."""
    if (features := item.features.get(name)) is not None:
        width = getattr(metric, "num_features", None)
        row = (width,) if metric.accepts("num_features") else metric.feature_shape
        files = [_File("features", features[side], row) if side in features else None for side in ("preds", "target")]
        return tuple(files), [f"features of {side}" for side in metric.inputs if side not in features]
    absent = [kind for kind in metric.inputs if getattr(item, kind) is None]
    if item.preds is not None and "audio" in absent:
        absent.remove("audio")  # the prediction's own sound stands in
    tables = tuple(kind if kind in metric.inputs else "" for kind in ("preds_au", "target_au"))
    kinds = tables if any(tables) else ("preds", "target")
    files = [_File(kind, path) if (path := getattr(item, kind, None)) else None for kind in kinds]
    return tuple(files), absent
