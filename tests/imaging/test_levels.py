"""The scale on which two sides are compared."""

import pytest
import torch

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.imaging.levels import common_peak, on_common_scale


def test_bytes_stay_levels_and_a_mixed_pair_lies_in_0_to_1() -> None:
    levels, shares = torch.tensor([0, 51], dtype=torch.uint8), torch.tensor([0.0, 0.2])
    assert common_peak(levels, levels) == 255
    assert torch.equal(on_common_scale(levels, levels, 255)[0], torch.tensor([0.0, 51.0]))
    assert common_peak(levels, shares) == common_peak(shares, shares) == 1
    for side in on_common_scale(levels, shares, 1.0):
        torch.testing.assert_close(side, shares)


def test_values_that_no_pixel_has_are_named() -> None:
    with pytest.raises(InputError, match="`target`"):
        on_common_scale(torch.zeros(1), torch.full((1,), 2.0), 1.0)
