"""How often a metric agrees with people who have compared two models on a clip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thm_torchmetrics.comparison.bootstrap import RESAMPLES, Interval, bootstrap_interval, mean_of_sums, sum_clusters
from thm_torchmetrics.comparison.compare import LEAST_UNITS
from thm_torchmetrics.comparison.models import check_alike, name_some
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.media.csv_rows import read_columns
from thm_torchmetrics.scoring.result import Result

TIE = "tie"
"""The winner of a vote that prefers neither model."""


@dataclass(frozen=True)
class Vote:
    """A vote prefers one of two models on a clip, or neither.

    Attributes:
        clip: the clip.
        first: the one model.
        second: the other.
        winner: the name of one of them, or ``tie``.
        aspect: what was judged; empty if only one thing was.
    """

    clip: str
    first: str
    second: str
    winner: str
    aspect: str = ""


@dataclass(frozen=True)
class Agreement:
    """An agreement says how often a metric prefers the model that people prefer.

    Attributes:
        metric: the key.
        aspect: what was judged.
        value: the share of votes with a winner with which the metric agrees, an equal value counting as half; None if
            there is none.
        interval: where it lies, by bootstrap over clips; None below eight clips.
        votes: the votes with a winner of which the metric has values.
        clips: the number of their clips.
        ties: votes without a winner, which do not count.
        without_value: votes with a winner of which the metric lacks a value, which do not count either.
    """

    metric: str
    aspect: str
    value: float | None
    interval: Interval | None
    votes: int
    clips: int
    ties: int
    without_value: int


def read_votes(path: Path) -> list[Vote]:
    """Return the votes in a CSV file with the columns ``clip``, ``model_a``, ``model_b``, ``winner`` and ``aspect``.

    A line is one vote. The winner is the name of a model, or ``tie``. The column ``aspect`` may be absent.

    Raises:
        InputError: if the file cannot be read or lacks a column, a vote compares a model with itself, or a winner is
            neither of the two models.
    """
    votes = []
    for row in read_columns(path, "--votes", ("clip", "model_a", "model_b", "winner")):
        vote = Vote(row["clip"], row["model_a"], row["model_b"], row["winner"], row.get("aspect", ""))
        if vote.first == vote.second:
            raise InputError(
                f"{path}: a vote on the clip {vote.clip!r} compares {vote.first!r} with itself; name two models"
            )
        if vote.winner not in (vote.first, vote.second, TIE):
            raise InputError(
                f"{path}: the winner {vote.winner!r} of the clip {vote.clip!r} is none of {vote.first!r}, "
                f"{vote.second!r} and {TIE!r}; name one of them"
            )
        votes.append(vote)
    if not votes:
        raise InputError(f"{path}: has no line after the first, which names the columns; add a line for every vote")
    return votes


def agreements(
    models: Mapping[str, Result], votes: Sequence[Vote], *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Agreement]:
    """Return how often each metric with values of clips agrees with votes, by aspect.

    Votes of one clip are not independent, so clips are resampled with all their votes.

    Args:
        models: the results by the names that the votes use.
        votes: the votes.
        seed: of the resamples.
        resamples: how many there are.

    Raises:
        InputError: if the models were not measured alike, a vote names a model that is not there, or both models
            have the clip of no vote.

    Example:
        >>> from thm_torchmetrics.scoring.result import ClipResult, ClipScore, MetricResult
        >>> def model(psnr: float) -> Result:
        ...     total = MetricResult(psnr, "dB", True, "piq", None, 1, 1, 1.0, 0)
        ...     return Result({}, {"psnr": total}, [ClipResult("a", metrics={"psnr": ClipScore(psnr, 1, 0)})], {})
        >>> agreements({"ours": model(30.0), "base": model(29.0)}, [Vote("a", "ours", "base", "ours")])[0].value
        1.0
    """
    unknown = sorted({name for vote in votes for name in (vote.first, vote.second)} - models.keys())
    if unknown:
        raise InputError(
            f"votes name {', '.join(map(repr, unknown))}, and the models are {', '.join(models)}; name results as the "
            "votes do, by NAME=FILE.json"
        )
    known = {name: {clip.clip for clip in result.clips} for name, result in models.items()}
    if not any(vote.clip in known[vote.first] & known[vote.second] for vote in votes):
        on, (first, clips) = dict.fromkeys(vote.clip for vote in votes), next(iter(known.items()))
        raise InputError(
            f"both models have the clip of no vote: the votes are on {name_some([*on])}, and {first} has "
            f"{name_some(sorted(clips))}; name clips as the results do"
        )
    keys = list(dict.fromkeys(key for result in models.values() for key in result.metrics))
    check_alike(models, keys)
    found = []
    for key in keys:
        values = {name: _values(result, key) for name, result in models.items() if key in result.metrics}
        if not any(values.values()):
            continue
        higher = next(result.metrics[key].higher_is_better for result in models.values() if key in result.metrics)
        for aspect in dict.fromkeys(vote.aspect for vote in votes):
            of_aspect = [vote for vote in votes if vote.aspect == aspect]
            found.append(_agreement(key, aspect, of_aspect, values, higher, seed, resamples))
    return found


def _values(result: Result, key: str) -> dict[str, float]:
    """Return the values of a metric by clip, infinite ones, too, which people and metrics can compare."""
    found = {clip.clip: clip.metrics[key].value for clip in result.clips if key in clip.metrics}
    return {clip: value for clip, value in found.items() if value is not None and not math.isnan(value)}


def _agreement(
    key: str,
    aspect: str,
    votes: Sequence[Vote],
    values: Mapping[str, Mapping[str, float]],
    higher_is_better: bool,
    seed: int,
    resamples: int,
) -> Agreement:
    decided = [vote for vote in votes if vote.winner != TIE]
    clips, agreed = [], []
    for vote in decided:
        winner, loser = (vote.first, vote.second) if vote.winner == vote.first else (vote.second, vote.first)
        better, worse = values.get(winner, {}).get(vote.clip), values.get(loser, {}).get(vote.clip)
        if better is not None and worse is not None:
            clips.append(vote.clip)
            agreed.append(0.5 if math.isclose(better, worse) else float((better > worse) is higher_is_better))
    rows = np.stack([np.array(agreed), np.ones(len(agreed))], axis=-1)
    by_clip = sum_clusters(rows, clips)
    interval = None
    if len(by_clip) >= LEAST_UNITS:
        interval = bootstrap_interval(by_clip, mean_of_sums, seed=seed, resamples=resamples)
    return Agreement(
        key, aspect, sum(agreed) / len(agreed) if agreed else None, interval, len(agreed), len(by_clip),
        len(votes) - len(decided), len(decided) - len(agreed),
    )  # fmt: skip
