"""Which of the metrics asked for can run here, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from thm_torchmetrics import catalog
from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.errors import MissingExtraError, WeightsError


def plan(asked: Sequence[str], inputs: Iterable[str], remedies: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Which of the metrics asked for can run on the inputs that there are.

    Args:
        asked: metric keys, with protocols or not.
        inputs: the kinds of input that were given.
        remedies: how to give each kind, for the reasons.

    Returns:
        The metrics that can run, and the others with the reason and the remedy.
    """
    given = set(inputs)
    run: list[str] = []
    skipped: dict[str, str] = {}
    for text in asked:
        lacking = [kind for kind in catalog.choose(text).row.inputs if kind not in given]
        if lacking:
            skipped[text] = "; ".join(f"needs {kind}: {remedies[kind]}" for kind in lacking)
        else:
            run.append(text)
    return run, skipped


def build(
    asked: Sequence[str], options: Mapping[str, Any], device: torch.device
) -> tuple[TalkingHeadMetrics, dict[str, str]]:
    """Make the metrics; this fetches the checkpoints that they need.

    Returns:
        The metrics whose networks are there, and the others with the reason and the remedy.
    """
    members = {}
    skipped = {}
    for text in asked:
        try:
            members |= TalkingHeadMetrics([text], **_fitting(text, options)).members()
        except (WeightsError, MissingExtraError) as error:
            skipped[text] = str(error)
    return TalkingHeadMetrics(members).to(device), skipped


def _fitting(text: str, options: Mapping[str, Any]) -> dict[str, Any]:
    kind = catalog.choose(text).row.load()
    left_out = {name for name in options if not kind.accepts(name)} | ({"average"} if kind.pooled else set())
    return {name: value for name, value in options.items() if name not in left_out}
