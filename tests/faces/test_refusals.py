"""What does not fit is refused by name: numbers of faces, sizes and rules."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import zeros

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.faces.boxes import choose_face, s3fd_faces
from thm_torchmetrics.faces.crops import align_faces
from thm_torchmetrics.faces.deep3d import alignment, crop
from thm_torchmetrics.faces.eat_crop import eat_crops
from thm_torchmetrics.faces.fan import decode_heatmaps, fan_geometry
from thm_torchmetrics.faces.libreface_crop import sample_squares

FRAMES = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
BOX = torch.tensor([[0.0, 0.0, 4.0, 4.0]])

REFUSED: dict[str, tuple[Callable[[], Any], type[InputError], str]] = {
    "scales": (lambda: s3fd_faces([], (8, 8)), InputError, "one scale at least, got none"),
    "center": (lambda: choose_face(BOX, "center"), InputError, r"'center' needs size=\(height, width\)"),
    "side": (lambda: align_faces(FRAMES, zeros(2, 5, 2), 100), InputError, "multiple of 112 or of 128, got 100"),
    "faces": (lambda: crop(FRAMES, zeros(1, 5, 2)), MismatchError, "landmarks of 1 faces for 2 frames"),
    "frame": (lambda: alignment(zeros(1, 5, 2), 0, 8), InputError, "at least 1 x 1 pixel, got height 0 and width 8"),
    "eat": (lambda: eat_crops(FRAMES, zeros(1, 68, 2)), MismatchError, "1 faces for 2 frames"),
    "maps": (lambda: decode_heatmaps(zeros(2, 68, 64, 64), fan_geometry(BOX)), InputError, r"must be \(1, K, 64, 64\)"),
    "corners": (lambda: sample_squares(FRAMES, zeros(2, 4)), InputError, r"floating point \(N, 4, 2\)"),
    "squares": (lambda: sample_squares(FRAMES, zeros(1, 4, 2)), MismatchError, "1 faces for 2 frames"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_named(name: str) -> None:
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()
