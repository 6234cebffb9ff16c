"""PSNR, SSIM and CPBD: sizes, ranges and precision, in closed forms; their values are among the cases."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from thm_torchmetrics import BlurDetectionProbability, PeakSignalNoiseRatio, StructuralSimilarity
from thm_torchmetrics.core.metric import TalkingHeadMetric
from thm_torchmetrics.errors import InputError, MismatchError

KINDS = [PeakSignalNoiseRatio, StructuralSimilarity, BlurDetectionProbability]


def frames(seed: int, count: int = 3, height: int = 66, width: int = 70) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("protocol", ["piq", "mean-of-frames", "global-mse"])
def test_psnr_of_a_constant_difference_is_its_closed_form(protocol: str) -> None:
    """20 log10(255 / d), and 1e-8 on the error with ``piq``."""
    target = torch.full((4, 3, 20, 30), 100, dtype=torch.uint8)
    error = (10 / 255) ** 2 + (1e-8 if protocol == "piq" else 0)
    metric = PeakSignalNoiseRatio(protocol=protocol)
    assert metric(target + 10, target).item() == pytest.approx(-10 * torch.tensor(error).double().log10().item(), 1e-6)
    same = PeakSignalNoiseRatio(protocol=protocol)(target, target).item()
    assert same == (pytest.approx(80) if protocol == "piq" else float("inf"))


def test_one_pair_of_equal_frames_makes_the_mean_of_frames_infinite() -> None:
    target = torch.full((3, 3, 20, 30), 100, dtype=torch.uint8)
    preds = target + torch.tensor([10, 0, 20], dtype=torch.uint8).reshape(3, 1, 1, 1)
    metric = PeakSignalNoiseRatio(protocol="mean-of-frames")
    assert metric(preds[::2], target[::2]).item() == pytest.approx(20 * math.log10(255 / math.sqrt(200)))
    assert metric(preds, target).item() == math.inf


def test_global_mse_weighs_frames_by_their_pixels() -> None:
    small, large = torch.full((1, 3, 8, 8), 0.5), torch.full((1, 3, 16, 32), 0.5)
    metric = PeakSignalNoiseRatio(protocol="global-mse")
    metric.update([small + 0.1, large + 0.2], [small, large])
    error = (0.01 * 64 + 0.04 * 512) / 576
    assert metric.compute().item() == pytest.approx(-10 * torch.tensor(error).log10().item(), rel=1e-5)
    with pytest.raises(InputError, match="global-mse"):
        PeakSignalNoiseRatio(protocol="global-mse", average="clip")


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("kind", [PeakSignalNoiseRatio, StructuralSimilarity])
def test_a_prediction_of_another_size_is_an_error_or_resized(kind: type[TalkingHeadMetric], mode: Any) -> None:
    preds, target = frames(0, height=40, width=50), frames(1)
    metric = kind()
    with pytest.raises(MismatchError, match="the prediction is 50x40 and the target 70x66"):
        metric.update(preds, target)
    assert not metric.sums.any()
    resized = interpolate(preds / 255, (66, 70), mode=mode, antialias=True).clamp(0, 1)
    assert kind(resize=mode)(preds, target).item() == pytest.approx(kind()(resized, target).item(), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [2.0, -0.5, torch.nan])
def test_float_frames_out_of_range_are_refused_on_either_side(kind: type[TalkingHeadMetric], wrong: float) -> None:
    good, bad = frames(0) / 255, frames(0) / 255
    bad[1, 2, 3, 4] = wrong
    metric = kind()
    for pair in ((bad, good), (good, bad)):
        if pair[1] is bad and not metric.reads("target"):
            continue
        with pytest.raises(InputError, match=r"0\.\.1"):
            metric.update(*pair)
    assert not metric.sums.any()


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_and_floats_of_the_same_frames_give_the_same(kind: type[TalkingHeadMetric]) -> None:
    preds, target = frames(0), frames(1)
    for dtype in (torch.float32, torch.float64):
        floats = kind()(preds.to(dtype) / 255, target.to(dtype) / 255).item()
        assert floats == pytest.approx(kind()(preds, target).item(), rel=1e-5, abs=1e-6)


def test_cpbd_accepts_a_target_and_does_not_read_it() -> None:
    metric, alone = BlurDetectionProbability(), BlurDetectionProbability()
    metric.update(frames(0), frames(1, count=9, height=8, width=8))
    alone.update(frames(0))
    assert metric.compute() == alone.compute()


@pytest.mark.parametrize("shape", [(3, 3, 66), (0, 3, 66, 70), (3, 1, 66, 70), (1, 1, 1, 3, 66, 70)])
@pytest.mark.parametrize("kind", KINDS)
def test_another_shape_is_named(kind: type[TalkingHeadMetric], shape: tuple[int, ...]) -> None:
    given = torch.zeros(shape, dtype=torch.uint8)
    with pytest.raises(InputError, match=r"\(T, 3, H, W\)"):
        kind().update(given, given)
