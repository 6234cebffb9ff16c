"""FAN's crops and decoding against the installed face_alignment package; the distances against plain NumPy."""

import numpy as np
import pytest
import torch
from face_alignment import utils as fan

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.fan import decode_heatmaps, fan_geometry, mirrored_heatmaps
from thm_torchmetrics.functional.landmarks import (
    PROTOCOLS,
    average_keypoint_distance,
    landmark_distance,
    missing_keypoints,
)
from thm_torchmetrics.imaging.resize import resize_crops


def fan_center_and_scale(box):
    x1, y1, x2, y2 = box
    return np.array([x2 - (x2 - x1) / 2.0, y2 - (y2 - y1) / 2.0 - (y2 - y1) * 0.12]), (x2 - x1 + y2 - y1) / 195.0


def random_boxes(seed, count, height, width):
    generator = np.random.default_rng(seed)
    corner = generator.uniform(-20, (width - 20, height - 20), (count, 2))
    return np.concatenate([corner, corner + generator.uniform(15, 150, (count, 2))], axis=1)


def test_crops_of_face_alignment():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    boxes = random_boxes(1, 60, 120, 160)
    frames = torch.from_numpy(image).permute(2, 0, 1)[None]
    crops = fan_geometry(torch.from_numpy(boxes)).crops
    got = resize_crops(frames, crops, (256, 256), index=torch.zeros(60, dtype=torch.int64))
    for box, crop in zip(boxes, got, strict=True):
        np.testing.assert_array_equal(crop.permute(1, 2, 0), fan.crop(image, *fan_center_and_scale(box)))


def test_landmarks_of_face_alignment(monkeypatch):
    for name in ("transform_np", "_get_preds_fromhm"):  # without numba, which would compile for seconds
        monkeypatch.setattr(fan, name, getattr(fan, name).py_func)
    heatmaps = np.random.default_rng(2).random((40, 68, 64, 64)).astype(np.float32)
    heatmaps[:3] = np.round(heatmaps[:3] * 20)  # ties: the first maximum counts, equal neighbours do not move it
    for point, at in enumerate([(0, 5), (63, 5), (5, 0), (5, 63), (1, 1), (62, 62), (0, 0), (63, 63)]):
        heatmaps[5, point][at] = 9.0
    boxes = random_boxes(3, 40, 200, 200) - 60
    got = decode_heatmaps(torch.from_numpy(heatmaps), fan_geometry(torch.from_numpy(boxes)))
    for maps, box, points in zip(heatmaps, boxes, got, strict=True):
        expected = fan.get_preds_fromhm(maps[None].copy(), *fan_center_and_scale(box))[1][0]
        np.testing.assert_array_equal(points, expected)
    assert got.dtype == torch.float64
    assert (got < 0).any()


def test_flipped_maps_of_face_alignment():
    heatmaps = torch.rand(2, 68, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mirrored_heatmaps(heatmaps), fan.flip(heatmaps, is_label=True), rtol=0, atol=0)


def random_landmarks(seed, frames=7):
    generator = np.random.default_rng(seed)
    target = generator.uniform(0, 300, (frames, 68, 2))
    return target + generator.normal(3, 5, target.shape), target


def numpy_distance(preds, target, protocol):
    chosen = range(68) if protocol == "eat-f" else range(48, 68)
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
def test_protocols(protocol):
    preds, target = random_landmarks(5)
    got = landmark_distance(torch.from_numpy(preds), torch.from_numpy(target), **PROTOCOLS[protocol]._asdict())
    np.testing.assert_allclose(got, numpy_distance(preds, target, protocol), rtol=1e-12)


def test_norms():
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
def test_groups(points, first, last):
    target = torch.zeros(68, 68, 2, dtype=torch.float64)
    preds = torch.eye(68, dtype=torch.float64)[..., None].expand(-1, -1, 2)  # frame i moves point i only
    got = landmark_distance(preds, target, points=points, center=False, reduction="l1")
    assert got.nonzero().flatten().tolist() == list(range(first, last + 1))


def test_average_keypoint_distance():
    preds, target = random_landmarks(8)
    got = average_keypoint_distance(torch.from_numpy(preds), torch.from_numpy(target))
    np.testing.assert_allclose(got, np.abs(preds - target).reshape(7, -1).mean(1), rtol=1e-12)
    preds[2, 5:] = np.nan
    target[2, 0] = np.nan
    got = average_keypoint_distance(torch.from_numpy(preds), torch.from_numpy(target))
    assert got[2] == pytest.approx(np.abs(preds[2, 1:5] - target[2, 1:5]).mean())


def test_frames_without_a_face():
    preds, target = (torch.from_numpy(side) for side in random_landmarks(9))
    preds[1], target[2], preds[3], target[3] = torch.nan, torch.nan, torch.nan, torch.nan
    absent = [False, True, True, True, False, False, False]
    assert landmark_distance(preds, target).isnan().tolist() == absent
    assert average_keypoint_distance(preds, target).isnan().tolist() == absent
    missing = missing_keypoints(preds, target)
    np.testing.assert_array_equal(missing, [0, 1, np.nan, np.nan, 0, 0, 0])


def test_missing_body_joints_are_a_share_per_frame():
    target = torch.zeros(2, 18, 2)
    target[0, 10:] = torch.nan
    preds = torch.zeros(2, 18, 2)
    preds[0, 8:] = torch.nan
    preds[1, :9, 0] = torch.nan
    assert missing_keypoints(preds, target).tolist() == [0.2, 0.5]


def test_bad_input_is_named():
    points = torch.zeros(2, 68, 2)
    with pytest.raises(MismatchError, match=r"\(2, 68, 2\) and target \(1, 68, 2\)"):
        landmark_distance(points, points[:1])
    with pytest.raises(InputError, match=r"target must be landmarks \(T, K, 2\), got \(68, 2\)"):
        average_keypoint_distance(points, points[0])
    with pytest.raises(InputError, match="68 points"):
        landmark_distance(points[:, :5], points[:, :5])
    for option in ("points", "norm", "reduction"):
        with pytest.raises(InputError, match=f"unknown {option} 'lips'"):
            landmark_distance(points, points, **{option: "lips"})
    with pytest.raises(InputError, match=r"\(4,\)"):
        fan_geometry(torch.zeros(4))
    with pytest.raises(InputError, match="of 2 boxes"):
        decode_heatmaps(torch.zeros(1, 68, 64, 64), fan_geometry(torch.zeros(2, 4)))
