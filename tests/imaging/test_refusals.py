"""What does not fit is refused by name: dtypes, shapes, empty pictures and odd tensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import zeros

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.imaging.checks import check_numbers
from thm_torchmetrics.imaging.hsv import hsv
from thm_torchmetrics.imaging.pillow_crop import resize_and_crop
from thm_torchmetrics.imaging.resize import resize, resize_area, resize_crops
from thm_torchmetrics.imaging.warp import similarity_transform, warp_affine

FRAMES = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
BOX = torch.tensor([[0, 0, 4, 4], [0, 0, 4, 4]])
UNIT = torch.eye(2, 3).expand(2, 2, 3)

REFUSED: dict[str, tuple[Callable[[], Any], type[InputError], str]] = {
    "array": (lambda: check_numbers("x", np.zeros(3)), InputError, "got ndarray; pass torch.from_numpy"),
    "quantized": (
        lambda: check_numbers("x", torch.quantize_per_tensor(zeros(3), 0.1, 0, torch.qint8)),
        InputError,
        "must not be quantized",
    ),
    "nested": (
        lambda: check_numbers("x", torch.nested.nested_tensor([zeros(2), zeros(3)], layout=torch.jagged)),
        InputError,
        "must not be a nested tensor; pass a list",
    ),
    "meta": (lambda: check_numbers("x", zeros(3, device="meta")), InputError, "on the meta device and holds no values"),
    "hsv": (lambda: hsv(zeros(3, 8, 8)), InputError, "must be uint8 RGB .* got torch.float32"),
    "sizes": (
        lambda: resize_and_crop(FRAMES, zeros(1, 2, dtype=torch.int64), zeros(2, 2, dtype=torch.int64)),
        InputError,
        r"must be \(2, 2\), one row per frame",
    ),
    "floats": (lambda: resize_area(FRAMES.float(), (4, 4)), InputError, "convert floats with"),
    "empty": (lambda: resize(FRAMES, (0, 4)), InputError, r"cannot resize \(8, 8\) to \(0, 4\)"),
    "boxes": (lambda: resize_crops(FRAMES, BOX.float(), (4, 4)), InputError, "must be integers"),
    "box": (lambda: resize_crops(FRAMES, BOX - BOX, (4, 4)), InputError, "x2 > x1 and y2 > y1"),
    "number": (lambda: resize_crops(FRAMES, BOX[:1], (4, 4)), InputError, "1 boxes for 2 images; pass one box"),
    "points": (lambda: similarity_transform(zeros(2, 5, 2), zeros(4, 2)), InputError, r"\(2, 5, 2\) and \(4, 2\)"),
    "side": (lambda: warp_affine(FRAMES, UNIT, 0), InputError, "cannot warp .* to 0 x 0"),
    "matrices": (lambda: warp_affine(FRAMES, UNIT.int(), 4), InputError, "must be floats .* torch.int32"),
    "matrix": (lambda: warp_affine(FRAMES, UNIT[:1], 4), MismatchError, "1 matrices for 2 frames"),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.filterwarnings("ignore:.*quantiz:")
@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_named(name: str) -> None:
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()
