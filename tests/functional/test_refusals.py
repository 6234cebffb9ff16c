"""What does not fit is refused by name: shapes, classes and curves."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, zeros

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.emotion import emotion_hits
from thm_torchmetrics.functional.meshes import mouth_opening, mouth_timing_differences, vertex_distances

REFUSED: dict[str, tuple[Callable[[], Tensor], type[InputError], str]] = {
    "class": (lambda: emotion_hits(zeros(2, 8), label=8), InputError, "`label` must be 0 to 7, got 8"),
    "vertices": (lambda: vertex_distances(zeros(2, 3), zeros(2, 3)), InputError, r"preds must be vertices .* \(2, 3\)"),
    "mesh": (
        lambda: vertex_distances(zeros(2, 5, 3), zeros(2, 4, 3)),
        MismatchError,
        r"preds are \(2, 5, 3\) and target \(2, 4, 3\)",
    ),
    "lips": (lambda: mouth_opening(zeros(2, 3, 3)), InputError, r"lips must be \(T, 2, 3\).* \(2, 3, 3\)"),
    "curve": (
        lambda: mouth_timing_differences(zeros(4), torch.tensor([0.0, torch.nan])),
        InputError,
        r"target must be finite numbers .* \(2,\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_named(name: str) -> None:
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()
