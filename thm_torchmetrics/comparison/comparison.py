"""A comparison holds the values of several models, with intervals, and their differences, with tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from thm_torchmetrics.comparison.bootstrap import Interval
from thm_torchmetrics.comparison.correlations import Correlation
from thm_torchmetrics.comparison.paired import ALPHA
from thm_torchmetrics.scoring.json_form import to_json
from thm_torchmetrics.scoring.result import Result


@dataclass(frozen=True)
class Cell:
    """A cell holds the value of one metric for one model.

    Attributes:
        value: the value over the clips that are compared, None if there is none.
        interval: where it lies, None if that cannot be said.
        clips: the number of clips.
        why: why there is no value, or no interval.
    """

    value: float | None
    interval: Interval | None
    clips: int
    why: str = ""


@dataclass(frozen=True)
class Difference:
    """A difference compares a model with the reference on the same clips.

    Attributes:
        metric: the key.
        model: the model.
        value: its value less that of the reference.
        interval: where the difference lies, None if that cannot be said.
        p: p-value of the paired permutation test, None if there are too few clips.
        p_holm: the same, corrected for the number of tests of the comparison.
        effect: Cohen's dz, the mean difference of clips by its standard deviation.
        units: the number of clips, or of clusters, that are exchanged and resampled.
        why: why there is no interval, or no test.
    """

    metric: str
    model: str
    value: float
    interval: Interval | None
    p: float | None
    p_holm: float | None
    effect: float | None
    units: int
    why: str = ""

    @property
    def is_significant(self) -> bool:
        """Return whether the corrected p-value is below 5 %."""
        return self.p_holm is not None and self.p_holm < ALPHA


@dataclass(frozen=True)
class Comparison:
    """A comparison holds several models and what can be said of their differences.

    Attributes:
        models: the results by name.
        reference: the model with which the others are compared.
        cells: the values by metric and model.
        differences: the other models less the reference.
        real: the values of the real videos by metric, where they were scored and all clips are compared.
        left_out: what is not compared, in words.
        notes: how intervals and tests were made, and what they assume.
        correlations: those between metrics over the clips of each model, if they were asked for.
        seed: of resamples and random exchanges.
    """

    models: Mapping[str, Result]
    reference: str
    cells: Mapping[str, Mapping[str, Cell]]
    differences: Sequence[Difference]
    real: Mapping[str, float]
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()
    correlations: Sequence[Correlation] = ()
    seed: int = 0

    def difference(self, key: str, model: str) -> Difference | None:
        """Return the difference of a model to the reference in one metric, None if there is none."""
        return next((each for each in self.differences if (each.metric, each.model) == (key, model)), None)

    def to_json(self) -> dict[str, Any]:
        """Return cells, differences and notes, ready for ``json.dump``."""
        plain: dict[str, Any] = to_json(
            {
                "reference": self.reference,
                "seed": self.seed,
                "metrics": {
                    key: {model: _plain(cell) for model, cell in cells.items()} for key, cells in self.cells.items()
                },
                "real": self.real,
                "differences": [_plain(each) for each in self.differences],
                "correlations": [asdict(each) for each in self.correlations],
                "left_out": list(self.left_out),
                "notes": list(self.notes),
            }
        )
        return plain


def _plain(part: Cell | Difference) -> dict[str, Any]:
    interval = part.interval
    return {**asdict(part), "interval": None if interval is None else interval._asdict()}
