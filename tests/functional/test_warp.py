"""The affine warp against OpenCV."""

import cv2
import numpy as np
import pytest
import torch

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.warp import warp_affine


def random_warps(count):
    generator = np.random.default_rng(count)
    for _ in range(count):
        angle, scale = generator.uniform(-3, 3), generator.uniform(0.3, 3)
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear += generator.normal(0, 0.1, (2, 2))
        yield np.concatenate([linear, generator.uniform(-60, 120, (2, 1))], axis=1)


@pytest.mark.parametrize("size", [(90, 120), (1, 1), (31, 400)])
def test_opencv(size):
    images = np.random.default_rng(0).integers(0, 256, (40, *size, 3), dtype=np.uint8)
    matrices = list(random_warps(40))
    got = warp_affine(torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(np.stack(matrices)), (64, 80))
    expected = np.stack([cv2.warpAffine(i, m, (80, 64)) for i, m in zip(images, matrices, strict=True)])
    difference = np.abs(got.permute(0, 2, 3, 1).numpy().astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3
    assert expected.std() > 0


def test_faces_of_chosen_images():
    images = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (3, 3, 40, 50), dtype=np.uint8))
    matrices = torch.from_numpy(np.stack(list(random_warps(5))))
    index = torch.tensor([2, 0, 2, 1, 0])
    got = warp_affine(images, matrices, (30, 20), index=index)
    torch.testing.assert_close(got, warp_affine(images[index], matrices, (30, 20)), rtol=0, atol=0)


def test_whole_steps_are_exact():
    images = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (1, 3, 20, 20), dtype=np.uint8))
    step = torch.tensor([[[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]]])
    got = warp_affine(images, step, (20, 20))
    torch.testing.assert_close(got[:, :, :18, 3:], images[:, :, 2:, :17], rtol=0, atol=0)
    assert got[:, :, :, :3].sum() == 0


def test_no_transform_is_black():
    images = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)
    matrices = torch.stack([torch.full((2, 3), torch.nan), torch.zeros(2, 3)])
    assert warp_affine(images, matrices, (4, 4)).sum() == 0


def test_bad_input_is_named():
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(InputError, match="float32"):
        warp_affine(images.to(torch.float32), torch.zeros(2, 2, 3), (4, 4))
    with pytest.raises(InputError, match=r"2 matrices \(2, 3\), got \(1, 2, 3\)"):
        warp_affine(images, torch.zeros(1, 2, 3), (4, 4))
