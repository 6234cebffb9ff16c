"""A warning points at the caller's line."""

import warnings

import pytest
import torch
from torchmetrics.wrappers import MinMaxMetric

from thm_torchmetrics import LandmarkDistance, TalkingHeadMetrics
from thm_torchmetrics.core.metric import TalkingHeadMetric


def missing() -> TalkingHeadMetric:
    metric = LandmarkDistance(extractor=None)
    metric.update(torch.full((2, 68, 2), torch.nan), torch.zeros(2, 68, 2))
    return metric


@pytest.mark.parametrize("make", [missing, lambda: TalkingHeadMetrics([missing()]), lambda: MinMaxMetric(missing())])
def test_the_line_that_asks_for_a_value_is_named(make) -> None:
    metric = make()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        metric.compute()
    assert {warning.filename for warning in caught if "is NaN" in str(warning.message)} == {__file__}
