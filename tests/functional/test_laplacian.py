"""The variance of the Laplacian against OpenCV."""

import cv2
import pytest
import torch
from parity.seeded import golden, golden_input

from thm_torchmetrics.functional.laplacian import laplacian_variance


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 1), (2, 3), (40, 37), (300, 520)])
def test_it_is_opencv_s(size: tuple[int, int]) -> None:
    frames = torch.randint(0, 256, (3, 3, *size), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    for frame, value in zip(frames, laplacian_variance(frames), strict=True):
        grey = cv2.cvtColor(frame.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY).reshape(size)
        assert value.item() == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var(), rel=1e-9)


def test_it_is_that_of_the_golden_frames() -> None:
    frames = torch.from_numpy(golden_input("frames", "sharp")).movedim(-1, 1)
    expected = golden("frames")["laplacian_variance"]
    assert laplacian_variance(frames).numpy() == pytest.approx(expected, rel=1e-9)
    assert laplacian_variance(frames.to(torch.float32) / 255).numpy() == pytest.approx(expected, rel=1e-9)


def test_a_flat_frame_has_none() -> None:
    assert laplacian_variance(torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)).item() == 0
