"""The options of a run, whether they come from Python or from the command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from thm_torchmetrics import catalog
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.shard import parse_shard
from thm_torchmetrics.scoring.spelling import Spelling, in_python

INPUTS = ("preds", "target", "audio", "preds_au", "target_au")
"""The options that name a folder of one input."""

_OF_METRICS = ("missing", "resize", "average", "min_track", "min_face_size", "tracks")
"""The options that go to the metrics that have them."""

_MAPPINGS = {
    "options": "{'psnr': {'region': 'face'}}",
    "extractor": "{'lmd': 'dlib'}",
    "weights": "{'fan2d': 'FILE'}",
    "preds_features": "{'lmd': 'DIR'}",
    "target_features": "{'lmd': 'DIR'}",
}
"""Arguments in Python that are mappings by metric, or by checkpoint, with an example of each."""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """The options of `thm_torchmetrics.score`, which says what each of them means.

    Attributes:
        option: options of single metrics, as key, name and value in text.
        given: the names of the options that the caller gave.
        spell: how options are written in messages.
    """

    data: Path | None = None
    preds: Path | None = None
    target: Path | None = None
    audio: Path | None = None
    preds_au: Path | None = None
    target_au: Path | None = None
    pairs: Path | None = None
    fps: float = 25.0
    preds_features: Mapping[str, str | Path] = field(default_factory=dict)
    target_features: Mapping[str, str | Path] = field(default_factory=dict)
    metrics: Sequence[str] = ()
    suite: str | None = None
    extractor: Mapping[str, str] = field(default_factory=dict)
    option: Sequence[tuple[str, str, str]] = ()
    weights: Mapping[str, str | Path] = field(default_factory=dict)
    weights_dir: Path | None = None
    offline: bool = False
    commercial: bool = False
    every: int = 1
    device: str | None = None
    align: str | None = None
    resize: str | None = None
    missing: str = "skip"
    average: str | None = None
    with_target: bool = False
    min_track: int | None = None
    min_face_size: float | None = None
    tracks: str | None = None
    au_successful_only: bool = False
    au_min_confidence: float = 0.0
    au_face_id: int | None = None
    shard: str | None = None
    sums: Path | None = None
    cache: Path | None = None
    save_statistics: Path | None = None
    per_frame: bool = False
    pictures: bool = False
    devices: int | None = None
    num_nodes: int = 1
    given: frozenset[str] = frozenset()
    spell: Spelling = in_python

    def __post_init__(self) -> None:
        """Check what is of one option alone.

        Raises:
            InputError: if a value lies outside its range.
        """
        for name in ("every", "devices", "num_nodes"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise InputError(f"{self.spell(name, value)}: a whole number from 1 on is needed")
        if self.num_nodes > 1 and self.devices is None:
            raise InputError(
                f"{self.spell('num_nodes', self.num_nodes)} needs {self.spell('devices')}, the number on each machine"
            )
        if not 0 < self.fps < math.inf:
            raise InputError(f"{self.spell('fps', self.fps)}: a number above 0 is needed")
        if not 0 <= self.au_min_confidence <= 1:
            raise InputError(f"{self.spell('au_min_confidence', self.au_min_confidence)}: it must lie in 0..1")
        shard = None if self.shard is None else parse_shard(self.shard, self.spell("shard", self.shard))
        if shard is not None and shard.count > 1 and self.save_statistics is not None:
            raise InputError(f"{self.spell('save_statistics')} needs all clips; leave {self.spell('shard')} out")
        if (self.shard is None) != (self.sums is None):
            raise InputError(f"{self.spell('shard')} and {self.spell('sums')} go together; give both, or none")

    @classmethod
    def in_python(cls, arguments: Mapping[str, Any]) -> ScoreOptions:
        """Return the options that `thm_torchmetrics.score` was given.

        Raises:
            InputError: if a value is of another type, or lies outside its range.
        """
        _check_mappings(arguments)
        usual = {each.name: each for each in fields(cls)}
        given = {name: value for name, value in arguments.items() if value is not None}
        own = given.pop("options", {})
        kinds = get_type_hints(cls)
        for name, value in given.items():
            _check_kind(name, value, kinds[name])
        option = [(key, name, str(value)) for key, values in own.items() for name, value in values.items()]
        for name in (*INPUTS, "data", "pairs", "weights_dir", "sums", "cache", "save_statistics"):
            if name in given:
                given[name] = _path(name, given[name])
        for name in ("preds_features", "target_features", "weights"):
            if name in given:
                given[name] = {key: _path(name, path) for key, path in given[name].items()}
        if isinstance(given.get("metrics"), str):
            given["metrics"] = [given["metrics"]]
        if "metrics" in given:
            given["metrics"] = tuple(given["metrics"])
            if not given["metrics"] or not all(isinstance(key, str) for key in given["metrics"]):
                raise InputError(f"{in_python('metrics')} needs keys, such as 'psnr'; leave it out for a suite")
        given = {name: value for name, value in given.items() if value != usual[name].default}
        return cls(**given, option=option, given=frozenset(given))

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the metrics by key, with protocols or not, each once.

        Raises:
            InputError: if a key, protocol or suite is unknown.
        """
        if self.metrics and self.suite is not None:
            raise InputError(f"{self.spell('metrics')} and {self.spell('suite')} exclude each other; give one")
        if not self.metrics:
            named = catalog.find_suite("thm" if self.suite is None else self.suite)
            return tuple(dict.fromkeys(catalog.find_choice(key).name for key in named))
        keys = []
        for text in self.metrics:
            for key in map(str.strip, text.split(",")):
                wrong = f"{self.spell('metrics')} {text!r}"
                if not key:
                    raise InputError(f"{wrong}: a key is empty; give keys separated by commas, as in psnr,ssim")
                if len(key.split()) > 1:
                    raise InputError(f"{wrong}: separate keys by commas: {','.join(key.split())}")
                keys.append(catalog.find_choice(key).name)
        return catalog.with_unaligned(keys)

    @property
    def folders(self) -> dict[str, Path]:
        """Return the places of the inputs that were given by name."""
        return {kind: path for kind in INPUTS if (path := getattr(self, kind)) is not None}

    @property
    def of_metrics(self) -> dict[str, Any]:
        """Return the options that go to the metrics that have them."""
        options = {name: getattr(self, name) for name in _OF_METRICS}
        return {name: value for name, value in options.items() if value is not None} | {
            "extractor": self.extractor, "align": self.align or "truncate",
        }  # fmt: skip


