"""Which of the metrics asked for can run here, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from thm_torchmetrics import catalog, weights
from thm_torchmetrics.collection import TalkingHeadMetrics
from thm_torchmetrics.errors import MissingExtraError, WeightsError
from thm_torchmetrics.metric import TalkingHeadMetric
from thm_torchmetrics.scoring.run import Progress


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


@dataclass
class Build:
    """What became of the metrics that were asked for.

    Attributes:
        metrics: those whose networks are there, on their device.
        skipped: the others, with the reason and the remedy.
        weights: the checkpoints in use, for the report.
    """

    metrics: TalkingHeadMetrics
    skipped: dict[str, str]
    weights: dict[str, dict[str, Any]]


def build(asked: Sequence[str], options: Mapping[str, Any], device: torch.device, progress: Progress) -> Build:
    """Make the metrics; this fetches the checkpoints that they need.

    Args:
        asked: metric keys, with protocols or not.
        options: options of the metrics; each goes to the metrics that have it. ``extractor`` is by metric key,
            ``weights``, the user's own files, by name of the checkpoint.
        device: where they compute.
        progress: who is told of downloads and licences.
    """
    members: dict[str, TalkingHeadMetric] = {}
    skipped: dict[str, str] = {}
    used: dict[str, dict[str, Any]] = {}
    for text in asked:
        choice = catalog.choose(text)
        extractors = options.get("extractor", {})
        names = choice.weights(extractors.get(text, extractors.get(choice.row.key)))
        try:
            for name in names:
                if name not in used:
                    used[name] = _obtain(name, options.get("weights", {}).get(name), progress)
            members |= TalkingHeadMetrics([text], **_fitting(choice, options)).members()
        except (WeightsError, MissingExtraError) as error:
            skipped[text] = str(error)
    return Build(TalkingHeadMetrics(members).to(device), skipped, used)


def _obtain(name: str, file: str | None, progress: Progress) -> dict[str, Any]:
    found = weights.obtain(name, file, progress=partial(progress.download, name))
    if weights.registry()[name].commercial is not True:
        progress.note(weights.licence_notice(name))
    return {"file": found.path.name, "sha256": found.sha256, "custom": found.custom}


def _fitting(choice: catalog.Choice, options: Mapping[str, Any]) -> dict[str, Any]:
    kind = choice.row.load()
    fitting = {name: value for name, value in options.items() if kind.accepts(name)}
    if kind.pooled:
        fitting.pop("average", None)
    return fitting
