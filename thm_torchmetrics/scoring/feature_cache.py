"""Keep the features of videos, so that a network sees the real videos once for any number of models."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk, FeatureExtractor, check_features
from thm_torchmetrics.scoring.cache_folder import CacheFolder, Key
from thm_torchmetrics.scoring.cache_keys import key_of_extractor

LARGEST_ROW = 4096
"""Numbers of the features of one frame beyond which they are not kept: those are pixels, or nearly so."""
LARGEST_VIDEO = 2**26
"""Bytes of the features of one video beyond which they are not kept."""


@dataclass
class _Rows:
    """The rows of one extractor, from the first frame of a video on.

    Attributes:
        key: the key of the entry; None if the rows are not kept.
        rows: the rows that are known.
        stored: how many of them the cache holds.
    """

    key: Key | None
    rows: list[Tensor] = field(default_factory=list)
    count: int = 0
    stored: int = 0


class FeatureCache:
    """The features of one video, by extractor, which chunks ask for instead of the extractor.

    Rows are kept from the first frame on, as far as some metric has read them. The number of frames of a chunk is part
    of the key, because networks round by the size of their batches.

    Args:
        folder: the cache.
        video: the key of the video's frames.
    """

    def __init__(self, folder: CacheFolder, video: Key) -> None:
        self._folder = folder
        self._video = video
        self._known: dict[Hashable, _Rows] = {}

    def extract(self, length: int, extractor: FeatureExtractor, chunk: Chunk) -> Tensor:
        """Return the features of a chunk, from the cache or by the extractor.

        Args:
            length: frames of a whole chunk of the video.
            extractor: the extractor.
            chunk: the chunk.
        """
        known = self._known_rows(length, extractor, chunk.rows.device)
        end = chunk.start + len(chunk)
        if end <= known.stored:
            return known.rows[0][chunk.start : end].to(chunk.rows.device)
        rows = check_features(extractor, extractor.extract(chunk), len(chunk))
        if known.key is not None and chunk.start == known.count:
            known.rows.append(rows.cpu())
            known.count = end
            if rows[0].numel() > LARGEST_ROW or sum(part.nbytes for part in known.rows) > LARGEST_VIDEO:
                known.key, known.rows = None, []
        return rows

    def close(self) -> None:
        """Store the rows that the cache lacks."""
        for known in self._known.values():
            if known.key is not None and known.count > known.stored:
                self._folder.write("features", known.key, {}, {"rows": torch.cat(known.rows)})
        self._known.clear()

    def _known_rows(self, length: int, extractor: FeatureExtractor, device: torch.device) -> _Rows:
        place = length, extractor
        if place not in self._known:
            own: dict[str, Any] | None = key_of_extractor(extractor, device)
            known = _Rows(None if own is None else {**self._video, **own, "chunk": length})
            entry = None if known.key is None else self._folder.read("features", known.key)
            if entry is not None:
                known.rows = [entry.arrays["rows"]]
                known.count = known.stored = len(known.rows[0])
            self._known[place] = known
        return self._known[place]
