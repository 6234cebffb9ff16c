"""Boxes of the parts of a face."""

import numpy as np
import pytest
import torch
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.faces.parts import FACE_PARTS, part_boxes


def face(seed: int = 0) -> Tensor:
    return torch.rand(1, 68, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 60 + 20.3


@pytest.mark.parametrize("part", FACE_PARTS)
@pytest.mark.parametrize("seed", range(4))
def test_boxes_are_those_of_numpy(part: str, seed: int) -> None:
    points = face(seed)[0].numpy()
    if part == "mouth":
        lips = points[48:]
        margin = 0.25 * np.ptp(lips[:, 0])
        low, high = lips.min(axis=0) - margin, lips.max(axis=0) + margin
    else:
        low, high = points.min(axis=0), points.max(axis=0)
        if part == "upper":
            high[1] = points[33, 1]
    x1, y1, x2, y2 = part_boxes(face(seed), part, (96, 96))[0].tolist()
    assert [x1, y1] == np.maximum(np.floor(low), 0).tolist()
    assert [x2, y2] == np.minimum(np.floor(high) + 1, 96).tolist()


@pytest.mark.parametrize("part", FACE_PARTS)
def test_boxes_are_cut_to_the_frame_and_a_face_outside_has_none(part: str) -> None:
    x1, y1, x2, y2 = part_boxes(face() - 30, part, (40, 50))[0].tolist()
    assert 0 <= x1 < x2 <= 50
    assert 0 <= y1 < y2 <= 40
    assert part_boxes(face() + 500, part, (40, 50)).tolist() == [[0, 0, 0, 0]]
    assert part_boxes(face() * torch.nan, part, (40, 50)).tolist() == [[0, 0, 0, 0]]


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(InputError, match="`region` must be one of 'face', 'mouth', 'upper', got 'nose'"):
        part_boxes(face(), "nose", (9, 9))
