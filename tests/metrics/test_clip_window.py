"""Windows of frames, whatever the pieces in which a clip is read."""

from collections import Counter
from itertools import pairwise

import pytest
import torch

from thm_torchmetrics.metrics.clip_window import ClipWindow


def rows(window: ClipWindow, length: int, cuts: tuple[int, ...] = ()) -> list[int] | None:
    for start, stop in pairwise((0, *cuts, length)):
        window.add(torch.arange(start, stop))
    return None if window.rows is None else window.rows.tolist()


@pytest.mark.parametrize("cuts", [(), (1,), (5,), (3, 4, 19), tuple(range(1, 40))])
@pytest.mark.parametrize("stride", [1, 3])
def test_frames_are_those_of_a_slice(cuts: tuple[int, ...], stride: int) -> None:
    assert rows(ClipWindow(None, stride), 40, cuts) == list(range(0, 40, stride))
    for start in (0, 2, 20):
        stop = start + 5 * stride
        assert rows(ClipWindow(5, stride, start), 40, cuts) == list(range(start, stop, stride))
    random = rows(ClipWindow(5, stride, None, "0 preds a"), 40, cuts)
    assert random == rows(ClipWindow(5, stride, None, "0 preds a"), 40)
    assert random is not None
    assert random == list(range(random[0], random[0] + 5 * stride, stride))


def test_clips_that_are_too_short_have_none() -> None:
    assert rows(ClipWindow(5), 4) is None
    assert rows(ClipWindow(5, 1, 20), 24) is None
    assert rows(ClipWindow(5, 1, 20), 25) == [20, 21, 22, 23, 24]
    assert rows(ClipWindow(5, 1, None), 4) is None


def test_random_starts_are_equally_likely() -> None:
    starts = [rows(ClipWindow(3, 1, None, str(seed)), 6) for seed in range(4000)]
    counts = Counter(start[0] for start in starts if start)
    assert set(counts) == {0, 1, 2, 3}
    assert max(abs(count - 1000) for count in counts.values()) < 5 * (4000 * 0.25 * 0.75) ** 0.5


def test_a_window_holds_no_more_than_itself() -> None:
    window = ClipWindow(4, 1, None)
    window.add(torch.arange(1000))
    assert window.rows is not None
    assert window.rows.untyped_storage().nbytes() == 4 * 8
