"""The downloads that failed in one run, so that none is tried twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from thm_torchmetrics.weights.missing import Missing


class Refused(Exception):
    """An address does not give the file; the message says why in one line."""


@dataclass
class Attempts:
    """The record of one run.

    Attributes:
        failed: by name, the checkpoints that no address gave, or the message of another fault.
        unreachable: by host, why it could not be reached.
    """

    failed: dict[str, Missing | str] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
