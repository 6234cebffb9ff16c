"""Resizing and cutting against Pillow itself, every byte."""

import numpy as np
import pytest
import torch
from imaging.pixels import as_image, pillow_crop, planes

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.pillow_crop import CROP_SIZE, resize_and_crop

GENERATOR = np.random.default_rng(4)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (64, 300), (300, 64), (224, 224), (480, 640)])
def test_any_size_and_corner_equal_pillow(height: int, width: int) -> None:
    images = GENERATOR.integers(0, 256, (8, height, width, 3), dtype=np.uint8)
    resized = torch.from_numpy(GENERATOR.integers(1, 700, (8, 2)))
    corner = torch.from_numpy(GENERATOR.integers(-250, 700, (8, 2)))
    corner[0], resized[1], corner[2] = 0, torch.tensor([width, height]), resized[2] // 2 - CROP_SIZE // 2
    crops = resize_and_crop(planes(images), resized, corner)
    for i, image in enumerate(images):
        expected = pillow_crop(image, resized[i].tolist(), corner[i].tolist())
        np.testing.assert_array_equal(as_image(crops[i]), expected, err_msg=f"{resized[i]} {corner[i]}")


def test_a_batch_is_its_frames_in_any_memory_layout() -> None:
    frames = planes(GENERATOR.integers(0, 256, (5, 90, 120, 3), dtype=np.uint8))
    resized, corner = torch.tensor([[200, 150]]).repeat(5, 1), torch.tensor([[-10, 20]]).repeat(5, 1)
    crops = resize_and_crop(frames, resized, corner)
    assert torch.equal(resize_and_crop(frames.contiguous(), resized, corner), crops)
    assert torch.equal(resize_and_crop(frames[3:4], resized[3:4], corner[3:4]), crops[3:4])
    assert resize_and_crop(frames[:0], resized[:0], corner[:0]).shape == (0, 3, CROP_SIZE, CROP_SIZE)


def test_a_cut_beside_the_frame_is_black() -> None:
    frames = torch.full((4, 3, 50, 60), 255, dtype=torch.uint8)
    corner = torch.tensor([[100, 0], [0, 100], [-CROP_SIZE, 0], [0, -CROP_SIZE]])
    crops = resize_and_crop(frames, torch.full((4, 2), 100), corner)
    assert crops.max() == 0


def test_bad_input_is_named() -> None:
    frames, pair = torch.zeros(2, 3, 50, 50, dtype=torch.uint8), torch.full((2, 2), 40)
    with pytest.raises(InputError, match="uint8"):
        resize_and_crop(frames / 255, pair, pair)
    with pytest.raises(InputError, match=r"must be \(2, 2\).*got \(1, 2\) and \(2, 2\)"):
        resize_and_crop(frames, pair[:1], pair)
    with pytest.raises(InputError, match=r"got \(2, 2\) and \(2, 3\)"):
        resize_and_crop(frames, pair, torch.zeros(2, 3))
