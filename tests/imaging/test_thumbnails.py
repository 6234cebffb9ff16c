"""Thumbnails against means of areas."""

import torch

from thm_torchmetrics.imaging.thumbnails import thumbnails


def test_a_pixel_is_the_mean_of_its_area() -> None:
    frames = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    expected = frames.mean(dim=1).reshape(2, 32, 2, 32, 3).mean(dim=(2, 4)).flatten(1)
    torch.testing.assert_close(thumbnails(frames), expected)


def test_frames_smaller_than_a_thumbnail_have_one() -> None:
    assert thumbnails(torch.zeros(1, 3, 5, 7)).shape == (1, 1024)