_KINDS: Mapping[Any, tuple[type | tuple[type, ...], str]] = {
    Sequence: (Iterable, "a list of keys"),
    bool: (bool, "True or False"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "a text"),
}
"""What an argument in Python may be, by the type of the option, and how that is called."""


def _check_kind(name: str, value: object, hint: Any) -> None:
    """Raise an error unless an argument is of the type of its option.

    Raises:
        InputError: if it is not.
    """
    kind = get_args(hint)[0] if isinstance(hint, UnionType) else get_origin(hint) or hint
    accepted, words = _KINDS.get(kind, (object, ""))
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind in (int, float)):
        raise InputError(f"{in_python(name, value)}: {words} is needed")


def _path(name: str, value: object) -> Path:
    if not isinstance(value, str | Path):
        raise InputError(f"{in_python(name)} needs a path, got {type(value).__name__}")
    return Path(value)


def _check_mappings(arguments: Mapping[str, Any]) -> None:
    """Raise an error unless the arguments that need to be mappings are.

    Raises:
        InputError: if one is not.
    """
    for name, form in _MAPPINGS.items():
        value = arguments.get(name)
        inside = value.values() if name == "options" and isinstance(value, Mapping) else ()
        if not isinstance(value, Mapping | None) or not all(isinstance(each, Mapping) for each in inside):
            raise InputError(f"{in_python(name)} must be a mapping such as {form}, got {value!r}")
