"""Clips of different frame rates: refused, or paired by the time at which frames are on display."""

import bisect

import pytest
import torch
from torch import Tensor

from thm_torchmetrics import BlurDetectionProbability, IdentitySimilarity, PeakSignalNoiseRatio, TalkingHeadMetrics
from thm_torchmetrics.core.clip import Clip, FeatureClip
from thm_torchmetrics.core.clocks import RATE_TOLERANCE, pair_by_time, rates_differ
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.errors import InputError, MismatchError

RATES = (23.976, 24, 25, 29.97, 30, 50, 59.94, 60)


def numbered(fps: float, seconds: float = 3.3, start: float = 0.0, digits: int = 6) -> Clip:
    """A clip whose frame i has the level i."""
    count = round(fps * seconds)
    frames = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 3, 8, 8)
    return Clip(frames, fps=fps, times=[round(start + i / fps, digits) for i in range(count)])


def level(rows: Tensor) -> list[int]:
    return [int(row.flatten()[0]) for row in rows]


def paired(preds: Clip, target: Clip) -> tuple[list[tuple[int, int]], int, int]:
    """The levels that stand beside each other, and the frames of either side that stand alone."""
    pairs, rest = [], [0, 0]
    for left, right in pair_by_time(preds, target):
        shown = [] if left is None else level(left.rows)
        wanted = [] if right is None else level(right.rows)
        pairs += list(zip(shown, wanted, strict=False))
        rest[0] += max(len(shown) - len(wanted), 0)
        rest[1] += max(len(wanted) - len(shown), 0)
    return pairs, rest[0], rest[1]


@pytest.mark.parametrize("digits", [6, 3])
@pytest.mark.parametrize("target_fps", RATES)
@pytest.mark.parametrize("fps", RATES)
def test_every_target_frame_meets_the_frame_on_display(fps: float, target_fps: float, digits: int) -> None:
    """The third of a frame keeps the expected number clear of rounding; matroska rounds to milliseconds."""
    preds, target = numbered(fps, digits=digits), numbered(target_fps, digits=digits)
    exact = [i / fps for i in range(preds.length or 0)]
    pairs, alone, waiting = paired(preds, target)
    assert len(pairs) + waiting == target.length
    for shown, wanted in pairs:
        at = wanted / target_fps
        allowed = {bisect.bisect_right(exact, at + slack) - 1 for slack in (0.0, 2.1e-3)}
        assert shown in allowed, (shown, wanted)
    assert alone + waiting <= 1 + max(fps, target_fps) / min(fps, target_fps)  # the clips end within one frame


def test_clocks_start_with_the_first_frames() -> None:
    pairs, alone, waiting = paired(numbered(25, start=0.021), numbered(25, start=5.0))
    assert pairs == [(i, i) for i in range(len(pairs))]
    assert (alone, waiting) == (0, 0)


def test_a_variable_rate_is_followed() -> None:
    frames = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, 8, 8)
    preds = Clip(frames, fps=25, times=[0.0, 0.04, 0.4, 0.44])
    pairs, alone, waiting = paired(preds, numbered(25, 0.6))
    assert [shown for shown, _ in pairs] == [0, *[1] * 9, 2, 3]
    assert (alone, waiting) == (0, 3)


def test_what_stands_alone_is_left_out() -> None:
    metric = PeakSignalNoiseRatio(align="time")
    metric.update(numbered(50, 2), numbered(25, 1))
    assert metric.tally(metric.named(metric.sums)) == (25, 25, 50)
    metric.reset()
    metric.update(numbered(50, 1), numbered(25, 2))
    assert metric.tally(metric.named(metric.sums)) == (25, 25, 25)


@pytest.mark.parametrize(("fps", "target_fps"), [(a, b) for a in RATES for b in RATES if a != b])
def test_different_clocks_are_refused_by_both_names(fps: float, target_fps: float) -> None:
    preds, target = numbered(fps, 1), numbered(target_fps, 1)
    metric = PeakSignalNoiseRatio()
    if abs(fps - target_fps) <= 0.01 * min(fps, target_fps):  # 23.976 and 24, 29.97 and 30, 59.94 and 60
        metric.update(Clip(preds.frames[:20], fps=fps), Clip(target.frames[:20], fps=target_fps))
        return
    with pytest.raises(MismatchError) as caught:
        metric.update(preds, target)
    for part in (f"{fps:.6g}", f"{target_fps:.6g}", 'align="time"', 'align="truncate"'):
        assert part in str(caught.value)
    assert metric.update_count == 0 or float(metric.sums.sum()) == 0
    PeakSignalNoiseRatio(align="truncate").update(preds, target)


def test_a_rate_that_is_not_known_is_no_clock() -> None:
    frames = numbered(30).frames
    PeakSignalNoiseRatio().update(Clip(frames, fps=30), frames)
    assert not rates_differ(None, 30)
    assert not rates_differ(100, 100 * (1 + RATE_TOLERANCE))
    assert rates_differ(100, 100 * (1 + RATE_TOLERANCE) + 0.01)


def test_metrics_that_do_not_pair_take_every_frame() -> None:
    members = {"psnr": PeakSignalNoiseRatio(align="time"), "cpbd": BlurDetectionProbability(align="time")}
    runs = measure_clip(members, numbered(50, 1), numbered(25, 1))
    assert {name: int(run.sums.aligned) for name, run in runs.items()} == {"psnr": 25, "cpbd": 50}


def test_a_failing_member_fails_alone() -> None:
    members = {
        "error": PeakSignalNoiseRatio(),
        "time": PeakSignalNoiseRatio(align="time"),
        "cpbd": BlurDetectionProbability(),
    }
    failures: dict[str, Exception] = {}
    runs = measure_clip(members, numbered(50, 1), numbered(25, 1), failures=failures)
    assert set(runs) == {"time", "cpbd"}
    assert isinstance(failures["error"], MismatchError)


def test_features_without_times_cannot_be_paired_by_time() -> None:
    metric = IdentitySimilarity(extractor=None, align="time")
    with pytest.raises(InputError, match=r"(prediction|target) has none"):
        metric.update(torch.rand(5, 4), torch.rand(5, 4))


def test_features_are_paired_by_their_times() -> None:
    rows = torch.eye(6)
    preds = FeatureClip(rows, rate=50)
    target = FeatureClip(rows[::2], rate=25)
    (run,) = measure_clip({"csim": IdentitySimilarity(extractor=None, align="time")}, preds, target).values()
    assert (float(run.sums.total), int(run.sums.scored)) == (3.0, 3)


@pytest.mark.parametrize("align", ["error", "truncate", "time"])
def test_one_target_frame_is_no_video(align: str) -> None:
    metric = PeakSignalNoiseRatio(align=align)
    with pytest.raises(MismatchError, match="one frame beside 25 of"):
        metric.update(numbered(25, 1), Clip(numbered(25, 1).frames[:1], fps=25))
    metric.update(Clip(numbered(25, 1).frames[:1], fps=25), Clip(numbered(25, 1).frames[:1], fps=25))


def test_a_photo_is_a_reference() -> None:
    metric = IdentitySimilarity(extractor=None, reference="image")
    metric.update(torch.eye(4), torch.ones(1, 4))
    assert float(metric.compute()) == pytest.approx(0.5)


def test_one_collection_with_each_way() -> None:
    metrics = TalkingHeadMetrics(["psnr", "cpbd"], align={"psnr": "time", "cpbd": "error"})
    metrics.update(numbered(50, 1), numbered(25, 1))
    assert metrics["psnr"].coverage != 0
