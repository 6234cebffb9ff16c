"""AUE-U, AUE-L and AUE: groups, rows and ways of giving them, in closed forms; their values are among the cases."""

import pytest
import torch

from thm_torchmetrics import ActionUnitError, ActionUnitErrorLower, ActionUnitErrorUpper, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.action_units import ACTION_UNITS

KINDS = [ActionUnitError, ActionUnitErrorUpper, ActionUnitErrorLower]


def test_the_upper_and_the_lower_error_add_up_to_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    preds, target = torch.rand(2, 12, 17, generator=generator, dtype=torch.float64) * 5
    metrics = TalkingHeadMetrics(["aue-u", "aue-l", "aue"])
    metrics.update(preds_au=preds, target_au=target)
    values = metrics.compute()
    assert (values["aue-u"] + values["aue-l"]).item() == pytest.approx(values["aue"].item(), rel=1e-12)


@pytest.mark.parametrize("unit", range(len(ACTION_UNITS)))
def test_each_unit_counts_in_its_group_alone(unit: int) -> None:
    """OpenFace's order: the upper face has 01 02 04 05 06 07 09 45."""
    target = torch.zeros(3, 17)
    preds = target.clone()
    preds[:, unit] = 2.0
    upper = ACTION_UNITS[unit] in ("01", "02", "04", "05", "06", "07", "09", "45")
    whole, high, low = (kind()(preds, target).item() for kind in KINDS)
    assert (whole, high, low) == (4.0, 4.0 * upper, 4.0 * (not upper))
    metric = ActionUnitError()
    metric.update(preds, target)
    assert metric.detail() == {f"AU{name}": 4.0 * (name == ACTION_UNITS[unit]) for name in ACTION_UNITS}


@pytest.mark.parametrize("kind", KINDS)
def test_positions_and_keywords_mean_the_same(kind: type[ActionUnitError]) -> None:
    preds, target = torch.ones(2, 4, 17), torch.zeros(2, 4, 17)
    assert kind()(preds, target) == kind()(preds_au=preds, target_au=target) == kind()(list(preds), list(target))
    frames = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)  # in a collection the positions may hold frames
    assert kind()(frames, frames, preds_au=preds, target_au=target) == kind()(preds, target)


def test_a_row_with_a_nan_is_a_frame_without_a_face() -> None:
    preds, target = torch.ones(4, 17), torch.zeros(4, 17)
    preds[0, 3] = torch.nan
    target[2, 16] = torch.nan
    preds[3] = 3
    metric = ActionUnitError()
    assert metric(preds, target).item() == 17 * (1 + 9) / 2
    assert metric.coverage == 0.5


def test_wrong_use_is_named() -> None:
    metric = ActionUnitError()
    with pytest.raises(InputError, match=r"\(T, 17\).*\(4, 16\)"):
        metric.update(torch.zeros(4, 16), torch.zeros(4, 16))
    with pytest.raises(InputError, match="`target_au`"):
        metric.update(preds_au=torch.zeros(4, 17))
    with pytest.raises(MismatchError, match="4 frames and the target 5"):
        metric.update(torch.zeros(4, 17), torch.zeros(5, 17))
    assert not metric.sums.any()
