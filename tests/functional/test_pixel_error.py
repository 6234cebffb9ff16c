"""L1 and MSE against NumPy and the First Order Motion Model's script."""

from typing import Any

import numpy as np
import pytest
import torch
from parity import build
from parity.seeded import golden, golden_meta
from torch import Tensor

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.pixel_error import mean_absolute_error_per_frame, mean_squared_error_per_frame

ERRORS = {mean_absolute_error_per_frame: 1, mean_squared_error_per_frame: 2}


def frames(seed: int, count: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 41, 53), dtype=torch.uint8, generator=generator)


def as_float(frames: Tensor) -> Tensor:
    return frames.to(torch.float32) / 255


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("floats", [(), (0,), (1,), (0, 1)])
def test_the_error_is_that_of_numpy(error: Any, floats: tuple[int, ...]) -> None:
    sides = [frames(0), frames(1)]
    expected = (np.abs(sides[0].numpy() / 255 - sides[1].numpy() / 255) ** ERRORS[error]).mean(axis=(1, 2, 3))
    given = [as_float(side) if i in floats else side for i, side in enumerate(sides)]
    assert error(*given).numpy() == pytest.approx(expected, rel=1e-6)
    last = [side.contiguous(memory_format=torch.channels_last) for side in given]
    assert error(*last).numpy() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("error", ERRORS)
def test_bytes_do_not_wrap(error: Any) -> None:
    black, white = torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    assert [error(black, white).item(), error(white, black).item()] == pytest.approx([1, 1], rel=1e-6)


def test_l1_is_that_of_the_first_order_motion_model() -> None:
    pairs = build.l1_pairs(golden_meta("frames"))
    values = [
        mean_absolute_error_per_frame(*(torch.from_numpy(side).movedim(-1, 1) for side in (preds, target)))
        for target, preds in pairs
    ]
    assert torch.cat(values).mean().item() == pytest.approx(float(golden("frames")["l1_fomm"]), rel=1e-6)
    per_video = [value.mean().item() for value in values]
    assert per_video == pytest.approx(golden("frames")["l1_per_video"].tolist(), rel=1e-6)


@pytest.mark.parametrize("error", ERRORS)
def test_what_cannot_be_compared_is_an_error(error: Any) -> None:
    with pytest.raises(MismatchError, match="must agree"):
        error(frames(0), frames(1)[:2])
    with pytest.raises(InputError, match=r"0\.\.1"):
        error(as_float(frames(0)) * 2 - 1, frames(1))
    with pytest.raises(InputError, match=r"0\.\.1"):
        error(frames(0), as_float(frames(1)) * torch.nan)
