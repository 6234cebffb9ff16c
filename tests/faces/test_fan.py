"""FAN's crops and decoding against the installed face_alignment package."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch
from face_alignment import utils as fan

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.faces.fan import decode_heatmaps, fan_geometry, mirrored_heatmaps
from thm_torchmetrics.imaging.resize import resize_crops


def fan_center_and_scale(box: Sequence[float]) -> tuple[npt.NDArray[np.float64], float]:
    x1, y1, x2, y2 = box
    return np.array([x2 - (x2 - x1) / 2.0, y2 - (y2 - y1) / 2.0 - (y2 - y1) * 0.12]), (x2 - x1 + y2 - y1) / 195.0


def random_boxes(seed: int, count: int, height: int, width: int) -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    corner = generator.uniform(-20, (width - 20, height - 20), (count, 2))
    return np.concatenate([corner, corner + generator.uniform(15, 150, (count, 2))], axis=1)


def test_crops_of_face_alignment() -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    boxes = random_boxes(1, 60, 120, 160)
    frames = torch.from_numpy(image).permute(2, 0, 1)[None]
    crops = fan_geometry(torch.from_numpy(boxes)).crops
    got = resize_crops(frames, crops, (256, 256), index=torch.zeros(60, dtype=torch.int64))
    for box, crop in zip(boxes, got, strict=True):
        np.testing.assert_array_equal(crop.permute(1, 2, 0), fan.crop(image, *fan_center_and_scale(box)))


def test_landmarks_of_face_alignment(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_flipped_maps_of_face_alignment() -> None:
    heatmaps = torch.rand(2, 68, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mirrored_heatmaps(heatmaps), fan.flip(heatmaps, is_label=True), rtol=0, atol=0)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"\(N, 4 or 5\), got \(4,\)"):
        fan_geometry(torch.zeros(4))
    with pytest.raises(InputError, match=r"\(2, K, 64, 64\), one row for each box.*got \(1, 68, 64, 64\)"):
        decode_heatmaps(torch.zeros(1, 68, 64, 64), fan_geometry(torch.zeros(2, 4)))
