"""Frames at 25 per second by their times, and the tracks of faces among them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from lipsync.stand_ins import KnownFaces, with_detector

from thm_torchmetrics import LipSyncDistance
from thm_torchmetrics.core.chunk import CHUNK_VALUES, Chunk
from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.lipsync import frame_rate
from thm_torchmetrics.lipsync.tracking import ConstantFrameRate, TrackFinder, TrackOptions


def shown(times: list[float], fps: float, cuts: list[int], fixed: bool = False) -> list[int]:
    """The numbers of the frames that are given out, of a clip that comes in pieces."""
    numbers = torch.arange(len(times), dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)
    rate = ConstantFrameRate(fps, fixed)
    parts = [
        part
        for start, stop in pairwise([0, *cuts, len(times)])
        for part in rate.pieces(Chunk(numbers[start:stop], start, times[start:stop]))
    ]
    rest = rate.rest()
    assert rest is not None
    return [int(frame[0, 0, 0]) for part in (*parts, rest) for frame in part]


def on_display(times: list[float], fps: float) -> list[int]:
    """The last frame that has come at 0, 40, 80 ... ms; two milliseconds late still counts."""
    ticks = np.arange(0, times[-1] + 1 / fps - 0.002, 0.04)
    return [max(0, int(np.searchsorted(np.array(times) - 0.002, tick, side="right")) - 1) for tick in ticks]


@pytest.mark.parametrize("fps", [30.0, 30000 / 1001, 50.0, 25.0, 12.5, 24.0])
@pytest.mark.parametrize("cuts", [[], [1, 2, 7, 40], list(range(1, 61))])
def test_a_steady_rate_shows_the_frame_on_display(fps: float, cuts: list[int]) -> None:
    times = [i / fps for i in range(61)]
    assert shown(times, fps, cuts) == on_display(times, fps)
    assert shown([9.0] * 61, fps, cuts, fixed=True) == on_display(times, fps)


@pytest.mark.parametrize("seed", range(4))
def test_an_unsteady_rate_shows_the_frame_on_display(seed: int) -> None:
    steps = np.random.default_rng(seed).choice([0.01, 0.0333, 0.04, 0.1, 0.25], 40)
    times = [0.013, *(0.013 + np.cumsum(steps)).round(4).tolist()]
    assert shown(times, 25.0, [3, 4, 20]) == on_display(times, 25.0)


def test_no_frame_in_none_out() -> None:
    assert ConstantFrameRate(25.0).rest() is None


def test_a_pause_is_filled_piece_by_piece() -> None:
    """Five pictures that stay for 9 s each are 1,125 frames; no piece holds more values than a chunk may."""
    frames = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 512, 512)
    rate = ConstantFrameRate(25.0)
    count = 0
    for piece in rate.pieces(Chunk(frames, 0, [9.0 * i for i in range(6)])):
        assert piece.numel() <= CHUNK_VALUES
        assert piece[0, 0, 0, 0] == count // 225
        count += len(piece)
    assert count == 5 * 225


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0.0, 0.04, 600.0], r"the picture at 0\.04 s stays for 600\.0 s"),
        ([100000.0, 100000.04, 100000.08], r"the picture at 0\.00 s stays for 100,000\.0 s"),
    ],
)
def test_a_pause_without_measure_is_refused(times: list[float], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = torch.zeros(3, 3, 2, 2, dtype=torch.uint8)

    def fill(cut: int) -> None:
        rate = ConstantFrameRate(25.0)
        for start, stop in pairwise([0, *sorted({cut, 3})]):
            list(rate.pieces(Chunk(frames[start:stop], start, times[start:stop])))

    for cut in (1, 2, 3):
        with pytest.raises(MediaError, match=said):
            fill(cut)
    monkeypatch.setattr(frame_rate, "MAX_STILL", 700.0)
    assert sum(len(piece) for piece in ConstantFrameRate(25.0).pieces(Chunk(frames, 0, [0.0, 0.04, 600.0]))) == 15000


def test_a_last_picture_without_measure_is_refused() -> None:
    rate = ConstantFrameRate(1e-6)
    list(rate.pieces(Chunk(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), 0, [0.0])))
    with pytest.raises(MediaError, match=r"the picture at 0\.00 s stays for 1,000,000\.0 s"):
        rate.rest()


def test_the_metric_samples_tensors_by_their_fps(sync_weights: dict[str, Path]) -> None:
    frames = torch.arange(61, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
    for fps in (30.0, 30000 / 1001, 50.0, 25.0, 12.5):
        faces = KnownFaces([])
        metric = with_detector(LipSyncDistance(weights=sync_weights), faces)
        metric.update(frames, audio=torch.zeros(round(61 / fps * 16000)), fps=fps)
        ticks = np.arange(0, 61 / fps - 0.002, 0.04)
        numbers = [int(picture[0, 0, 0]) for picture in faces.pictures]
        assert numbers == [int(np.floor((tick + 0.002) * fps)) for tick in ticks]


@pytest.mark.parametrize("cuts", [[], [5, 21, 22, 30]])
def test_pieces_of_any_length_give_the_same_tracks(cuts: list[int]) -> None:
    """A face that moves, is lost for three frames, and a cut at frame 22."""
    frames = torch.zeros(40, 3, 64, 64, dtype=torch.uint8)
    frames[22:] = 220
    boxes = [[] if i in (8, 9, 10) else [[5.0 + i / 4, 5.0, 45.0 + i / 4, 45.0]] for i in range(40)]
    finder = TrackFinder(KnownFaces(boxes), TrackOptions(min_track=5, min_face_size=10))
    for start, stop in pairwise([0, *cuts, 40]):
        finder.add(frames[start:stop])
    finder.add(frames[:0])
    assert finder.seen == (40, 37)
    found = finder.tracks()
    assert [(track.first, len(track.boxes)) for track in found] == [(0, 22), (22, 18)]
    gap = found[0].boxes[8:11, 0]  # between detections boxes are interpolated
    torch.testing.assert_close(gap, torch.tensor([7.0, 7.25, 7.5], dtype=gap.dtype))


def test_without_a_frame_there_is_no_track() -> None:
    finder = TrackFinder(KnownFaces([]), TrackOptions())
    assert finder.tracks() == []
    assert finder.seen == (0, 0)
