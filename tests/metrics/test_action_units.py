"""AUE-U, AUE-L and AUE: groups, rows and ways of giving them, in closed forms; their values are among the cases."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

from thm_torchmetrics import ActionUnitError, ActionUnitErrorLower, ActionUnitErrorUpper, TalkingHeadMetrics
from thm_torchmetrics.core.clip import FeatureClip
from thm_torchmetrics.errors import InputError, MismatchError, MissingFaceError
from thm_torchmetrics.functional.action_units import ACTION_UNITS, LOWER, UPPER

KINDS = [ActionUnitError, ActionUnitErrorUpper, ActionUnitErrorLower]
UNITS = {"aue": tuple(range(17)), "aue-u": UPPER, "aue-l": LOWER}
AU45 = ACTION_UNITS.index("45")


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


def with_gaps(seed: int, frames: int = 40) -> tuple[Tensor, Tensor]:
    """Intensities in which some rows lack some units."""
    draw = torch.Generator().manual_seed(seed)
    sides = torch.rand(2, frames, 17, generator=draw, dtype=torch.float64) * 5
    sides[torch.rand(sides.shape, generator=draw) < 0.04] = torch.nan
    return sides[0], sides[1]


def closed_form(clips: list[tuple[Tensor, Tensor]], units: tuple[int, ...], average: str) -> tuple[float, float]:
    """The sum over units of the mean over the frames that have all of them; and the share of those frames."""
    errors = [((preds - target) ** 2).numpy()[:, units] for preds, target in clips]
    whole = [rows[~np.isnan(rows).any(axis=1)] for rows in errors]
    if average == "frame":
        value = np.concatenate(whole).mean(axis=0).sum()
    else:
        value = np.mean([rows.mean(axis=0).sum() for rows in whole if len(rows)])
    return value, sum(map(len, whole)) / sum(map(len, errors))


@pytest.mark.parametrize("average", ["frame", "clip"])
@pytest.mark.parametrize("order", list(itertools.permutations(UNITS)), ids="+".join)
def test_a_row_without_a_unit_counts_for_the_metrics_that_do_not_need_it(average: str, order: tuple[str, ...]) -> None:
    """Alone, in one collection with one state in any order, in one without, and after a merge."""
    clips = [with_gaps(seed, frames) for seed, frames in enumerate((40, 7, 25, 1))]
    clips[1][0][:, AU45] = torch.nan  # a table without that column
    together = TalkingHeadMetrics(list(order), average=average)
    apart = TalkingHeadMetrics(list(order), average=average, compute_groups=False)
    assert len(together.compute_groups) == 1
    for preds, target in clips:
        for collection in (together, apart):
            collection.update(preds_au=preds, target_au=target)
    shared, own = together.compute(), apart.compute()
    for key, units in UNITS.items():
        expected, coverage = closed_form(clips, units, average)
        assert 0 < coverage < 1
        merged = pickle.loads(pickle.dumps(apart.members()[key]))  # noqa: S301
        merged.merge_state(together.members()[key])
        for value in (shared[key], own[key], merged.compute()):
            assert value.item() == pytest.approx(expected, rel=1e-12)
        for member in (together.members()[key], apart.members()[key], merged):
            assert member.coverage == pytest.approx(coverage)
    scored = {key: metric.tally(metric.named(metric.sums)).scored for key, metric in together.members().items()}
    assert scored["aue"] < min(scored["aue-u"], scored["aue-l"])


@pytest.mark.parametrize("order", list(itertools.permutations(UNITS)), ids="+".join)
def test_a_clip_s_scores_beside_each_other_are_those_alone(order: tuple[str, ...]) -> None:
    preds, target = with_gaps(3)
    metrics = TalkingHeadMetrics(list(order))
    scores = metrics.add_clip(order, FeatureClip(preds), FeatureClip(target))
    for key, units in UNITS.items():
        expected, coverage = closed_form([(preds, target)], units, "frame")
        assert scores[key].value == pytest.approx(expected, rel=1e-12)
        assert scores[key].frames == round(coverage * len(preds))
        assert list(scores[key].detail) == [f"AU{ACTION_UNITS[unit]}" for unit in units]
        assert sum(scores[key].detail.values()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("order", list(itertools.permutations(UNITS)), ids="+".join)
def test_a_missing_unit_is_an_error_of_the_metrics_that_need_it(order: tuple[str, ...]) -> None:
    """Under ``missing="error"`` a run fails, so it must be the run of one metric."""
    preds, target = torch.ones(4, 17), torch.zeros(4, 17)
    preds[1, AU45] = torch.nan
    lower = ActionUnitErrorLower(missing="error")
    assert lower(preds, target).item() == 9
    for kind in (ActionUnitError, ActionUnitErrorUpper):
        with pytest.raises(MissingFaceError, match="1 of 4"):
            kind(missing="error").update(preds, target)
    metrics = TalkingHeadMetrics(list(order), missing="error")
    with pytest.raises(MissingFaceError, match="1 of 4"):
        metrics.update(preds_au=preds, target_au=target)
    assert not any(member.sums.any() for member in metrics.members().values())
    failures: dict[str, Exception] = {}
    scores = metrics.add_clip(order, *map(FeatureClip, (preds, target)), failures=failures)
    assert scores.keys() == {"aue-l"}
    assert failures.keys() == {"aue", "aue-u"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [-0.5, -1.0, 5.5, 191.0])
def test_an_intensity_out_of_range_is_an_error_and_leaves_no_trace(kind: type[ActionUnitError], value: float) -> None:
    good = torch.ones(2, 4, 17)
    bad = good.clone()
    bad[1, 2, 8] = value
    metric = kind()
    for sides in ((bad, good), (good, bad)):
        with pytest.raises(InputError, match=rf"holds an intensity of {value:g}, .* row 2 for AU12, need 0\.\.5"):
            metric.update(preds_au=sides[0], target_au=sides[1])
    assert not metric.sums.any()


def test_needed_units_are_those_whose_error_is_summed() -> None:
    for kind in KINDS:
        metric = kind()
        target = torch.zeros(1, 17)
        counted = []
        for unit, name in enumerate(ACTION_UNITS):
            preds = target.clone()
            preds[0, unit] = 1
            counted += [name] * int(metric(preds, target).item())
        assert metric.needed_units == tuple(counted)


def test_a_subclass_may_have_a_group_of_its_own() -> None:
    class Brows(ActionUnitError):
        units = (0, 1, 2)
        groups = (units,)

    preds, target = torch.full((4, 17), 2.0), torch.zeros(4, 17)
    preds[0, 5] = torch.nan
    metric = Brows()
    assert metric(preds, target).item() == 12
    assert metric.coverage == 1
