"""Compare the results of several models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from thm_torchmetrics.comparison.bootstrap import (
    RESAMPLES,
    Array,
    Interval,
    Statistic,
    block_bootstrap_interval,
    bootstrap_interval,
    difference_of,
)
from thm_torchmetrics.comparison.comparison import Cell, Comparison, Difference
from thm_torchmetrics.comparison.correlations import correlate
from thm_torchmetrics.comparison.metric_rows import MetricRows, rows_of_clips, rows_of_sums
from thm_torchmetrics.comparison.models import check_alike, name_some
from thm_torchmetrics.comparison.paired import ALPHA, cohen_dz, holm, least_p, permutation_p
from thm_torchmetrics.comparison.weighted_mean import scores_of
from thm_torchmetrics.core.metric import whole_number
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.scoring.clip_sums import ClipSums
from thm_torchmetrics.scoring.result import MetricResult, Result

LEAST_UNITS = 8
"""The fewest clips, or clusters of clips, over which an interval is made."""

_MANY_SUMS = 1000
"""Above so many sums of a clip, as sets of features have, there are at most `_FEWER` resamples."""
_FEWER = 999

_METHODS = {
    "BCa": "intervals: 95 %, bootstrap over {units}, bias-corrected and accelerated (SciPy), {resamples} resamples, "
    "seed {seed}, at the level that gives a normal mean Student's width; {units} are taken to be independent",
    "percentile": "intervals by percentiles where BCa is not defined",
    "moving blocks": "below 8 {units}, intervals: 95 %, moving-block bootstrap over the frames of these clips, which "
    "says nothing of other clips",
    "sets": "of metrics over sets of features at most 999 resamples and exchanges",
    "linear": "of metrics with too many sums to resample, such as FID and FVD, intervals and tests are of first order, "
    "by pseudo-values of {units} (infinitesimal jackknife)",
    "permutation": "tests: paired permutation of the models within {units}, two-sided, exact up to 13 {units}, "
    "else {resamples} exchanges at random; p-values by Holm for {tests}",
}


def compare_models(
    models: Mapping[str, Result],
    *,
    reference: str = "",
    metrics: str | Sequence[str] = (),
    common: bool = False,
    clusters: Mapping[str, str] | None = None,
    sums: Mapping[str, Mapping[str, ClipSums]] | None = None,
    correlations: bool = False,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare models on the clips that all of them have.

    A value has a 95 % interval by bootstrap over clips, in which every clip has the weight that it has in the value;
    each other model is compared with the reference by the paired difference, its interval, a permutation test with
    Holm's correction over the table, and Cohen's dz.

    Args:
        models: the results by name.
        reference: the model with which the others are compared; default: the first.
        metrics: the keys to compare; default: all that any model has.
        common: compare on the clips that all models have where they have others; else that is an error.
        clusters: the cluster of each clip, such as its speaker; clusters are resampled and exchanged as wholes.
        sums: by model and metric what each clip adds to a metric over all frames together, as `models.read_sums` reads
            it; default: such metrics have no interval.
        correlations: correlate the metrics over the clips of each model.
        seed: of resamples and random exchanges.
        resamples: how many there are.

    Raises:
        InputError: if the models were not measured alike or on other clips, the reference or a metric is unknown, a
            clip has no cluster, or ``seed`` or ``resamples`` is out of range.
    """
    if not models or not isinstance(models, Mapping):
        raise InputError("nothing to compare: give the results of at least one model by name, {name: result}")
    metrics = [metrics] if isinstance(metrics, str) else metrics
    reference = reference or next(iter(models))
    if reference not in models:
        raise InputError(f"the reference {reference!r} is none of the models {', '.join(models)}")
    keys = _keys(models, metrics)
    check_alike(models, keys)
    left_out = list(_left_out(models))
    lacking = _without_value(models, keys)
    partial = {key for of in lacking.values() for key in of}
    left_out += [f"{', '.join(of)} of {name}: no finite value of {what}" for (name, what), of in lacking.items()]
    if left_out and not common:
        raise InputError(
            f"the models have values of other clips: {'; '.join(left_out)}; compare them on the clips that all have by "
            "--common (common=True in Python)"
        )
    left_out += [] if metrics else _skipped_by_all(models)
    comparer = _Comparer(clusters, seed, resamples)
    cells: dict[str, dict[str, Cell]] = {}
    differences: list[Difference] = []
    real: dict[str, float] = {}
    for key in keys:
        having = _with_value(models, key)
        if not having:
            cells[key] = {name: Cell(None, None, 0, _why_none(result, key)) for name, result in models.items()}
            continue
        clips = _shared(having, key)
        rows = rows_of_clips(having, key, clips, clusters)
        if rows is None and (found_sums := rows_of_sums(having, key, sums or {}, clusters)) is not None:
            rows, clips = found_sums
        is_whole = key not in partial and not _left_out(having)
        cells[key] = {
            name: comparer.cell(result.metrics[key], rows, name, len(clips) if rows else 0, is_whole)
            if name in having
            else Cell(None, None, 0, _why_none(result, key))
            for name, result in models.items()
        }
        if is_whole:
            real |= _real_value(having, key)
        if rows is not None and reference in rows.rows:
            differences += [comparer.difference(key, rows, name, reference) for name in having if name != reference]
    differences = _corrected(differences)
    found = [each for name, result in models.items() for each in correlate(name, result, keys)] if correlations else []
    return Comparison(models, reference, cells, differences, real, left_out, comparer.notes(differences), found, seed)


