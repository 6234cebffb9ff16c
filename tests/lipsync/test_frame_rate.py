"""Which frame is shown: our two rules beside what FFmpeg did.

``ffmpeg_4.json`` holds what FFmpeg 4.2.2 and 5.1 made (both the same) of H.264 files whose frames show their own
number, with ``ffmpeg -i IN -qscale:v 2 -async 1 -r 25 OUT.avi`` (read by OpenCV) and then ``ffmpeg -i OUT.avi -qscale:v
2 -threads 1 -f image2 %06d.jpg``; times in 1/90000 s. `tests/lipsync/test_reencoded.py` asks a later FFmpeg itself.
"""

import json
from pathlib import Path
from typing import Any

import pytest

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
