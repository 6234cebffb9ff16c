"""What counts of a clip with several face tracks: each rule against numbers counted by hand, and in whole metrics."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

import pytest
import torch
from lipsync.stand_ins import KnownFaces, SmallSyncNet, score_clip, with_detector

from thm_torchmetrics import Clip, LipSyncConfidence, LipSyncDistance, LipSyncOffset
from thm_torchmetrics.faces.tracks import Track
from thm_torchmetrics.functional.lipsync import SyncScores
from thm_torchmetrics.lipsync.track_rules import TRACK_RULES, choose_tracks, read_tracks
from thm_torchmetrics.metrics.lipsync_metric import LipSync

Rows: TypeAlias = list[dict[str, Any]]

SCORES = SyncScores(
    torch.tensor([8.0, 7.0, 9.0], dtype=torch.float64),
    torch.tensor([2.0, 3.0, 5.5], dtype=torch.float64),
    torch.tensor([-3, 2, -4]),
)
READ = {
    "mean": [[8.0, 7.0, 9.0], [2.0, 3.0, 5.5], [-3, 2, -4]],
    "longest": [[8.0, 7.0, 9.0], [2.0, 3.0, 5.5], [-3, 2, -4]],  # only one is measured
    "last": [[8.0, 7.0, 9.0], [2.0, 3.0, 5.5], [-3, 2, -4]],
    "best": [[9.0], [5.5], [-4]],
    "extremes": [[7.0], [5.5], [2]],
    "truncated": [[8.0], [3.5], [-1]],  # -5 / 3, towards zero
}


@pytest.mark.parametrize("rule", TRACK_RULES)
def test_readings_of_three_tracks(rule: Any) -> None:
    assert [values.tolist() for values in read_tracks(SCORES, rule)] == READ[rule]


@pytest.mark.parametrize("rule", TRACK_RULES)
def test_a_single_track_is_read_as_it_is_by_every_rule(rule: Any) -> None:
    one = SyncScores(*(values[:1] for values in SCORES))
    assert [values.tolist() for values in read_tracks(one, rule)] == [values.tolist() for values in one]


def test_of_equally_good_tracks_the_first_is_the_best() -> None:
    """As in MOVA, whose later track must be better."""
    two = SyncScores(torch.tensor([8.0, 7.0]), torch.tensor([3.0, 2.0]), torch.tensor([1, 5]))
    assert [values.tolist() for values in read_tracks(two, "best")] == [[8.0], [3.0], [1]]


def test_the_tracks_that_must_be_measured() -> None:
    found = [Track(first, torch.zeros(length, 4), length) for first, length in ((0, 30), (3, 50), (60, 20))]
    lengths = {rule: [len(track.boxes) for track in choose_tracks(found, rule)] for rule in TRACK_RULES}  # type: ignore[arg-type]
    assert lengths == {rule: [30, 50, 20] for rule in TRACK_RULES} | {"longest": [50], "last": [20]}
    assert all(choose_tracks([], rule) == [] for rule in TRACK_RULES)  # type: ignore[arg-type]


def best(rows: Rows) -> dict[str, Any]:
    return max(rows, key=lambda row: row["lse-c"] - row["lse-d"])


EXPECTED: dict[tuple[str, type[LipSync]], Callable[[list[Rows]], float]] = {
    ("syncnet-python-2026", LipSyncDistance): lambda clips: fmean(row["lse-d"] for rows in clips for row in rows),
    ("syncnet-python-2026", LipSyncOffset): lambda clips: fmean(abs(row["offset"]) for rows in clips for row in rows),
    ("vico", LipSyncConfidence): lambda clips: fmean(rows[-1]["lse-c"] for rows in clips),
    ("vico", LipSyncOffset): lambda clips: abs(fmean(rows[-1]["offset"] for rows in clips)),
    ("latentsync", LipSyncConfidence): lambda clips: fmean(fmean(row["lse-c"] for row in rows) for rows in clips),
    ("latentsync", LipSyncOffset): lambda clips: fmean(
        abs(int(fmean(row["offset"] for row in rows))) for rows in clips
    ),
    ("mochabench", LipSyncDistance): lambda clips: fmean(min(row["lse-d"] for row in rows) for rows in clips),
    ("mochabench", LipSyncConfidence): lambda clips: fmean(max(row["lse-c"] for row in rows) for rows in clips),
    ("mova", LipSyncDistance): lambda clips: fmean(fmean(row["lse-d"] for row in rows) for rows in clips),
    ("mova", LipSyncConfidence): lambda clips: fmean(fmean(row["lse-c"] for row in rows) for rows in clips),
    ("mova-max", LipSyncDistance): lambda clips: fmean(best(rows)["lse-d"] for rows in clips),
    ("mova-max", LipSyncConfidence): lambda clips: fmean(best(rows)["lse-c"] for rows in clips),
}
"""The numbers of a data set by the sources, from the scores of single tracks."""


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    """Two faces in the first clip and one in the second, then a clip without a face; no cuts."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for count in (28, 34, 20):
        frames = torch.randint(0, 256, (count, 3, 120, 240), dtype=torch.uint8, generator=generator)
        sound = 0.8 * (torch.rand(640 * count, generator=generator) - 0.5)
        made.append(Clip(frames[:1] // 2 + frames // 8, audio=sound))
    return made


LEFT, RIGHT = [10.0, 10.0, 100.0, 100.0], [130.0, 10.0, 220.0, 100.0]


@pytest.mark.parametrize(("protocol", "cls"), EXPECTED)
def test_a_protocol_reads_the_tracks_of_clips_as_its_source(
    sync_weights: dict[str, Path], clips: list[Clip], protocol: str, cls: type[LipSync]
) -> None:
    metric = cls(
        protocol=protocol, extractor=SmallSyncNet(), weights=sync_weights, min_track=10, min_face_size=50
    )  # fmt: skip
    faces = ([[LEFT, RIGHT]], [[LEFT]], [[]])
    rows: list[Rows] = []
    for clip, boxes in zip(clips, faces, strict=True):
        with_detector(metric, KnownFaces(boxes * 50))
        rows.append(score_clip(metric, clip)[1]["tracks"])
    count = 1 if metric.tracks == "last" else 2
    assert [len(each) for each in rows] == [count, 1, 0]
    if count == 2:
        assert rows[0][0]["lse-d"] != rows[0][1]["lse-d"]
    assert metric.compute().item() == pytest.approx(EXPECTED[protocol, cls](rows[:2]), rel=1e-12)
    assert metric.coverage == pytest.approx(2 / 3)


def test_one_track_that_is_not_finite_leaves_the_reading_of_the_others(
    sync_weights: dict[str, Path], clips: list[Clip]
) -> None:
    class HalfBroken(SmallSyncNet):
        """Gives no number for the second face."""

        calls = 0

        def forward_lip(self, windows: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward_lip(windows) * (torch.nan if self.calls == 2 else 1.0)

    values = {}
    for tracks in ("extremes", "best", "truncated", "mean"):
        metric = LipSyncDistance(
            extractor=HalfBroken(),
            weights=sync_weights,
            min_track=10,
            min_face_size=50,
            tracks=tracks,  # type: ignore[arg-type]
        )
        with_detector(metric, KnownFaces([[LEFT, RIGHT]] * 50))
        score, detail = score_clip(metric, clips[0])
        finite = [row["lse-d"] for row in detail["tracks"] if row["lse-d"] == row["lse-d"]]
        assert len(finite) == 1
        values[tracks] = score.value
        assert metric.detail()["not_scored"] == {"not finite": 1}  # type: ignore[index]
    assert set(values.values()) == {finite[0]}
