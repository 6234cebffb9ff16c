"""Landmark distances against plain NumPy."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.landmarks import (
    PROTOCOLS,
    average_keypoint_distance,
    landmark_distance,
    missing_keypoints,
)


def random_landmarks(seed: int, frames: int = 7) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    target = generator.uniform(0, 300, (frames, 68, 2))
    return target + generator.normal(3, 5, target.shape), target


def numpy_distance(
    preds: npt.NDArray[np.float64], target: npt.NDArray[np.float64], protocol: str
) -> npt.NDArray[np.float64]:
    chosen = range(68) if protocol == "centered-face" else range(48, 68)
    values = []
    for p, t in zip(preds[:, chosen], target[:, chosen], strict=True):
        if protocol == "vico":
            values.append(sum(abs(a - b) for a, b in zip(p.ravel(), t.ravel(), strict=True)) / p.size)
            continue
        p, t = p - p.sum(0) / len(p), t - t.sum(0) / len(t)
        lengths = [np.hypot(*(a - b)) for a, b in zip(p, t, strict=True)]
        values.append(sum(lengths) / (1 if protocol == "atvg" else len(lengths)))
    return np.array(values)


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_protocols(protocol: str) -> None:
    preds, target = random_landmarks(5)
    got = landmark_distance(torch.from_numpy(preds), torch.from_numpy(target), **PROTOCOLS[protocol]._asdict())
    np.testing.assert_allclose(got, numpy_distance(preds, target, protocol), rtol=1e-12)


def test_norms() -> None:
    preds, target = random_landmarks(6)
    plain, eyes, box = (
        landmark_distance(torch.from_numpy(preds), torch.from_numpy(target), norm=norm).numpy()
        for norm in ("none", "inter-ocular", "face-box")
    )
    np.testing.assert_allclose(plain / eyes, [np.hypot(*(t[36] - t[45])) for t in target], rtol=1e-12)
    np.testing.assert_allclose(plain / box, [np.sqrt(np.prod(np.ptp(t, axis=0))) for t in target], rtol=1e-12)


@pytest.mark.parametrize(
    ("points", "first", "last"),
    [
        ("jaw", 0, 16),
        ("brows", 17, 26),
        ("nose", 27, 35),
        ("eyes", 36, 47),
        ("mouth", 48, 67),
        ("outer-lip", 48, 59),
        ("inner-lip", 60, 67),
        ("face", 0, 67),
    ],
)
def test_groups(points: str, first: int, last: int) -> None:
    target = torch.zeros(68, 68, 2, dtype=torch.float64)
    preds = torch.eye(68, dtype=torch.float64)[..., None].expand(-1, -1, 2)  # frame i moves point i only
    got = landmark_distance(preds, target, points=points, center=False, reduction="l1")
    assert got.nonzero().flatten().tolist() == list(range(first, last + 1))


def test_average_keypoint_distance() -> None:
    preds, target = random_landmarks(8)
    got = average_keypoint_distance(torch.from_numpy(preds), torch.from_numpy(target))
    np.testing.assert_allclose(got, np.abs(preds - target).reshape(7, -1).mean(1), rtol=1e-12)
    preds[2, 5:] = np.nan
    target[2, 0] = np.nan
    got = average_keypoint_distance(torch.from_numpy(preds), torch.from_numpy(target))
    assert got[2] == pytest.approx(np.abs(preds[2, 1:5] - target[2, 1:5]).mean())


def test_frames_without_a_face() -> None:
    preds, target = (torch.from_numpy(side) for side in random_landmarks(9))
    preds[1], target[2], preds[3], target[3] = torch.nan, torch.nan, torch.nan, torch.nan
    absent = [False, True, True, True, False, False, False]
    assert landmark_distance(preds, target).isnan().tolist() == absent
    assert average_keypoint_distance(preds, target).isnan().tolist() == absent
    missing = missing_keypoints(preds, target)
    np.testing.assert_array_equal(missing, [0, 1, np.nan, np.nan, 0, 0, 0])


def test_missing_body_joints_are_a_share_per_frame() -> None:
    target = torch.zeros(2, 18, 2)
    target[0, 10:] = torch.nan
    preds = torch.zeros(2, 18, 2)
    preds[0, 8:] = torch.nan
    preds[1, :9, 0] = torch.nan
    assert missing_keypoints(preds, target).tolist() == [0.2, 0.5]


def test_bad_input_is_named() -> None:
    points = torch.zeros(2, 68, 2)
    with pytest.raises(MismatchError, match=r"\(2, 68, 2\) and \(1, 68, 2\)"):
        landmark_distance(points, points[:1])
    with pytest.raises(InputError, match=r"`target` must be landmarks of shape \(T, K, 2\), got \(68, 2\)"):
        average_keypoint_distance(points, points[0])
    with pytest.raises(InputError, match=r"\(T, 68, 2\), got \(2, 5, 2\)"):
        landmark_distance(points[:, :5], points[:, :5])
    for option in ("points", "norm", "reduction"):
        with pytest.raises(InputError, match=f"`{option}` must be one of .*, got 'lips'"):
            landmark_distance(points, points, **{option: "lips"})  # type: ignore[arg-type]
