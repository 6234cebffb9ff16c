"""Write what a shard of a dataset gave, so that the shards of several machines can be merged."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thm_torchmetrics.media.whole_file import whole_file
from thm_torchmetrics.scoring.clip_files import ActionUnitOptions
from thm_torchmetrics.scoring.clip_outcome import ClipOutcome
from thm_torchmetrics.scoring.dataset import Dataset, Plan
from thm_torchmetrics.scoring.dealing import costs_of, digest_of, numbers_of
from thm_torchmetrics.scoring.outcome_file import OutcomeWriter
from thm_torchmetrics.scoring.shard import parse_shard

SUMS_SUFFIX = ".sums.zip"
"""The end of the name of the file with the sums, beside the JSON report of a shard."""


@dataclass(frozen=True)
class Recipe:
    """A recipe makes the metrics of a run again, without their networks.

    Attributes:
        asked: the metrics that ran, with protocols or not.
        named: whether they were asked for by name, not by a suite.
        options: options of all metrics.
        own_options: options of single metrics, as key, name and value in text.
        widths: of the metrics that were given features, the length of a feature; None where it is fixed.
        with_target: whether the real videos were scored, too.
        every: n, if every n-th frame was taken.
        same_rate: whether pairs of different frame rates are failures.
        action_units: how OpenFace's tables were read.
    """

    asked: list[str]
    named: bool
    options: dict[str, Any]
    own_options: list[list[str]]
    widths: dict[str, int | None]
    with_target: bool
    every: int
    same_rate: bool
    action_units: ActionUnitOptions


@dataclass(frozen=True)
class ShardFacts:
    """The facts of a shard stand in the provenance of its report, under ``shard``.

    Attributes:
        index: its number, from 1.
        count: how many shards there are.
        numbers: the numbers of its clips in the dataset.
        clips: how many clips the dataset has.
        data: a hash of the dataset.
        sums: the name of the file with the sums.
        run: the word of this run, which stands in that file, too.
        notes: remarks on the files of the whole dataset.
        recipe: how the metrics are made again.
    """

    index: int
    count: int
    numbers: list[int]
    clips: int
    data: str
    sums: str
    run: str
    notes: list[str]
    recipe: Recipe


def shard_facts(text: str, sums: Path, dataset: Dataset, plan: Plan) -> ShardFacts:
    """Return the facts of the shard that a text such as ``2/8`` stands for."""
    options = plan.options
    shard = parse_shard(text, options.spell("shard", text))
    run = dataset.run
    members = run.metrics.members()
    recipe = Recipe(
        list(members),
        bool(options.metrics),
        {**options.of_metrics, "extractor": dict(options.extractor)},
        [list(each) for each in options.option],
        {name: getattr(members[name], "num_features", None) for name in plan.features if name in members},
        run.with_target,
        run.every,
        run.same_rate,
        run.action_units,
    )
    return ShardFacts(
        shard.index,
        shard.count,
        numbers_of(costs_of(dataset.items), shard),
        len(dataset.items),
        digest_of(dataset.items),
        sums.name,
        secrets.token_hex(8),
        dataset.notes,
        recipe,
    )


class SumsFile:
    """A file of outcomes, written whole or not at all; a fault of it costs no outcome.

    Args:
        path: the file.
        run: a word that tells one run from the others.

    Attributes:
        fault: why it was not written; empty if nothing went wrong.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.fault = ""
        self._path = path
        self._run = run
        self._files = ExitStack()

    def keep(self, outcomes: Iterable[ClipOutcome], numbers: Iterable[int]) -> Iterator[ClipOutcome]:
        """Yield outcomes, and write them with their numbers; the file is complete when the last one has been taken."""
        with self._files:
            with self._giving_up():
                file = self._files.enter_context(whole_file(self._path, "wb"))
                writer = self._files.enter_context(closing(OutcomeWriter(file, self._run)))
            for outcome, number in zip(outcomes, numbers, strict=False):
                with self._giving_up():
                    if not self.fault:
                        writer.add(number, outcome)
                yield outcome
            with self._giving_up():
                self._files.close()

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Give the file up if it cannot be written."""
        try:
            yield
        except OSError as error:
            self.fault = f"{self._path} was not written: {error.strerror or error}"
            with suppress(OSError):
                self._files.__exit__(type(error), error, error.__traceback__)
