"""The table of pipelines gives the class of every lip-sync protocol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from thm_torchmetrics.lipsync.forks import LatentSyncTracks, MochaBenchTracks, VicoTracks
from thm_torchmetrics.lipsync.protocols import Tracked, WholeFrames
from thm_torchmetrics.lipsync.reencoded import ReencodedFrames, ReencodedTracks

PIPELINES: Mapping[str, type[WholeFrames] | type[Tracked]] = MappingProxyType(
    {
        "tracked": Tracked,
        "signed": Tracked,
        "syncnet-python": ReencodedTracks,
        "syncnet-python-2026": ReencodedTracks,
        "wav2lip-lrs": WholeFrames,
        "wav2lip-lrs-jpeg": ReencodedFrames,
        "vico": VicoTracks,
        "latentsync": LatentSyncTracks,
        "mochabench": MochaBenchTracks,
        "mova": ReencodedTracks,
        "mova-max": ReencodedTracks,
    }
)
"""A pipeline is made from `LipSyncOptions`, the clip and its sound; it has ``add`` and ``finish``.

What else a protocol sets are options of the metric, which stand in the catalog.
"""
