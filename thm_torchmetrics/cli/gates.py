"""Check the gates of ``thm score --fail-under``."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thm_torchmetrics.cli.options import assignments
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result


@dataclass(frozen=True)
class Gate:
    """A gate is a value that a metric must reach."""

    key: str
    limit: float

    def failed(self, result: Result) -> bool:
        """Return whether the metric has no value or one on the wrong side of the limit."""
        metric = result.metrics.get(self.key)
        if metric is None or metric.value is None:
            return True
        worse = operator.lt if metric.higher_is_better else operator.gt
        return bool(worse(metric.value, self.limit))


def parse_gates(texts: Iterable[str], known: Iterable[str]) -> list[Gate]:
    """Return ``KEY=VALUE`` texts as gates.

    Raises:
        InputError: if one is not of that form, its value is not a number, or it names no metric of the run.
    """
    limits = assignments("--fail-under", texts, known)
    try:
        gates = [Gate(key, float(limit)) for key, limit in limits.items()]
    except ValueError as error:
        raise InputError(f"--fail-under takes KEY=VALUE with a number: {error}") from error
    for gate in gates:
        if math.isnan(gate.limit):  # every comparison with it is false, so the gate would never fail
            raise InputError(f"--fail-under {gate.key}={limits[gate.key]}: a number is needed")
    return gates
