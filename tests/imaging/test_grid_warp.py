"""The warp on a grid of 1/32 pixel against plain integer arithmetic, written as the formula reads."""

import math

import pytest
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.grid_warp import warp_affine_grid


def by_pixel(frame: Tensor, matrix: Tensor, size: int) -> Tensor:
    """One pixel after the other, in Python's whole numbers."""
    whole = torch.eye(3, dtype=torch.float64)
    whole[:2] = matrix
    inverse = torch.linalg.inv(whole)
    (a, b, c), (d, e, f) = inverse[:2].tolist()
    _, height, width = frame.shape
    values = frame.tolist()
    crop = torch.zeros(3, size, size, dtype=torch.uint8)
    for y in range(size):
        for x in range(size):
            fine_x = (round(1024 * a * x) + round(1024 * (b * y + c)) + 16) >> 5
            fine_y = (round(1024 * d * x) + round(1024 * (e * y + f)) + 16) >> 5
            left, top = fine_x >> 5, fine_y >> 5
            u, v = fine_x & 31, fine_y & 31
            for channel in range(3):
                total = 0
                for dy, wy in ((0, 32 - v), (1, v)):
                    for dx, wx in ((0, 32 - u), (1, u)):
                        if 0 <= top + dy < height and 0 <= left + dx < width:
                            total += wy * wx * values[channel][top + dy][left + dx]
                crop[channel, y, x] = (total + 512) // 1024
    return crop


def matrices(seed: int, count: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    angle, scale = torch.rand(2, count, generator=draw, dtype=torch.float64)
    angle, scale = 2 * math.pi * angle, 0.3 + 2 * scale
    linear = torch.stack([scale * angle.cos(), -scale * angle.sin(), scale * angle.sin(), scale * angle.cos()], dim=1)
    shift = 40 * torch.rand(count, 2, 1, generator=draw, dtype=torch.float64) - 15
    return torch.cat([linear.view(count, 2, 2), shift], dim=2)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pixels_are_those_of_the_formula(seed: int, layout: torch.memory_format) -> None:
    frames = torch.randint(0, 256, (4, 3, 23, 31), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    moves = matrices(seed, 4)
    got = warp_affine_grid(frames.to(memory_format=layout), moves, 24)
    expected = torch.stack([by_pixel(frame, move, 24) for frame, move in zip(frames, moves, strict=True)])
    # the inverse of another routine may round to the other side of half of 1/1024 pixel
    assert (got != expected).double().mean() < 1e-3
    assert (got.int() - expected.int()).abs().max() <= 8


def test_whole_shifts_are_exact_and_black_outside() -> None:
    frame = torch.randint(0, 256, (1, 3, 9, 9), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    got = warp_affine_grid(frame, torch.tensor([[[1.0, 0.0, 2.0], [0.0, 1.0, -3.0]]]), 9)[0]
    assert torch.equal(got[:, :6, 2:], frame[0, :, 3:, :7])
    assert not got[:, 6:].any()
    assert not got[:, :, :2].any()


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        [[math.nan, 0.0, 0.0], [0.0, 1.0, 0.0]],
        [[1.0, 0.0, math.inf], [0.0, 1.0, 0.0]],
        [[1.0, 0.0, 1e30], [0.0, 1.0, 0.0]],
    ],
)
def test_a_matrix_that_points_nowhere_gives_a_black_crop_and_harms_no_other(matrix: list[list[float]]) -> None:
    frames = torch.full((2, 3, 8, 8), 200, dtype=torch.uint8)
    got = warp_affine_grid(frames, torch.tensor([matrix, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], dtype=torch.float64), 8)
    assert torch.equal(got[1], frames[1])
    assert not got[0].any()


def test_wrong_input_is_named() -> None:
    frames, matrix = torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.eye(3)[None, :2]
    with pytest.raises(InputError, match="must be uint8"):
        warp_affine_grid(frames.float(), matrix.repeat(2, 1, 1), 8)
    with pytest.raises(InputError, match=r"`matrices` .*\(N, 2, 3\), got torch\.float32 \(1, 3, 3\)"):
        warp_affine_grid(frames, torch.eye(3)[None], 8)
    with pytest.raises(MismatchError, match="1 matrices for 2 frames"):
        warp_affine_grid(frames, matrix, 8)
