"""KID: torch-fidelity's estimate, and a sample of bounded size that no order and no process changes."""

from typing import Any

import numpy as np
import pytest
import torch
from ddp.process_group import ProcessGroup
from metrics.cases.kid import kernel_distance
from torch import Tensor
from torch_fidelity.metric_kid import kid_features_to_metric

from thm_torchmetrics import KernelInceptionDistance, TalkingHeadMetrics
from thm_torchmetrics.errors import InputError

FEATURES = 16
PREDS, TARGET = (torch.randn(400, FEATURES, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
PREDS = PREDS * 1.3 + 0.2


def made(**options: Any) -> KernelInceptionDistance:
    return KernelInceptionDistance(**{"extractor": None, "num_features": FEATURES, "max_samples": 100, **options})


def fidelity(subsets: int, size: int) -> tuple[float, float]:
    """Mean and standard error of torch-fidelity's subsets."""
    found = kid_features_to_metric(PREDS, TARGET, kid_subsets=subsets, kid_subset_size=size, verbose=False)
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"] / subsets**0.5


def test_one_subset_of_all_frames_is_torch_fidelity_s_number() -> None:
    mean, _ = fidelity(1, 400)
    assert made(max_samples=400)(PREDS, TARGET).item() == pytest.approx(mean, rel=1e-5)  # its kernel is in float32


def test_the_mean_of_torch_fidelity_s_subsets_estimates_the_number() -> None:
    mean, error = fidelity(500, 100)
    value = made(max_samples=400)(PREDS, TARGET).item()
    assert abs(value - mean) < 4 * error < 0.2 * value


def test_sets_of_one_distribution_have_a_distance_about_zero() -> None:
    """FID of as few frames is far above 0."""
    draws = torch.randn(200, 2, 12, FEATURES, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    values = np.array([made(max_samples=12)(*draw).item() for draw in draws])
    assert abs(values.mean()) < 4 * values.std() / len(values) ** 0.5
    assert values.min() < 0


def in_parts(metric: KernelInceptionDistance, preds: Tensor, target: Tensor, parts: int) -> Tensor:
    for clip in zip(preds.chunk(parts), target.chunk(parts), strict=True):
        metric.update(*clip)
    with pytest.warns(UserWarning, match=r"of 400 generated and 400 real frames is of a random sample of at most 100"):
        return metric.compute()


def test_a_sample_depends_on_no_order_and_no_batches() -> None:
    value = in_parts(made(), PREDS, TARGET, 1)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(4))
    for parts in (3, 40):
        assert in_parts(made(), PREDS[order], TARGET[order.flip(0)], parts) == value
    halves = made(), made()
    halves[0].update(PREDS[:250], TARGET[:10])
    halves[1].update(PREDS[250:], TARGET[10:])
    halves[0].merge_state(halves[1])
    with pytest.warns(UserWarning, match="random sample"):
        assert halves[0].compute() == value
    assert halves[0].detail() == {"frames_preds": 400, "frames_target": 400}


def test_a_sample_is_of_frames_of_the_set_and_near_its_number() -> None:
    metric = made()
    with pytest.warns(UserWarning, match="pass max_samples=400 to measure all"):
        value = metric(PREDS, TARGET).item()
    sums = metric.named(metric.sums)
    kept = [side[1:, 1:] for side in (sums.preds, sums.target)]
    for rows, whole in zip(kept, (PREDS, TARGET), strict=True):
        assert len(rows.unique(dim=0)) == 100
        assert {tuple(row) for row in rows.tolist()} <= {tuple(row) for row in whole.to(torch.float64).tolist()}
    assert value == pytest.approx(kernel_distance([dict(zip(("preds", "target"), kept, strict=True))]), rel=1e-9)
    assert value == pytest.approx(made(max_samples=400)(PREDS, TARGET).item(), rel=0.5)


def test_processes_keep_one_sample(processes: ProcessGroup) -> None:
    value = in_parts(made(), PREDS, TARGET, 1).item()
    assert processes.run("metrics.test_kid:on_rank") == [value] * processes.size


def on_rank(rank: int, groups: Any) -> float:
    """The clips of one rank of three; the last one has none."""
    metric = made()
    if rank < 2:
        metric.update(PREDS.chunk(2)[rank], TARGET.chunk(2)[rank])
    with pytest.warns(UserWarning, match="random sample"):
        return metric.compute().item()


def test_equal_frames_count_as_often_as_they_are_there() -> None:
    preds = torch.cat([PREDS[:5], PREDS[:1].expand(4, -1)])
    assert made()(preds, TARGET[:90]).item() == pytest.approx(
        kernel_distance([{"preds": preds, "target": TARGET[:90]}]), rel=1e-5
    )
    metric = made(max_samples=3)
    for _ in range(2):
        metric.update(PREDS[:1].expand(4, -1), TARGET[:2])
    assert metric.detail() == {"frames_preds": 8, "frames_target": 4}


def test_a_collection_adds_clips_up() -> None:
    metrics = TalkingHeadMetrics({"kid": made(max_samples=400)})
    for preds, target in zip(PREDS.chunk(4), TARGET.chunk(4), strict=True):
        metrics.update(preds, target)
    assert metrics.compute()["kid"].item() == pytest.approx(made(max_samples=400)(PREDS, TARGET).item(), rel=1e-12)


def test_what_cannot_be_measured_is_an_error() -> None:
    with pytest.raises(InputError, match="max_samples must be at least 2, got 1"):
        made(max_samples=1)
    with pytest.raises(InputError, match=r"`preds` must be features of shape \(N, 16\), got \(4, 3\)"):
        made().update(torch.zeros(4, 3), torch.zeros(4, 3))
