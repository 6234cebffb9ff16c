"""Keep what clips gave, an entry for each clip and metric, so that nothing is measured twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.core.clip import AnyClip, Clip
from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.media.content import content_hash, content_stamp
from thm_torchmetrics.media.pairing import Item
from thm_torchmetrics.scoring.cache_folder import CacheFolder, Key
from thm_torchmetrics.scoring.cache_keys import key_of_metric
from thm_torchmetrics.scoring.clip_files import ActionUnitOptions, Files
from thm_torchmetrics.scoring.clip_outcome import PassOutcome, measurement_from, plain_measurement
from thm_torchmetrics.scoring.feature_cache import FeatureCache
from thm_torchmetrics.scoring.remarks import Remarks

_SIDES = ("preds", "target")


@dataclass(frozen=True)
class PassFiles:
    """What one pass reads.

    Attributes:
        item: the clip.
        files: the files of prediction and target.
        steps: every how many frames one is taken of each.
        sound: the file of the sound, where it is one apart and a metric reads it.
    """

    item: Item
    files: Files
    steps: tuple[int, int]
    sound: Path | None

    @property
    def paths(self) -> dict[str, Path]:
        """Return the files of the sides and the sound by what they are."""
        paths = {side: file.path for side, file in zip(_SIDES, self.files, strict=True) if file is not None}
        return paths | ({} if self.sound is None else {"audio": self.sound})


@dataclass
class ClipCache:
    """The cache of a run finds what clips gave in a folder, and stores what they give.

    What a metric makes of given features is not kept: it costs less than to look it up. Neither are failures, so that
    what was mended meanwhile is measured.

    Args:
        folder: the folder.
        metrics: the metrics of the run.
        settings: options of the run that decide numbers.
        fps: frames per second of folders of pictures.
        action_units: how OpenFace's tables are read.
    """

    folder: CacheFolder
    metrics: TalkingHeadMetrics
    settings: Key
    fps: float
    action_units: ActionUnitOptions
    _hashes: dict[Any, str] = field(default_factory=dict, init=False)

    def open_pass(self, item: Item, names: Collection[str], files: Files, steps: tuple[int, int]) -> CachedPass:
        """Return what the cache holds of one pass over the files of a clip.

        Args:
            item: the clip.
            names: the metrics that read the files.
            files: the files of prediction and target.
            steps: every how many frames one is taken of each.
        """
        members = {name: metric for name, metric in self.metrics.members().items() if name in names}
        with_sound = {name for name, metric in members.items() if "audio" in metric.inputs}
        reads = PassFiles(item, files, steps, item.audio if with_sound else None)
        stamps: dict[str, Any] = {}
        key: dict[str, Any] | None = None
        if not any(file is not None and file.row is not None for file in reads.files):
            with suppress(OSError, MediaError):  # the measurement says what is wrong with the file
                stamps = {name: content_stamp(path) for name, path in reads.paths.items()}
                key = self._key_of_files(reads, stamps)
        found = CachedPass(self.folder, reads, stamps)
        if key is None:
            return found
        for name, metric in members.items():
            of_metric = key_of_metric(metric)
            if of_metric is not None:
                found.keys[name] = {**key, **of_metric, "sound": key["sound"] if name in with_sound else None}
        found.read()
        for place, side in enumerate(_SIDES):
            file = reads.files[place]
            if file is not None and not file.kind.endswith("_au"):
                video = {"video": key["files"][side][1], "every": reads.steps[place], "fps": key["fps"]}
                found.features[side] = FeatureCache(self.folder, video)
        return found

    def _key_of_files(self, reads: PassFiles, stamps: Mapping[str, Any]) -> dict[str, Any]:
        hashes = {name: self._hash(path, stamps[name]) for name, path in reads.paths.items()}
        files: dict[str, list[Any]] = {
            side: [file.kind, hashes[side], step]
            for side, file, step in zip(_SIDES, reads.files, reads.steps, strict=True)
            if file is not None
        }
        tables = any(kind.endswith("_au") for kind, _, _ in files.values())
        pictures = any(not path.is_file() for path in reads.paths.values())
        return {
            "clip": reads.item.key,
            "files": files,
            "sound": hashes.get("audio", "none" if reads.item.no_sound else "own"),
            "fps": self.fps if pictures else None,
            "action_units": vars(self.action_units) if tables else None,
            "settings": dict(self.settings),
        }

    def _hash(self, path: Path, stamp: Any) -> str:
        """Return the hash of a file, which is read once as long as its stamp stays."""
        place = path, stamp
        if place not in self._hashes:
            self._hashes[place] = content_hash(path)
        return self._hashes[place]


class CachedPass:
    """What the cache holds of one pass, and takes in of it.

    Args:
        folder: the cache.
        reads: the files of the pass.
        stamps: the stamps of the files, before they are read.

    Attributes:
        keys: the keys of the metrics whose entries can be kept, by name.
        outcome: what was found.
        features: the features of both sides.
    """

    def __init__(self, folder: CacheFolder, reads: PassFiles, stamps: Mapping[str, Any]) -> None:
        self.keys: dict[str, Key] = {}
        self.outcome = PassOutcome()
        self.features: dict[str, FeatureCache] = {}
        self._folder = folder
        self._reads = reads
        self._stamps = stamps
        self._notes: list[tuple[int, str]] = []

    def read(self) -> None:
        """Find the entries of the metrics."""
        for name, key in self.keys.items():
            entry = self._folder.read("clips", key)
            if entry is None:
                continue
            try:
                measured = measurement_from(entry.value["score"], entry.arrays)
                media = [(kind, what) for kind, what in entry.value["media"]]
                notes = [(place, self._with_paths(note)) for place, note in entry.value["notes"]]
            except (KeyError, TypeError, ValueError) as error:  # of a version of the package with other fields
                self._folder.reject("clips", key, error)
                continue
            self.outcome.measured[name], self.outcome.media = measured, media
            self._notes += notes
        self.outcome.notes = [note for _, note in sorted(set(self._notes))]

    def attach(self, preds: AnyClip | None, target: AnyClip | None) -> None:
        """Let the chunks of both clips ask the cache for features."""
        for side, clip in zip(_SIDES, (preds, target), strict=True):
            if isinstance(clip, Clip) and side in self.features:
                clip.extract = self.features[side].extract

    def joined(self, fresh: PassOutcome, said: Remarks, leaders: Mapping[str, str]) -> PassOutcome:
        """Store what was measured, and return it with what was found.

        Args:
            fresh: what was measured of the other metrics.
            said: the remarks that were raised meanwhile, by the metrics that raised them.
            leaders: the metric that measures for each of those that share a state.
        """
        unchanged = self._unchanged()
        for name, measurement in fresh.measured.items():
            if unchanged and name in self.keys and name not in fresh.failures:
                notes = [(place, self._without_paths(note)) for place, note in said.of_owner(leaders[name])]
                value = {"score": plain_measurement(measurement), "media": fresh.media, "notes": notes}
                self._folder.write("clips", self.keys[name], value, measurement.arrays)
        for features in self.features.values() if unchanged else ():
            features.close()
        found = self.outcome
        notes = sorted({*self._notes, *enumerate(said.notes)})
        return PassOutcome(
            found.measured | fresh.measured,
            fresh.failures,
            fresh.media or found.media,
            list(dict.fromkeys(note for _, note in notes)),
            fresh.origins,
        )

    def _unchanged(self) -> bool:
        """Return whether the files are those that were hashed."""
        try:
            paths = self._reads.paths
            return all(content_stamp(paths[name]) == stamp for name, stamp in self._stamps.items())
        except (OSError, MediaError):
            return False

    def _without_paths(self, note: str) -> str:
        for name, path in sorted(self._reads.paths.items(), key=lambda item: -len(str(item[1]))):
            note = note.replace(str(path), f"<{name}>")
        return note

    def _with_paths(self, note: str) -> str:
        for name, path in self._reads.paths.items():
            note = note.replace(f"<{name}>", str(path))
        return note
