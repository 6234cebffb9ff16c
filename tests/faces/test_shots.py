"""Scores of frames against OpenCV's HSV, and cuts against shots counted by hand."""

import itertools

import cv2
import numpy as np
import pytest
import torch

from thm_torchmetrics.faces.shots import shot_scores, shots


@pytest.mark.parametrize(
    ("width", "step"), [(399, 1), (400, 2), (599, 2), (600, 3), (900, 4), (1200, 5), (1700, 6), (2100, 8), (3200, 12)]
)
def test_scores_of_frames(width: int, step: int) -> None:
    frames = np.random.default_rng(width).integers(0, 256, (4, 40, width, 3), dtype=np.uint8)
    kept = [cv2.cvtColor(np.ascontiguousarray(f[::step, ::step]), cv2.COLOR_RGB2HSV).astype(np.int32) for f in frames]
    expected = [0.0]
    for before, after in itertools.pairwise(kept):
        channels = [np.abs(after[..., c] - before[..., c]).sum() / after[..., c].size for c in range(3)]
        expected.append(sum(channels) / 3)
    clip = torch.from_numpy(frames).permute(0, 3, 1, 2)
    np.testing.assert_allclose(shot_scores(clip), expected, rtol=1e-14)
    chunks = torch.cat([shot_scores(clip[:2]), shot_scores(clip[2:], clip[1])])
    np.testing.assert_array_equal(chunks, shot_scores(clip))


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        ([], [(0, 100)]),
        ([40], [(0, 40), (40, 100)]),
        ([3, 17, 18], [(0, 3), (3, 18), (18, 100)]),  # 17 is within 15 frames of 3; 18 is not
        ([50, 51, 52, 70], [(0, 50), (50, 70), (70, 100)]),
        ([99], [(0, 99), (99, 100)]),
    ],
)
def test_shots(cuts: list[int], expected: list[tuple[int, int]]) -> None:
    scores = torch.full((100,), 29.999, dtype=torch.float64)
    scores[cuts] = 30.0
    assert shots(scores) == expected
