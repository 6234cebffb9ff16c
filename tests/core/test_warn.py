"""A warning points at the caller's line."""

import warnings

import pytest
import torch
from torchmetrics.wrappers import MinMaxMetric

from thm_torchmetrics import FrechetInceptionDistance, LandmarkDistance, TalkingHeadMetrics
from thm_torchmetrics.core.metric import TalkingHeadMetric


def missing() -> TalkingHeadMetric:
    metric = LandmarkDistance(extractor=None)
    metric.update(torch.full((2, 68, 2), torch.nan), torch.zeros(2, 68, 2))
    return metric


def few() -> TalkingHeadMetric:
    metric = FrechetInceptionDistance(extractor=None, num_features=8)
    metric.update(torch.rand(8, 8), torch.rand(9, 8))
    return metric


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (missing, "is NaN"),
        (lambda: TalkingHeadMetrics([missing()]), "is NaN"),
        (lambda: MinMaxMetric(missing()), "is NaN"),
        (few, "is biased upwards"),
        (lambda: TalkingHeadMetrics([few()]), "is biased upwards"),
        (lambda: MinMaxMetric(few()), "is biased upwards"),
    ],
)
def test_the_line_that_asks_for_a_value_is_named(make, text: str) -> None:
    metric = make()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        metric.compute()
    assert {warning.filename for warning in caught if text in str(warning.message)} == {__file__}
