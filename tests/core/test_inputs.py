"""The arguments of ``update`` as clips, and two clips side by side."""

from itertools import pairwise

import pytest
import torch

from thm_torchmetrics import Clip
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.core.inputs import clips_from, pair_chunks
from thm_torchmetrics.errors import InputError

FRAMES = torch.randint(0, 256, (2, 7, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
ROWS = torch.randn(2, 7, 68, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("given", [FRAMES, list(FRAMES), tuple(FRAMES), [Clip(FRAMES[0]), FRAMES[1]]])
def test_a_batch_a_list_and_clips_are_the_same_clips(given: object) -> None:
    clips = clips_from(given, "preds")  # type: ignore[arg-type]
    assert [torch.equal(clip.frames, FRAMES[i]) for i, clip in enumerate(clips)] == [True, True]  # type: ignore[union-attr]


def test_one_clip_is_a_list_of_one_and_a_clip_stays_the_same_object() -> None:
    clip = Clip(FRAMES[0])
    assert clips_from(clip, "preds") == clips_from([clip], "preds") == [clip]
    assert len(clips_from(FRAMES[0], "preds")) == 1


@pytest.mark.parametrize("given", [ROWS, list(ROWS)])
def test_features_are_clips_of_rows(given: object) -> None:
    clips = clips_from(given, "preds", (68, 2))  # type: ignore[arg-type]
    assert all(isinstance(clip, FeatureClip) for clip in clips)
    assert [torch.equal(next(clip.chunks()).rows, ROWS[i]) for i, clip in enumerate(clips)] == [True, True]


def test_whole_numbers_become_float64_features() -> None:
    (clip,) = clips_from(torch.arange(6).reshape(3, 2), "preds", (None,))
    assert next(clip.chunks()).rows.dtype == torch.float64


@pytest.mark.parametrize(
    ("given", "shape", "message"),
    [
        (None, None, "preds must be a tensor, a Clip or a list of them, got NoneType"),
        ("talk.mp4", None, "talk.mp4|str"),
        (FRAMES[0, 0], None, r"\(T, 3, H, W\) or \(B, T, 3, H, W\), got \(3, 4, 5\)"),
        ([FRAMES[0], None], None, "tensors or Clips, got NoneType"),
        ([FRAMES], None, r"\(T, 3, H, W\)"),
        (ROWS[0, 0], (68, 2), r"\(T, 68, 2\) or \(B, T, 68, 2\), got \(68, 2\)"),
        (ROWS[:, :, :5], (68, 2), r"\(T, 68, 2\).*\(7, 5, 2\)"),
        ([Clip(FRAMES[0])], (68, 2), r"feature tensors \(T, 68, 2\).*got Clip"),
        (torch.zeros(0, 4), (None,), r"\(T, D\).*T >= 1, got \(0, 4\)"),
    ],
)
def test_what_is_no_input_is_named(given: object, shape: tuple[int | None, ...] | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        clips_from(given, "preds", shape)  # type: ignore[arg-type]


def test_two_clips_come_in_equal_chunks_until_both_have_ended() -> None:
    long, short = Clip(torch.zeros(150, 3, 4, 4)), Clip(torch.ones(100, 3, 4, 4))
    pairs = list(pair_chunks(long, short))
    lengths = [tuple(None if side is None else len(side) for side in pair) for pair in pairs]
    assert lengths == [(64, 64), (64, 36), (22, None)]


def test_the_larger_frames_decide_the_length_of_the_chunks() -> None:
    large = Clip(torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(9, 3, 2160, 3840))
    small = Clip(torch.zeros(9, 3, 4, 4))
    starts = [(one.start, other.start) for one, other in pair_chunks(large, small) if one and other]
    assert starts == [(i, i) for i in range(9)]
    assert {following - before for (before, _), (following, _) in pairwise(starts)} == {large.chunk_length}


def test_a_side_that_is_not_read_is_none() -> None:
    clip = Clip(torch.zeros(70, 3, 4, 4))
    assert [(len(one), other) for one, other in pair_chunks(clip, None) if one] == [(64, None), (6, None)]
    assert [(one, len(other)) for one, other in pair_chunks(None, clip) if other] == [(None, 64), (None, 6)]
    assert list(pair_chunks(None, None)) == []


def test_frames_behind_the_channels_are_told_apart() -> None:
    with pytest.raises(InputError, match=r"looks like \(B, 3, T, H, W\); pass preds\.transpose\(1, 2\)"):
        clips_from(torch.zeros(2, 3, 8, 16, 16), "preds")