class _Comparer:
    """A comparer makes intervals and tests, and remembers by which methods."""

    def __init__(self, clusters: Mapping[str, str] | None, seed: int, resamples: int) -> None:
        self.seed, self.resamples = whole_number("seed", seed, 0), whole_number("resamples", resamples, 1)
        self.unit = "clip" if clusters is None else "cluster"
        self._used: dict[str, None] = {}

    def cell(self, metric: MetricResult, rows: MetricRows | None, model: str, clips: int, is_whole: bool) -> Cell:
        """Return the value of a model with its interval.

        Args:
            metric: the value over all clips of the model.
            rows: what the compared clips add to it.
            model: the name.
            clips: the number of these clips.
            is_whole: whether these are all clips of every model.
        """
        if rows is None and is_whole:
            return Cell(
                metric.value,
                None,
                metric.clips,
                "no interval: it is no mean over clips, and the sums of clips are not known",
            )
        if rows is None:
            return Cell(
                None,
                None,
                0,
                "no value over the common clips: none of them has a finite value in every model, or the metric is no "
                "mean over clips and their sums are not known",
            )
        value = metric.value if is_whole else rows.value(model)
        interval, why = self.interval(rows.rows[model], rows.frames.get(model, ()), rows.statistic)
        if rows.linear and interval is not None:
            self._used["linear"] = None
            low, high = (max(end, 0.0) for end in interval[:2])  # a distance is, but not to first order
            interval = interval._replace(low=low, high=high)
        return Cell(value, interval, clips, why)

    def difference(self, key: str, rows: MetricRows, model: str, reference: str) -> Difference:
        """Return the difference of a model to the reference."""
        mine, other = rows.rows[model], rows.rows[reference]
        difference = difference_of(rows.statistic)
        frames = [
            np.concatenate(pair, axis=1)
            for pair in zip(rows.frames.get(model, ()), rows.frames.get(reference, ()), strict=True)
            if len(pair[0]) == len(pair[1])
        ]
        frames = frames if len(frames) == len(rows.frames.get(model, ())) else []
        interval, no_interval = self.interval(np.concatenate([mine, other], axis=1), frames, difference)
        p, no_test = self._p(mine, other, rows.statistic)
        effect = cohen_dz(rows.statistic(mine) - rows.statistic(other)) if rows.units > 1 else math.nan
        return Difference(
            key, model, rows.value(model) - rows.value(reference), interval, p, None,
            None if math.isnan(effect) else effect, rows.units, "; ".join(filter(None, (no_interval, no_test))),
        )  # fmt: skip

    def interval(self, rows: Array, frames: Sequence[Array], statistic: Statistic) -> tuple[Interval | None, str]:
        """Return the interval of a value, or why there is none."""
        if len(rows) >= LEAST_UNITS:
            found = bootstrap_interval(rows, statistic, resamples=self._resamples_of(rows), seed=self.seed)
        elif any(len(clip) > 1 for clip in frames):
            found = block_bootstrap_interval(frames, statistic, resamples=self.resamples, seed=self.seed)
        else:
            return None, f"{self._count(len(rows))} too few for an interval, which needs {LEAST_UNITS}"
        self._used[found.method] = None
        return found, ""

    def _p(self, rows: Array, others: Array, statistic: Statistic) -> tuple[float | None, str]:
        if least_p(len(rows)) > ALPHA:
            return None, f"{self._count(len(rows))} too few for a test, which needs 6"
        self._used["permutation"] = None
        return permutation_p(rows, others, statistic, resamples=self._resamples_of(rows), seed=self.seed), ""

    def _resamples_of(self, rows: Array) -> int:
        if rows.shape[1] <= _MANY_SUMS:
            return self.resamples
        self._used["sets"] = None
        return min(self.resamples, _FEWER)

    def notes(self, differences: Sequence[Difference]) -> list[str]:
        """Return how intervals and tests were made, and what they assume."""
        tests = sum(each.p is not None for each in differences)
        facts = {
            "units": f"{self.unit}s",
            "resamples": self.resamples,
            "seed": self.seed,
            "tests": "1 test" if tests == 1 else f"{tests} tests",
        }
        notes = [text.format(**facts) for name, text in _METHODS.items() if name in self._used]
        units = [each.units for each in differences if each.p is not None]
        if units and tests * least_p(max(units)) > ALPHA:
            notes.append(f"with {tests} tests, {max(units)} {self.unit}s are too few for a p-value below {ALPHA:g}")
        reasons = [each.why for each in differences if each.why]
        return notes + list(dict.fromkeys(reasons))

    def _count(self, count: int) -> str:
        return f"{count} {self.unit} is" if count == 1 else f"{count} {self.unit}s are"


