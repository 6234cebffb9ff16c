"""The outcome of a clip is everything that measuring it gave; a result is made of outcomes alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from thm_torchmetrics.core.score import ClipScore, Measurement
from thm_torchmetrics.media.feature_files import Fact


class Origin(NamedTuple):
    """The origin of given features.

    Attributes:
        file: the file that holds them.
        made_by: what made them, as the file says.
    """

    file: str
    made_by: Mapping[str, Fact]


@dataclass
class PassOutcome:
    """The outcome of one pass over the files of a clip, which the metrics that read the same files share.

    Attributes:
        measured: what the metrics found.
        failures: why some metrics have no value, in the order in which it was found; a metric that found no frame
            stands in ``measured``, too.
        media: the files that were opened, as input and format, in order.
        notes: remarks on the files that bear on the numbers.
        origins: what made the features that metrics were given, by metric and side.
    """

    measured: dict[str, Measurement] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    media: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    origins: dict[str, dict[str, Origin]] = field(default_factory=dict)

    def fail(self, names: Iterable[str], reason: str) -> None:
        """Record that some metrics could not be measured; the first reason of a metric counts."""
        for name in names:
            self.failures.setdefault(name, reason)


@dataclass
class ClipOutcome:
    """The outcome of one clip, as `DatasetRun.measure` returns it.

    It can be stored and sent: `to_plain` gives JSON and arrays, and `from_plain` the same outcome again.

    Attributes:
        key: the name of the clip.
        absent: the metrics that lack a file, by the reason.
        passes: one for each set of files that metrics read.
        real: the pass over the real video alone, where it is scored, too.
    """

    key: str
    absent: dict[str, list[str]] = field(default_factory=dict)
    passes: list[PassOutcome] = field(default_factory=list)
    real: PassOutcome | None = None

    def to_plain(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the outcome as values of JSON (infinity and NaN included) and as arrays by name."""
        arrays: dict[str, Tensor] = {}
        passes = [_plain_pass(each, f"{number}", arrays) for number, each in enumerate(self.passes)]
        real = None if self.real is None else _plain_pass(self.real, "real", arrays)
        return {"clip": self.key, "absent": self.absent, "passes": passes, "real": real}, arrays

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], arrays: Mapping[str, Tensor]) -> ClipOutcome:
        """Return the outcome that `to_plain` gave."""
        passes = [_pass_from(each, f"{number}", arrays) for number, each in enumerate(plain["passes"])]
        real = None if plain["real"] is None else _pass_from(plain["real"], "real", arrays)
        return cls(plain["clip"], {reason: [*names] for reason, names in plain["absent"].items()}, passes, real)


def plain_measurement(measurement: Measurement) -> dict[str, Any]:
    """Return the score of a measurement, and the names of its arrays, as values of JSON."""
    return {**vars(measurement.score), "arrays": [*measurement.arrays]}


def measurement_from(plain: Mapping[str, Any], arrays: Mapping[str, Tensor]) -> Measurement:
    """Return the measurement of a score and of arrays by name."""
    score = {name: value for name, value in plain.items() if name != "arrays"}
    return Measurement(ClipScore(**score), {name: arrays[name] for name in plain["arrays"]})


def _plain_pass(outcome: PassOutcome, place: str, arrays: dict[str, Tensor]) -> dict[str, Any]:
    for metric, measurement in outcome.measured.items():
        arrays |= {f"{place}/{metric}/{name}": array for name, array in measurement.arrays.items()}
    return {
        "measured": {metric: plain_measurement(each) for metric, each in outcome.measured.items()},
        "failures": outcome.failures,
        "media": [[*opened] for opened in outcome.media],
        "notes": outcome.notes,
        "origins": {
            metric: {side: [origin.file, dict(origin.made_by)] for side, origin in sides.items()}
            for metric, sides in outcome.origins.items()
        },
    }


def _pass_from(plain: Mapping[str, Any], place: str, arrays: Mapping[str, Tensor]) -> PassOutcome:
    measured = {}
    for metric, score in plain["measured"].items():
        own = {name: arrays[f"{place}/{metric}/{name}"] for name in score["arrays"]}
        measured[metric] = measurement_from(score, own)
    return PassOutcome(
        measured,
        dict(plain["failures"]),
        [(kind, what) for kind, what in plain["media"]],
        [*plain["notes"]],
        {
            metric: {side: Origin(file, _facts(made_by)) for side, (file, made_by) in sides.items()}
            for metric, sides in plain["origins"].items()
        },
    )


def _facts(made_by: Mapping[str, Any]) -> dict[str, Fact]:
    return {label: tuple(value) if isinstance(value, list) else value for label, value in made_by.items()}
