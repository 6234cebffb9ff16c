"""SyncNet's tracks and crops against SciPy, OpenCV and a literal, slow transcription of the tracking rule."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.interpolate import interp1d
from scipy.signal import medfilt
from torch import Tensor

from thm_torchmetrics.faces.tracks import crop_boxes, smooth, tracks
from thm_torchmetrics.imaging.resize import resize_crops


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def slow_tracks(
    frames: list[Tensor], start: int, end: int, need: int, side: float, gap: int
) -> list[tuple[int, npt.NDArray[np.float64], int]]:
    """The rule as a list of flagged faces, searched from the beginning each time."""
    faces = [[f, box.tolist(), False] for f in range(start, end) for box in frames[f][:, :4]]
    result: list[tuple[int, npt.NDArray[np.float64], int]] = []
    while True:
        track: list[Any] = []
        for f in range(start, end):
            here = [face for face in faces if face[0] == f and not face[2]]
            for face in here:
                if not track or (f - track[-1][0] <= gap and iou(face[1], track[-1][1]) > 0.5):
                    face[2] = True
                    track.append(face)
                    break
        if not track:
            return result
        if len(track) > need:
            at = np.array([face[0] for face in track])
            boxes = np.array([face[1] for face in track])
            every = np.arange(at[0], at[-1] + 1)
            dense = np.stack([interp1d(at, boxes[:, j])(every) for j in range(4)], axis=1)
            if max(np.mean(dense[:, 2] - dense[:, 0]), np.mean(dense[:, 3] - dense[:, 1])) > side:
                result.append((at[0], dense, len(at)))


def random_faces(seed: int, length: int = 160) -> list[Tensor]:
    """Two or three drifting faces with dropouts, plus false alarms."""
    generator = np.random.default_rng(seed)
    frames: list[list[list[float]]] = [[] for _ in range(length)]
    for person in range(int(generator.integers(2, 4))):
        center, half = generator.uniform(60, 400, 2), generator.uniform(10, 60)
        seen = generator.random(length) > generator.uniform(0.02, 0.5)
        if generator.random() < 0.5:
            hole = int(generator.integers(20, 100))
            seen[hole : hole + int(generator.integers(20, 30))] = False
        for f in range(length):
            center = center + generator.normal(0, 3, 2)
            if seen[f]:
                frames[f].append([*(center - half), *(center + half * 1.2), generator.random(), person])
            if generator.random() < 0.3:  # a second, overlapping box of the same face
                shift = generator.normal(0, 4, 2)
                frames[f].append([*(center - half + shift), *(center + half + shift), generator.random(), person])
    for f in generator.integers(0, length, 20):
        corner = generator.uniform(0, 400, 2)
        frames[f].append([*corner, *(corner + 50), generator.random(), -1])
    rows = (sorted(faces, key=lambda face: -face[4]) for faces in frames)
    return [torch.tensor([r[:5] for r in faces], dtype=torch.float64).reshape(-1, 5) for faces in rows]


@pytest.mark.parametrize("seed", range(25))
def test_tracks_follow_the_literal_rule(seed: int) -> None:
    frames = random_faces(seed)
    parts = [(0, 70), (70, 75), (75, 160)]
    got = tracks(frames, parts, min_detections=12, min_side=60.0, max_gap=8)
    expected = [t for a, b in parts if b - a >= 12 for t in slow_tracks(frames, a, b, 12, 60.0, 8)]
    assert [(t.first, t.detections) for t in got] == [(first, count) for first, _, count in expected]
    for track, (_, boxes, _) in zip(got, expected, strict=True):
        np.testing.assert_allclose(track.boxes, boxes, rtol=0, atol=1e-9)


def test_the_random_scenes_have_tracks() -> None:
    counts = [len(tracks(random_faces(s), [(0, 160)], min_detections=12, min_side=60.0, max_gap=8)) for s in range(25)]
    assert sum(counts) > 25


def face(side: float = 101.0) -> Tensor:
    return torch.tensor([[0.0, 0.0, side, side, 0.99]], dtype=torch.float64)


def nothing() -> Tensor:
    return torch.zeros(0, 5, dtype=torch.float64)


def test_limits_of_the_rule() -> None:
    assert tracks([face()] * 100, [(0, 100)]) == []
    assert len(tracks([face()] * 101, [(0, 101)])) == 1
    assert tracks([face(100.0)] * 101, [(0, 101)]) == []
    joined = tracks([face()] * 60 + [nothing()] * 24 + [face()] * 60, [(0, 144)])
    assert [(t.first, len(t.boxes), t.detections) for t in joined] == [(0, 144, 120)]
    assert tracks([face()] * 60 + [nothing()] * 25 + [face()] * 60, [(0, 145)]) == []
    assert tracks([nothing()] * 200, [(0, 200)]) == []


@pytest.mark.parametrize("length", [1, 5, 13, 40])
def test_smoothing_is_scipys_median_filter(length: int) -> None:
    generator = np.random.default_rng(length)
    corner = generator.uniform(-20, 300, (length, 2))
    boxes = np.concatenate([corner, corner + generator.uniform(50, 200, (length, 2))], axis=1)
    half = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) / 2
    raw = ((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2, half)
    with np.errstate(all="ignore"):
        expected = np.stack([medfilt(np.pad(v, (0, max(0, 13 - length))), 13)[:length] for v in raw], axis=1)
    np.testing.assert_array_equal(smooth(torch.from_numpy(boxes)), expected)


def test_crops_equal_padding_and_slicing() -> None:
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (40, 120, 150, 3), dtype=np.uint8)
    smoothed = np.stack([*generator.uniform(0, 120, (2, 40)), generator.uniform(5, 80, 40)], axis=1)
    boxes = crop_boxes(torch.from_numpy(smoothed), (120, 150))
    got = resize_crops(torch.from_numpy(frames).permute(0, 3, 1, 2), boxes, (224, 224), pad=110)
    for frame, (x, y, s), crop in zip(frames, smoothed, got, strict=True):
        p = int(s * 1.8)
        padded = np.pad(frame, ((p, p), (p, p), (0, 0)), constant_values=110)
        y, x = y + p, x + p
        cut = padded[int(y - s) : int(y + s * 1.8), int(x - s * 1.4) : int(x + s * 1.4)]
        np.testing.assert_array_equal(crop.permute(1, 2, 0), cv2.resize(cut, (224, 224)))


def test_a_track_may_be_made_to_go_on_with_the_best_face_only() -> None:
    """MoChaBench's copy stops looking at a frame once its best face does not fit; syncnet_python takes the next one.

    Of two people, the one on the right scores best in every third frame.
    """
    left, right = [10.0, 10.0, 150.0, 150.0], [200.0, 10.0, 340.0, 150.0]
    frames = [torch.tensor([right, left] if i % 3 == 2 else [left, right]) for i in range(30)]

    def found(**options: Any) -> list[tuple[int, int, float]]:
        rows = tracks(frames, [(0, 30)], min_detections=5, **options)
        return [(track.first, track.detections, float(track.boxes[0, 0])) for track in rows]

    assert found() == [(0, 30, 10.0), (0, 30, 200.0)]
    assert found(best_only=True) == [(0, 20, 10.0), (0, 30, 200.0), (2, 10, 10.0)]


@pytest.mark.parametrize("seed", range(6))
def test_of_single_faces_both_rules_make_the_same_tracks(seed: int) -> None:
    frames = [faces[:1] for faces in random_faces(seed)]
    one, other = (tracks(frames, [(0, 160)], min_detections=8, min_side=20.0, best_only=best) for best in (False, True))
    assert [(t.first, t.detections) for t in one] == [(t.first, t.detections) for t in other]
