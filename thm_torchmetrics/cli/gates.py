"""Check the gates of ``thm score --fail-under``."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thm_torchmetrics.cli.options import assignments
from thm_torchmetrics.errors import InputError

if TYPE_CHECKING:
    from thm_torchmetrics.scoring.result import Result


@dataclass(frozen=True)
class Gate:
    """A gate is a value that a metric must reach."""

    key: str
    limit: float

    def fault(self, result: Result) -> str | None:
        """Return why the gate fails: the metric has no value, or one on the wrong side of the limit."""
        metric = result.metrics.get(self.key)
        value = None if metric is None else metric.value
        if metric is None or value is None:
            return f"{self.key} has no value, and --fail-under asks for {self.limit:g}"
        is_worse = operator.lt if metric.higher_is_better else operator.gt
        if not is_worse(value, self.limit):
            return None
        shown = f"{value:.6g}" if float(f"{value:.6g}") != self.limit else repr(value)
        return f"{self.key} {shown} is {'below' if metric.higher_is_better else 'above'} {self.limit:g}"

    def outcome(self, result: Result) -> dict[str, Any]:
        """Return limit, value and whether the metric passed, for the JSON report."""
        metric = result.metrics.get(self.key)
        value = None if metric is None else metric.value
        return {"metric": self.key, "limit": self.limit, "value": value, "passed": self.fault(result) is None}


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
