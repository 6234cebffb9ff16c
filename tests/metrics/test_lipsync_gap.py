"""Differences of lip sync to the real clips: whose sound is whose, what is not scored, and that each side is alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lipsync.stand_ins import KnownFaces, SmallSyncNet, score_clip, with_detector
from torch import Tensor

from thm_torchmetrics import (
    Clip,
    LipSyncConfidence,
    LipSyncConfidenceGap,
    LipSyncDistance,
    LipSyncDistanceGap,
    TalkingHeadMetrics,
)
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.errors import InputError, MismatchError, MissingFaceError
from thm_torchmetrics.lipsync.tracking import Detector
from thm_torchmetrics.media import open_clip
from thm_torchmetrics.media.write import write_video
from thm_torchmetrics.metrics.lipsync_metric import LipSync


def frames(seed: int, count: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 48, 48), dtype=torch.uint8, generator=generator)


def noise(seed: int, count: int = 24) -> Tensor:
    return 1.6 * torch.rand(640 * count, generator=torch.Generator().manual_seed(seed)) - 0.8


def gap(**options: Any) -> LipSyncDistanceGap:
    return LipSyncDistanceGap(**{"protocol": "wav2lip-lrs", "extractor": SmallSyncNet(), **options})


def lse_d(clip: Clip, **options: Any) -> float:
    metric = LipSyncDistance(**{"protocol": "wav2lip-lrs", "extractor": SmallSyncNet(), **options})
    value = score_clip(metric, clip)[0].value
    assert value is not None
    return value


def score_pair(metric: LipSyncDistanceGap, preds: Clip, target: Clip, **inputs: Any) -> ClipScore:
    (run,) = measure_clip({"m": metric}, preds, target, **inputs).values()
    metric.add(run.sums)
    return metric.score(run)


def test_each_clip_counts_by_its_absolute_difference() -> None:
    """The difference of the means would be smaller: one clip is better than the real one, the other worse."""
    ours = [Clip(frames(i), audio=noise(i)) for i in range(2)]
    real = [Clip(frames(9 - i, 30), audio=noise(9 - i, 30)) for i in range(2)]
    metric = gap()
    metric.update(ours, real)
    each = [lse_d(a) - lse_d(b) for a, b in zip(ours, real, strict=True)]
    assert metric.compute().item() == pytest.approx(np.mean(np.abs(each)), rel=1e-12)
    assert metric.coverage == 1
    same = gap()
    same.update(ours, ours)
    assert same.compute() == 0


@pytest.mark.parametrize("own", [True, False])
def test_the_real_clip_is_measured_with_its_own_sound_or_else_with_the_given_one(own: bool) -> None:
    given, of_real = noise(1), noise(2)
    preds, target = Clip(frames(1), audio=noise(3)), Clip(frames(2), audio=of_real if own else None)
    metric = gap()
    metric.update(preds, target, audio=given)
    ours = lse_d(Clip(frames(1), audio=given))
    real = lse_d(Clip(frames(2), audio=of_real if own else given))
    assert metric.compute().item() == pytest.approx(abs(ours - real), rel=1e-12)
    assert lse_d(Clip(frames(2), audio=of_real)) != pytest.approx(lse_d(Clip(frames(2), audio=given)), rel=1e-4)


def test_tensors_of_both_sides_share_the_given_sound() -> None:
    metric = gap()
    metric.update(frames(1)[None], frames(2)[None], audio=noise(1)[None])
    ours, real = (lse_d(Clip(frames(seed), audio=noise(1))) for seed in (1, 2))
    assert metric.compute().item() == pytest.approx(abs(ours - real), rel=1e-12)


def test_both_metrics_share_one_measurement() -> None:
    options = {"protocol": "wav2lip-lrs", "extractor": SmallSyncNet()}
    metrics = TalkingHeadMetrics({"d": LipSyncDistanceGap(**options), "c": LipSyncConfidenceGap(**options)})  # type: ignore[arg-type]
    assert [sorted(group) for group in metrics.compute_groups.values()] == [["c", "d"]]
    clips = [Clip(frames(i), audio=noise(i)) for i in range(2)]
    metrics.update(clips[0], clips[1])
    confidence = [score_clip(LipSyncConfidence(**options), clip)[0].value for clip in clips]  # type: ignore[arg-type]
    assert metrics.compute()["c"].item() == pytest.approx(abs(confidence[0] - confidence[1]), rel=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("preds", "target", "why", "counts"),
    [
        (None, noise(1), "no audio", {"not_scored": {"no audio": 1}, "target_not_scored": {}}),
        (noise(1), None, "the real clip: no audio", {"not_scored": {}, "target_not_scored": {"no audio": 1}}),
        (noise(1, 4), noise(1), "too short", {"not_scored": {"too short": 1}, "target_not_scored": {}}),
        (None, None, "no audio", {"not_scored": {"no audio": 1}, "target_not_scored": {"no audio": 1}}),
    ],
)
def test_a_clip_is_scored_if_both_sides_are(
    preds: Tensor | None, target: Tensor | None, why: str, counts: dict[str, Any]
) -> None:
    metric = gap()
    ours, real = Clip(frames(1), audio=preds), Clip(frames(2), audio=target)
    score = score_pair(metric, ours, real)
    assert score.value is None
    assert score.why is not None
    assert score.why.startswith(why)
    assert metric.detail() == counts
    with pytest.warns(UserWarning, match="none of 1 clips could be scored"):
        assert metric.compute().isnan()
    assert metric.coverage == 0
    metric.update(Clip(frames(3), audio=noise(3)), Clip(frames(4), audio=noise(4)))
    assert metric.compute() > 0
    assert metric.coverage == 0.5
    with pytest.raises(MissingFaceError, match=why):
        measure_clip({"m": gap(missing="error")}, ours, real)


def test_reports_get_the_tracks_of_both_sides() -> None:
    detail = score_pair(gap(), Clip(frames(1), audio=noise(1)), Clip(frames(2, 30), audio=noise(2, 30))).detail
    assert detail is not None
    assert (len(detail["tracks"]), len(detail["target"]["tracks"])) == (1, 1)
    assert (detail["tracks"][0]["frames"], detail["target"]["tracks"][0]["frames"]) == (24, 30)


@pytest.mark.parametrize("protocol", CATALOG["lse-d-gap"].protocols)
def test_by_every_protocol_the_gap_is_that_of_two_scores(
    sync_weights: dict[str, Path], tmp_path: Path, protocol: str
) -> None:
    """Of files, whose frames some protocols read twice, and of two lengths."""
    options: dict[str, Any] = {
        "protocol": protocol, "extractor": SmallSyncNet(), "weights": sync_weights, "min_track": 8, "min_face_size": 0,
    }  # fmt: skip
    detector: Detector = KnownFaces(lambda picture, index: [[8.0, 6.0, 40.0, 38.0]])

    def made(cls: type[LipSync]) -> LipSync:
        metric = cls(**options)
        return metric if metric.detector is None else with_detector(metric, detector)

    paths = []
    for seed, count in ((0, 22), (1, 31)):
        smooth = (frames(seed, count)[:1].int() + torch.arange(count)[:, None, None, None]).clamp(0, 255)
        sound = (30000 * noise(seed, count)).to(torch.int16).numpy()
        pictures = smooth.to(torch.uint8).permute(0, 2, 3, 1).numpy()
        paths.append(write_video(tmp_path / f"{seed}.mp4", pictures, audio=sound))
    metric = made(LipSyncDistanceGap)
    metric.update(*(open_clip(path, audio=True) for path in paths))
    each = []
    for path in paths:
        alone = made(LipSyncDistance)
        each.append(score_clip(alone, open_clip(path, audio=True))[0].value)
    assert metric.compute().item() == pytest.approx(abs(each[0] - each[1]), rel=1e-9)  # type: ignore[operator]
    assert metric.compute() > 0


def test_given_embeddings_of_unequal_lengths_are_compared() -> None:
    lip = 10 * torch.eye(30, 64, dtype=torch.float64)
    ours, real = torch.stack([lip, lip + 0.5], dim=1), torch.stack([lip, lip + 0.25], dim=1)[:20]
    metric = LipSyncDistanceGap(extractor=None)
    metric.update(ours, real)
    assert metric.inputs == ("preds", "target")
    assert metric.compute().item() == pytest.approx(0.25 * 64**0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"preds": frames(1), "audio": noise(1)}, "needs `target`"),
        ({"target": frames(1), "audio": noise(1)}, "needs `preds`"),
        ({"preds": frames(1), "target": frames(1)}, "needs `audio`"),
        ({"preds": Clip(frames(1), audio=noise(1)), "target": frames(1)}, "needs `audio`"),
        ({"preds": frames(1), "target": frames(1), "audio": torch.zeros(2, 900)}, "1 clips and audio 2"),
        ({"preds": frames(1), "target": frames(1), "audio": noise(1), "fps": 0.0}, "fps must be above 0"),
    ],
)
def test_a_caller_s_mistake_is_named(inputs: dict[str, Any], message: str) -> None:
    metric = gap()
    with pytest.raises(InputError, match=message):
        metric.update(**inputs)
    assert not metric.sums.any()


def test_unequal_numbers_of_clips_are_named() -> None:
    clips = [Clip(frames(i), audio=noise(i)) for i in range(2)]
    with pytest.raises(MismatchError, match="preds holds 2 clips and target 1"):
        gap().update(clips, clips[:1])
    with pytest.raises(InputError, match=r"\(T, 2, D\)"):
        LipSyncDistanceGap(extractor=None).update(torch.ones(9, 4), torch.ones(9, 4))
    with pytest.raises(InputError, match="average"):
        gap(average="track")
