"""Delays of clips: what is measured, what is paired, and every metric that compares frame by frame."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch
from metrics.cases import CASES, Case
from torch import Tensor

from thm_torchmetrics.core.clip import AnyClip, Clip, FeatureClip
from thm_torchmetrics.core.clip_run import has_delay
from thm_torchmetrics.core.delays import Delay, measure_delay, pair_by_delay
from thm_torchmetrics.core.one_pass import measure_clip
from thm_torchmetrics.errors import MismatchError

PAIRED = [case for case in CASES.values() if has_delay(case.make())]
DELAYS = (-10, -3, -1, 0, 1, 3, 10)


class Video:
    """A video of frames that are given."""

    fps, size = 25.0, (24, 32)

    def __init__(self, frames: Tensor) -> None:
        self.pictures = frames.permute(0, 2, 3, 1).numpy()

    def frames(self) -> Iterator[tuple[npt.NDArray[np.uint8], float]]:
        for index, picture in enumerate(self.pictures):
            yield picture, index / 25


def pictures(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(11)
    return torch.randint(0, 256, (count, 3, 24, 32), dtype=torch.uint8, generator=generator)


def delayed(frames: Tensor, delay: int) -> tuple[Tensor, Tensor]:
    """A prediction that is late by some frames, and the target, cut to other lengths."""
    late, early = max(delay, 0), max(-delay, 0)
    return frames[10 - late : 140 - late], frames[10 - early : 135 - early]


def clip_of(kind: str, frames: Tensor) -> AnyClip:
    if kind == "file":
        return Clip(Video(frames))
    return FeatureClip(frames.flatten(1).double()) if kind == "features" else Clip(frames)


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("kind", ["tensor", "file", "features"])
def test_the_same_frames_meet(kind: str, delay: int) -> None:
    preds, target = (clip_of(kind, side) for side in delayed(pictures(150), delay))
    found = measure_delay(preds, target)
    pairs = min(130 - max(delay, 0), 125 - max(-delay, 0))
    assert found == Delay(delay, pairs, 255 - 2 * pairs)
    met = 0
    for ours, real in pair_by_delay(preds, target, found):
        torch.testing.assert_close(ours.rows, real.rows, rtol=0, atol=0)
        met += len(ours)
    assert met == pairs


@pytest.mark.parametrize("kind", ["tensor", "file"])
@pytest.mark.parametrize("delay", [-3, 3])
def test_chunks_have_the_numbers_and_the_times_of_their_frames(kind: str, delay: int) -> None:
    """They were counted from the first frame that is compared, so that boxes by frame were those of others."""
    preds, target = (clip_of(kind, side) for side in delayed(pictures(150), delay))
    for ours, real in pair_by_delay(preds, target, measure_delay(preds, target)):
        assert ours.start - real.start == delay
        for chunk in (ours, real):
            assert list(chunk.times) == pytest.approx([(chunk.start + i) / 25 for i in range(len(chunk))])


@pytest.mark.parametrize("delay", [-2, 3])
@pytest.mark.parametrize("case", PAIRED, ids=lambda case: case.name)
def test_an_aligned_metric_is_that_of_the_frames_that_meet(
    case: Case, delay: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of those that crop, window or gather their frames; how the delay is found is tested above."""
    clip = {side: rows.repeat_interleave(2, dim=0) for side, rows in case.clips[-1].items()}
    late, early = max(delay, 0), max(-delay, 0)
    lengths = [len(rows) - skip for rows, skip in zip(clip.values(), (late, early), strict=True)]
    alone = sum(map(len, clip.values())) - 2 * min(lengths)
    found = Delay(delay, min(lengths), alone)
    monkeypatch.setattr("thm_torchmetrics.core.one_pass.measure_delay", lambda *sides: found)
    aligned, plain = case.make(align="delay"), case.make(align="truncate")
    (pair,) = aligned.pairs(*clip.values())
    run = measure_clip({"metric": aligned}, *pair)["metric"]
    plain.update(*(rows[skip:][: min(lengths)] for rows, skip in zip(clip.values(), (late, early), strict=True)))
    aligned.add(run.sums)
    torch.testing.assert_close(aligned.compute(), plain.compute(), rtol=1e-9, atol=1e-12, equal_nan=True)
    tallies = [metric.tally(metric.named(metric.sums)) for metric in (aligned, plain)]
    assert tallies[0] == tallies[1]._replace(left_out=alone)
    assert run.detail is not None
    assert run.detail["delay"] == delay


def test_without_features_there_is_no_delay() -> None:
    rows = torch.randn(20, 3, dtype=torch.float64)
    assert measure_delay(FeatureClip(rows * torch.nan), FeatureClip(rows)) == Delay(0, 20, 0)


def test_rows_of_unlike_length_are_refused() -> None:
    with pytest.raises(MismatchError, match="take both from one extractor"):
        measure_delay(FeatureClip(torch.zeros(5, 3)), FeatureClip(torch.zeros(5, 4)))
