"""MS-SSIM against pytorch-msssim."""

import pytest
import torch
from pytorch_msssim import ms_ssim
from torch import Tensor

from thm_torchmetrics.errors import InputError
from thm_torchmetrics.functional.multi_scale_ssim import multi_scale_structural_similarity
from thm_torchmetrics.imaging import checks


def pictures(height: int, width: int, noise: float) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(height)
    coarse = torch.rand(2, 3, 12, 12, generator=generator)
    target = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    preds = (target + noise * torch.randn(target.shape, generator=generator)).clamp(0, 1)
    return (preds * 255).to(torch.uint8), (target * 255).to(torch.uint8)


def reference(preds: Tensor, target: Tensor) -> Tensor:
    return ms_ssim(preds.double() / 255, target.double() / 255, data_range=1.0, size_average=False)


@pytest.mark.parametrize("size", [(161, 161), (176, 207), (222, 163), (256, 256)])
@pytest.mark.parametrize("noise", [0.0, 0.03, 0.5])
def test_it_is_that_of_the_package(size: tuple[int, int], noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    preds, target = pictures(*size, noise)
    expected = reference(preds, target).numpy()
    assert multi_scale_structural_similarity(preds, target).numpy() == pytest.approx(expected, rel=5e-6)
    floats = multi_scale_structural_similarity(preds.float() / 255, target)
    assert floats.numpy() == pytest.approx(expected, rel=1e-5)
    monkeypatch.setattr(checks, "_CACHED_PIXELS", 1000)
    assert multi_scale_structural_similarity(preds, target).numpy() == pytest.approx(expected, rel=5e-6)


def test_a_negative_similarity_counts_as_none() -> None:
    preds, target = pictures(170, 170, 0.0)
    values = multi_scale_structural_similarity(255 - preds, target)
    torch.testing.assert_close(values, reference(255 - preds, target), rtol=1e-6, atol=0)
    assert values.tolist() == [0, 0]


def test_frames_too_small_for_the_fifth_scale_are_named() -> None:
    with pytest.raises(InputError, match="161x161 pixels, got 200x160"):
        multi_scale_structural_similarity(*(side[:, :, :160] for side in pictures(170, 200, 0.1)))