def _keys(models: Mapping[str, Result], metrics: Sequence[str]) -> list[str]:
    """Return the metrics to compare, in the order of the models."""
    known = list(dict.fromkeys(key for result in models.values() for key in result.metrics))
    for key in metrics:
        if key not in known:
            raise InputError(f"no model has the metric {key!r}; there are {', '.join(known)}")
    return [key for key in known if not metrics or key in metrics]


def _left_out(models: Mapping[str, Result]) -> list[str]:
    """Return the clips that some models lack, in words."""
    clips = {name: [clip.clip for clip in result.clips] for name, result in models.items()}
    shared = set.intersection(*map(set, clips.values()))
    return [
        f"{name} has {name_some(others)} that not all have"
        for name, found in clips.items()
        if (others := [clip for clip in found if clip not in shared])
    ]


def _skipped_by_all(models: Mapping[str, Result]) -> list[str]:
    """Return the metrics by which no model was measured, with the reasons."""
    reasons: dict[str, dict[str, None]] = {}
    for result in models.values():
        for key, why in result.skipped.items():
            reasons.setdefault(key, {})[" ".join(why.split())] = None
    measured = {key for result in models.values() for key in result.metrics}
    return [f"{key}: {'; '.join(of)}" for key, of in reasons.items() if key not in measured]


def _without_value(models: Mapping[str, Result], keys: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """Return metrics that have no value of clips that all models have, by model and clips in words."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for key in keys:
        having = _with_value(models, key)
        if not having:
            continue
        named = set.intersection(*({clip.clip for clip in result.clips} for result in having.values()))
        scores = {name: scores_of(result, key) for name, result in having.items()}
        scored = [clip for clip in dict.fromkeys(clip for found in scores.values() for clip in found) if clip in named]
        for name, found in scores.items():
            if clips := [clip for clip in scored if clip not in found]:
                lacking.setdefault((name, name_some(clips)), []).append(key)
        most = max(result.metrics[key].clips for result in having.values())
        for name, result in having.items():
            if not scored and result.metrics[key].clips < most:
                lacking.setdefault((name, f"{most - result.metrics[key].clips} clips"), []).append(key)
    return lacking


def _with_value(models: Mapping[str, Result], key: str) -> dict[str, Result]:
    return {name: result for name, result in models.items() if not result.lacking([key])}


def _why_none(result: Result, key: str) -> str:
    metric = result.metrics.get(key)
    return result.skipped.get(key, "it was not measured") if metric is None else metric.why or "it has no value"


def _real_value(models: Mapping[str, Result], key: str) -> dict[str, float]:
    """Return the value of the real videos under the metric's key; nothing if no model's run scored them."""
    targets = [(result.metrics[key].detail or {}).get("target") or {} for result in models.values()]
    return next(({key: target["value"]} for target in targets if target.get("value") is not None), {})


def _shared(models: Mapping[str, Result], key: str) -> list[str]:
    """Return the clips with a value in every model, in the order of the first."""
    scores = [scores_of(result, key) for result in models.values()] or [{}]
    return [clip for clip in scores[0] if all(clip in found for found in scores)]


def _corrected(differences: Sequence[Difference]) -> list[Difference]:
    tested = [each for each in differences if each.p is not None]
    corrected = dict(zip(map(id, tested), holm([each.p for each in tested if each.p is not None]), strict=True))
    return [replace(each, p_holm=corrected.get(id(each))) for each in differences]
