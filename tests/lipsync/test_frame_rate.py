"""Which frame is shown: our two rules beside what FFmpeg did.

``ffmpeg_4.json`` holds what FFmpeg 4.2.2 and 5.1 made (both the same) of H.264 files whose frames show their own
number, with ``ffmpeg -i IN -qscale:v 2 -async 1 -r 25 OUT.avi`` (read by OpenCV) and then ``ffmpeg -i OUT.avi -qscale:v
2 -threads 1 -f image2 %06d.jpg``; times in 1/90000 s. `tests/lipsync/test_reencoded.py` asks a later FFmpeg itself.
"""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from thm_torchmetrics.errors import MediaError
from thm_torchmetrics.lipsync import frame_rate
from thm_torchmetrics.lipsync.frame_rate import constant_rate, mp3_delay, variable_rate, with_empty_ticks

CASES = json.loads((Path(__file__).parent / "ffmpeg_4.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_frames_are_those_that_ffmpeg_4_shows(case: dict[str, Any]) -> None:
    frames = [(i, case["times"][i] / 90000, case["durations"][i] / 90000) for i in range(len(case["times"]))]
    avi = list(variable_rate(frames, source_fps=case["fps"]))
    assert [frame for frame, _ in avi] == case["avi"]
    read = list(with_empty_ticks(avi, mp3_delay(case["sample_rate"])))
    assert [frame for frame, _ in read] == case["avi"]
    assert [frame for _, frames in read for frame in frames] == case["jpeg"]


def steady(fps: float, count: int) -> list[tuple[int, float, float]]:
    return [(i, i / fps, 1 / fps) for i in range(count)]


def test_constant_rate_changes_nothing_of_a_constant_rate() -> None:
    assert list(constant_rate(steady(25, 50))) == [(i, i) for i in range(50)]
    assert list(variable_rate(steady(25, 50))) == [(i, i) for i in range(50)]
    assert list(constant_rate(steady(30, 50), fps=30)) == [(i, i) for i in range(50)]


def test_a_gap_is_filled_with_the_frame_before_and_at_its_end_with_the_one_after() -> None:
    frames = [(0, 0.0, 0.04), (1, 0.04, 0.04), (2, 0.4, 0.04)]
    assert [frame for frame, _ in constant_rate(frames)] == [0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]
    assert list(variable_rate(frames)) == [(0, 0), (1, 1), (2, 10)]


def test_nothing_in_nothing_out() -> None:
    assert list(constant_rate([])) == list(variable_rate([])) == list(with_empty_ticks([], 2)) == []


@pytest.mark.parametrize(
    ("rate", "start", "frames"), [(16000, 0, 2), (48000, 0, 1), (16000, 0.07, 0), (44100, 0.01, 1)]
)
def test_pictures_are_delayed_by_what_the_sound_is_early(rate: int, start: float, frames: int) -> None:
    """One MP3 delay of 1105 samples in frames of 40 ms, rounded up, less what the sound is late."""
    assert mp3_delay(rate, start) == frames


@pytest.mark.parametrize("rate", [constant_rate, variable_rate])
@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([(0, 0.0, 0.04), (1, 100000.0, 0.04)], r"the picture at 0\.00 s stays for 100,000\.0 s.*the limit is 10 s"),
        ([(0, 0.0, 0.04), (1, 0.04, 0.04), (2, 10.05, 0.04)], r"the picture at 0\.04 s stays for 10\.0 s"),
        ([(0, 0.0, 0.04), (1, 0.04, 36000.0)], r"the picture at 0\.04 s stays for 36,000\.0 s"),
        ([(0, 3600.0, 0.04)], r"the picture at 0\.00 s stays for 3,600\.0 s"),
    ],
)
def test_a_picture_that_stays_too_long_is_not_repeated_without_end(
    rate: Any, frames: list[tuple[int, float, float]], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MediaError, match=said):
        list(islice(rate(iter(frames)), 1000))
    monkeypatch.setattr(frame_rate, "MAX_STILL", 1e9)
    next(rate(iter(frames)))


def test_a_pause_below_the_limit_is_filled() -> None:
    frames = [(0, 0.0, 0.04), (1, 10.0, 0.04)]
    assert len(list(constant_rate(frames))) == 251
    assert len([frame for _, read in with_empty_ticks(variable_rate(frames), 2) for frame in read]) == 253


def test_a_rate_that_no_camera_has_is_refused() -> None:
    with pytest.raises(MediaError, match="the video claims 90,000 frames per second, above 1000"):
        constant_rate(steady(25, 3), fps=90000)
