"""Every option and every public attribute of every metric of the catalog is read-only; torchmetrics' own are not."""

import inspect
from typing import Any

import pytest
from metrics.cases import CASES, Case
from torchmetrics import Metric

from thm_torchmetrics import FrameMean, LandmarkDistance
from thm_torchmetrics.catalog import CATALOG
from thm_torchmetrics.collection import metric_class, option_names
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import FrozenOptionError

TORCHMETRICS = (
    "compute_on_cpu", "compute_with_cache", "dist_sync_fn", "dist_sync_on_step", "distributed_available_fn",
    "process_group", "sync_on_compute",
)  # fmt: skip


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


CONSTANTS = {"higher_is_better", "plot_lower_bound", "plot_upper_bound"}
"""Constants that a protocol may have of its own; torchmetrics refuses to set them."""


def public(metric: TalkingHeadMetric) -> set[str]:
    """What the constructors of this package set, beside torchmetrics'."""
    plain = {name for name in vars(_Plain()) if not name.startswith("_")}
    return {name for name in vars(metric) if not name.startswith("_")} - plain - set(metric._defaults) - CONSTANTS


class _Plain(Metric):
    def update(self) -> None: ...

    def compute(self) -> None: ...


HIDDEN = {"face", "upsample", "weights", "flip"}
"""Arguments that `LandmarkDistance` hands on to its parent."""


def assert_read_only(metric: TalkingHeadMetric, names: set[str]) -> None:
    before = {name: getattr(metric, name, None) for name in names}
    for name in names:
        with pytest.raises(FrozenOptionError, match=rf"{type(metric).__name__}\.{name} is fixed"):
            setattr(metric, name, "other")
    assert {name: getattr(metric, name, None) for name in names} == before


def test_every_option_is_read_only_and_keeps_its_value(case: Case) -> None:
    """One was set after the metric had been grouped with others, which then shared its state."""
    metric = case.make()
    names = (option_names(type(metric)) | public(metric)) - set(TORCHMETRICS)
    assert names | {"average"} >= {"protocol", "average", "align", "missing", "resize"} | set(case.options)
    assert_read_only(metric, names)


def test_arguments_that_a_parent_takes_are_options_too() -> None:
    plain, given = LandmarkDistance(extractor=None), LandmarkDistance(extractor=None, face="last", upsample=0)
    assert plain.settings().get("face") == "last"
    assert plain.identity == given.identity
    assert_read_only(plain, HIDDEN)


def test_the_identity_of_a_metric_is_read_only() -> None:
    assert_read_only(LandmarkDistance(extractor=None), {"identity"})


def test_torchmetrics_own_options_may_be_set(case: Case) -> None:
    metric = case.make()
    for name in TORCHMETRICS:
        setattr(metric, name, None)
        assert getattr(metric, name) is None


def test_every_argument_of_a_constructor_is_shown_in_reports(case: Case) -> None:
    metric = case.make()
    parameters = inspect.signature(type(metric).__init__).parameters.values()
    arguments = {each.name for each in parameters if each.kind is not each.VAR_KEYWORD} - {"self", "weights"}
    assert arguments <= set(metric.settings())


@pytest.mark.parametrize("key", CATALOG)
def test_no_option_of_a_metric_is_taken_for_torchmetrics_own(key: str) -> None:
    options = option_names(metric_class(CATALOG[key]))
    assert options & set(vars(_Plain())) <= set(TORCHMETRICS)


def test_constants_of_the_class_stay_torchmetrics_matter() -> None:
    class Custom(FrameMean):
        def per_frame(self, preds: Chunk, target: Chunk) -> Any: ...

    for name in ("higher_is_better", "is_differentiable", "full_state_update", "plot_lower_bound"):
        with pytest.raises(RuntimeError, match=f"const `{name}`"):
            setattr(Custom(), name, True)
