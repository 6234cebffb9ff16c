"""Scores of frames against OpenCV's HSV and resize, and cuts against what scenedetect itself found.

``scenedetect.json`` holds grey levels of frames, as pairs of level and number of frames, and the cuts that the content
detectors of scenedetect 0.5.1, 0.6.1 and 0.6.7.1 (0.6.6: the same) found among them, called as syncnet_python does.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.faces.shots import SCENEDETECT, shot_scores, shots

CASES = json.loads((Path(__file__).parent / "scenedetect.json").read_text())
Pictures = npt.NDArray[np.uint8]


def reference(kept: list[Pictures]) -> list[float]:
    """The scores of shrunk frames by OpenCV and NumPy."""
    colors = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2HSV).astype(np.int32) for frame in kept]
    expected = [0.0]
    for before, after in itertools.pairwise(colors):
        channels = [np.abs(after[..., c] - before[..., c]).sum() / after[..., c].size for c in range(3)]
        expected.append(sum(channels) / 3)
    return expected


def check_scores(frames: Pictures, kept: list[Pictures], version: str) -> None:
    clip = torch.from_numpy(frames).permute(0, 3, 1, 2)
    whole = shot_scores(clip, version=version)
    np.testing.assert_allclose(whole, reference(kept), rtol=1e-14)
    chunks = torch.cat([shot_scores(clip[:2], version=version), shot_scores(clip[2:], clip[1], version)])
    np.testing.assert_array_equal(chunks, whole)


@pytest.mark.parametrize(
    ("width", "step"), [(399, 1), (400, 2), (599, 2), (600, 3), (900, 4), (1200, 5), (1700, 6), (2100, 8), (3200, 12)]
)
def test_scores_of_the_first_version_are_those_of_every_nth_pixel(width: int, step: int) -> None:
    frames = np.random.default_rng(width).integers(0, 256, (4, 40, width, 3), dtype=np.uint8)
    check_scores(frames, [frame[::step, ::step] for frame in frames], "0.5.1")


@pytest.mark.parametrize(
    ("size", "by_width", "by_side"),
    [
        ((40, 255), (255, 40), (255, 40)),
        ((40, 256), (256, 40), (256, 40)),
        ((300, 257), (257, 300), (219, 256)),  # 0.6.1 shrinks by whole numbers, and looks at the width alone
        ((528, 976), (325, 176), (256, 138)),
        ((720, 512), (256, 360), (182, 256)),
        ((3, 1025), (256, 1), (256, 1)),
    ],
)
def test_scores_of_later_versions_are_those_of_shrunk_frames(
    size: tuple[int, int], by_width: tuple[int, int], by_side: tuple[int, int]
) -> None:
    frames = np.random.default_rng(size[0]).integers(0, 256, (4, *size, 3), dtype=np.uint8)
    for version, shape in (("0.6.1", by_width), ("0.6.7.1", by_side)):
        check_scores(frames, [np.asarray(cv2.resize(frame, shape), np.uint8) for frame in frames], version)


def grey(levels: list[tuple[int, int]]) -> Tensor:
    column = torch.tensor([level for level, count in levels for _ in range(count)], dtype=torch.uint8)
    return column[:, None, None, None].expand(-1, 3, 4, 4)


@pytest.mark.parametrize("version", SCENEDETECT)
@pytest.mark.parametrize("case", CASES)
def test_cuts_are_those_of_scenedetect(case: dict[str, Any], version: str) -> None:
    frames = grey(case["levels"])
    found = shots(shot_scores(frames, version=version), version)
    cuts = case[version]
    end = len(frames) - (version == "0.6.1" and bool(cuts))
    assert found == [(a, b) for a, b in itertools.pairwise([0, *cuts, end]) if a < b]


def test_the_cases_tell_the_versions_apart() -> None:
    for one, other in itertools.combinations(SCENEDETECT, 2):
        assert sum(case[one] != case[other] for case in CASES) >= 10


@pytest.mark.parametrize(("version", "threshold"), [("0.5.1", 30.0), ("0.6.1", 27.0), ("0.6.7.1", 27.0)])
def test_the_threshold_itself_is_a_cut(version: str, threshold: float) -> None:
    scores = torch.zeros(60, dtype=torch.float64)
    scores[30] = threshold
    end = 59 if version == "0.6.1" else 60
    assert shots(scores, version) == [(0, 30), (30, end)]
    scores[30] = np.nextafter(threshold, 0)
    assert shots(scores, version) == [(0, 60)]


def test_the_last_frame_may_be_a_shot_and_is_none_in_0_6_1() -> None:
    scores = torch.zeros(100, dtype=torch.float64)
    scores[99] = 60
    assert [shots(scores, version) for version in SCENEDETECT] == [
        [(0, 99), (99, 100)], [(0, 99)], [(0, 99), (99, 100)],
    ]  # fmt: skip


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(InputError, match=r"version.*0\.7"):
        shots(torch.zeros(3), "0.7")
    with pytest.raises(InputError, match="version"):
        shot_scores(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), version="")
