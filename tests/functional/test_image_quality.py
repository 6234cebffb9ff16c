"""PSNR and SSIM against piq, torchmetrics and scikit-image."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import piq
import pytest
import torch
from skimage.metrics import structural_similarity as skimage_ssim
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torchmetrics.functional.image import structural_similarity_index_measure as torchmetrics_ssim
from torchmetrics.image import PeakSignalNoiseRatio

from thm_torchmetrics.errors import InputError, MismatchError
from thm_torchmetrics.functional.image_quality import peak_signal_noise_ratio, structural_similarity
from thm_torchmetrics.functional.pixel_error import mean_squared_error_per_frame
from thm_torchmetrics.imaging import checks

Decoder = Callable[[Path], Iterator[Tensor]]
Metric = Callable[..., Tensor]


def pictures(count: int = 3, height: int = 80, width: int = 96, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A smooth picture and a noisy copy, uint8: flat parts, edges, texture."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / (3 + i)) * np.cos(y / (4 + i % 7)) for i in range(3 * count)]).reshape(
        count, 3, height, width
    )
    target = np.where(x < width // 3, 200, 128 + 120 * waves)
    preds = target + random.normal(0, 12, target.shape) * (y > height // 4)
    sides = [torch.from_numpy(side.clip(0, 255).round().astype(np.uint8)) for side in (preds, target)]
    return sides[0], sides[1]


def unit(frames: Tensor) -> Tensor:
    """Frames on the scale 0..1 in float64, for the reference libraries."""
    return frames.to(torch.float64) / (255 if frames.dtype == torch.uint8 else 1)


def as_dtypes(preds: Tensor, target: Tensor, dtypes: tuple[str, str]) -> tuple[Tensor, Tensor]:
    sides = [
        frames if dtype == "uint8" else (frames.to(torch.float32) / 255)
        for frames, dtype in zip((preds, target), dtypes, strict=True)
    ]
    return sides[0], sides[1]


DTYPES = [("uint8", "uint8"), ("float", "float"), ("uint8", "float"), ("float", "uint8")]
SSIM = {
    "piq": lambda x, y: piq.ssim(x, y, data_range=1.0, reduction="none"),
    "torchmetrics": lambda x, y: torchmetrics_ssim(x, y, data_range=1.0, reduction="none"),
    "skimage": lambda x, y: torch.tensor(
        [
            skimage_ssim(a.permute(1, 2, 0).numpy(), b.permute(1, 2, 0).numpy(), channel_axis=-1, data_range=1.0)
            for a, b in zip(x, y, strict=True)
        ]
    ),
}


@pytest.mark.parametrize("dtypes", DTYPES)
def test_psnr_is_that_of_piq(dtypes: tuple[str, str]) -> None:
    preds, target = as_dtypes(*pictures(), dtypes)
    expected = piq.psnr(unit(preds), unit(target), data_range=1.0, reduction="none")
    torch.testing.assert_close(peak_signal_noise_ratio(preds, target), expected, rtol=0, atol=2e-5)


def test_identical_frames_have_80_db() -> None:
    frames = pictures()[0]
    assert peak_signal_noise_ratio(frames, frames).tolist() == pytest.approx([80.0] * 3)


@pytest.mark.parametrize("dtypes", DTYPES)
def test_global_mse_is_that_of_torchmetrics(dtypes: tuple[str, str]) -> None:
    preds, target = as_dtypes(*pictures(), dtypes)
    preds[0] = target[0].to(preds.dtype) if preds.dtype == target.dtype else preds[0]
    expected = PeakSignalNoiseRatio(data_range=1.0).set_dtype(torch.float64)(unit(preds), unit(target))
    value = peak_signal_noise_ratio(preds, target, "global-mse")
    assert value.shape == ()
    assert value.item() == pytest.approx(expected.item(), abs=1e-5)
    assert peak_signal_noise_ratio(target, target, "global-mse").item() == float("inf")


def test_mean_squared_error_of_bytes_is_exact() -> None:
    preds, target = pictures()
    expected = (preds.double() - target.double()).square().mean((1, 2, 3)) / 255**2
    torch.testing.assert_close(mean_squared_error_per_frame(preds, target), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize("protocol", SSIM)
@pytest.mark.parametrize("dtypes", DTYPES)
def test_ssim_is_that_of_the_library(protocol: str, dtypes: tuple[str, str]) -> None:
    preds, target = as_dtypes(*pictures(), dtypes)
    expected = SSIM[protocol](unit(preds), unit(target))
    torch.testing.assert_close(structural_similarity(preds, target, protocol), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("protocol", SSIM)
@pytest.mark.parametrize("noise", [0, 1, 255])
def test_ssim_of_flat_and_of_unrelated_frames(protocol: str, noise: int) -> None:
    random = np.random.default_rng(1)
    target = torch.full((1, 3, 40, 50), 200, dtype=torch.uint8)
    preds = torch.from_numpy(random.integers(0, noise + 1, target.shape).astype(np.uint8))
    expected = SSIM[protocol](unit(preds), unit(target))
    torch.testing.assert_close(structural_similarity(preds, target, protocol), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(383, 400), (384, 400), (500, 640), (640, 650), (900, 1201)])
def test_large_frames_are_pooled_as_piq_pools_them(height: int, width: int) -> None:
    preds, target = pictures(1, height, width)
    expected = piq.ssim(unit(preds), unit(target), data_range=1.0, reduction="none")
    torch.testing.assert_close(structural_similarity(preds, target), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_are_read_as_float32(dtype: torch.dtype) -> None:
    preds, target = ((frames.double() / 255).to(dtype) for frames in pictures())
    for metric in (peak_signal_noise_ratio, structural_similarity):
        value = metric(preds, target)
        assert value.dtype == torch.float64
        assert torch.equal(value, metric(preds.to(torch.float32), target.to(torch.float32)))


@pytest.mark.parametrize("metric", [mean_squared_error_per_frame, peak_signal_noise_ratio, structural_similarity])
@pytest.mark.parametrize("dtypes", DTYPES)
def test_batch_layout_and_slab_size_leave_values_alone(
    metric: Metric, dtypes: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    preds, target = as_dtypes(*pictures(5), dtypes)
    together = metric(preds, target)
    one_by_one = torch.cat([metric(preds[i : i + 1], target[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(one_by_one, together, rtol=1e-7, atol=0)
    last = tuple(frames.contiguous(memory_format=torch.channels_last) for frames in (preds, target))
    torch.testing.assert_close(metric(*last), together, rtol=1e-7, atol=0)
    monkeypatch.setattr(checks, "_CACHED_PIXELS", 3000)
    torch.testing.assert_close(metric(preds, target), together, rtol=1e-7, atol=0)


def test_default_dtype_and_gradients_do_not_matter() -> None:
    preds, target = as_dtypes(*pictures(), ("float", "uint8"))
    expected = [metric(preds, target) for metric in (peak_signal_noise_ratio, structural_similarity)]
    torch.set_default_dtype(torch.bfloat16)
    try:
        preds.requires_grad_()
        values = [metric(preds, target) for metric in (peak_signal_noise_ratio, structural_similarity)]
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(*pair) for pair in zip(values, expected, strict=True))


def test_no_frames_give_no_values() -> None:
    none = torch.zeros(0, 3, 32, 32)
    assert peak_signal_noise_ratio(none, none).shape == structural_similarity(none, none).shape == (0,)


@pytest.mark.parametrize("metric", [peak_signal_noise_ratio, structural_similarity])
@pytest.mark.parametrize(
    ("preds", "words"),
    [
        (torch.full((2, 3, 16, 16), 1.5), r"preds.*float32.*0\.\.1.*1\.5"),
        (torch.full((2, 3, 16, 16), -0.1), r"-0\.1\.\.-0\.1"),
        (torch.full((2, 3, 16, 16), torch.nan), r"nan"),
        (torch.full((2, 3, 16, 16), torch.inf), r"inf"),
        (torch.zeros(2, 3, 16, 16, dtype=torch.int64), r"int64.*uint8"),
        (torch.zeros(2, 1, 16, 16), r"\(N, 3, H, W\).*\(2, 1, 16, 16\)"),
        (torch.zeros(3, 16, 16), r"\(3, 16, 16\)"),
    ],
)
def test_bad_frames_are_named(metric: Metric, preds: Tensor, words: str) -> None:
    target = torch.zeros(2, 3, 16, 16)
    with pytest.raises(InputError, match=words):
        metric(preds, target)


@pytest.mark.parametrize("metric", [peak_signal_noise_ratio, structural_similarity])
def test_one_bad_pixel_on_either_side_is_found(metric: Metric) -> None:
    good, bad = torch.zeros(3, 3, 16, 16), torch.zeros(3, 3, 16, 16)
    bad[2, 2, 15, 15] = torch.nan
    for sides in ((bad, good), (good, bad)):
        with pytest.raises(InputError, match="preds" if sides[0] is bad else "target"):
            metric(*sides)


def test_mismatch_small_frames_and_unknown_protocols_are_refused() -> None:
    a, b = torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 20)
    for metric in (peak_signal_noise_ratio, structural_similarity):
        with pytest.raises(MismatchError, match=r"16, 16.*16, 20"):
            metric(a, b)
        with pytest.raises(InputError, match=r"`protocol` must be.*'vico'"):
            metric(a, a, protocol="vico")
    for protocol, least in (("piq", 11), ("torchmetrics", 6), ("skimage", 7)):
        assert structural_similarity(a[..., :least, :], a[..., :least, :], protocol).tolist() == pytest.approx([1, 1])
        small = a[..., : least - 1, :]
        with pytest.raises(InputError, match=f"{least}x{least}.*{least - 1}x16"):
            structural_similarity(small, small, protocol)


@pytest.mark.clips
@pytest.mark.parametrize("pair", ["radio8_wav2lip", "radio22_pcavs", "vox04570_x2face"])
def test_some_frames_of_real_pairs(clips: Path, reference: dict[str, Any], decode: Decoder, pair: str) -> None:
    psnr, ssim = per_frame(clips, decode, pair, chunk=8, every=16)
    np.testing.assert_allclose(psnr, reference[pair]["psnr_per_frame"][::16], rtol=0, atol=1e-4)
    np.testing.assert_allclose(ssim, reference[pair]["ssim_per_frame"][::16], rtol=0, atol=2e-5)


@pytest.mark.clips
@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "chunk"), [("radio8_wav2lip", 64), ("radio22_pcavs", 64), ("vox04570_x2face", 64), ("kim_wav2lip", 5)]
)
def test_all_frames_of_real_pairs(
    clips: Path, reference: dict[str, Any], decode: Decoder, pair: str, chunk: int
) -> None:
    psnr, ssim = per_frame(clips, decode, pair, chunk)
    np.testing.assert_allclose(psnr, reference[pair]["psnr_per_frame"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(ssim, reference[pair]["ssim_per_frame"], rtol=0, atol=2e-5)
    assert np.mean(psnr) == pytest.approx(reference[pair]["psnr_mean"], abs=1e-4)
    assert np.mean(ssim) == pytest.approx(reference[pair]["ssim_mean"], abs=2e-5)


def per_frame(clips: Path, decode: Decoder, pair: str, chunk: int, every: int = 1) -> tuple[list[float], list[float]]:
    both = zip(*(decode(clips / side / f"{pair}.mp4") for side in ("pred_video", "gt_video")), strict=False)
    videos = islice(both, 0, None, every)
    psnr, ssim = [], []
    while some := list(islice(videos, chunk)):
        preds, target = (torch.stack(side) for side in zip(*some, strict=True))
        psnr += peak_signal_noise_ratio(preds, target).tolist()
        ssim += structural_similarity(preds, target).tolist()
    return psnr, ssim


class LargestTensor(TorchDispatchMode):
    """Notes the size of the largest tensor that an operation makes, in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made._base is None:
            self.size = max(self.size, made.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("protocol", ["torchmetrics", "skimage", "piq"])
def test_temporaries_do_not_grow_with_the_frame(protocol: str) -> None:
    """They took 210 to 230 bytes a pixel: 6.9 GB for a frame of 8K."""
    frame = torch.zeros(1, 3, 383, 5000, dtype=torch.uint8)  # just not pooled by piq
    with LargestTensor() as seen:
        structural_similarity(frame, frame, protocol)
    assert seen.size < 5 * frame.numel()
    assert seen.size < 4 * 3 * 4 * 2 * checks._CACHED_PIXELS


@pytest.mark.parametrize("protocol", ["torchmetrics", "skimage", "piq"])
@pytest.mark.parametrize("size", [(11, 40), (97, 60), (60, 211), (300, 41)])
@pytest.mark.parametrize("layout", ["first", "last", "float"])
def test_strips_of_any_height_change_no_bit(
    monkeypatch: pytest.MonkeyPatch, protocol: str, size: tuple[int, int], layout: str
) -> None:
    preds, target = pictures(2, *size)
    if layout == "last":
        preds, target = (side.contiguous(memory_format=torch.channels_last) for side in (preds, target))
    if layout == "float":
        preds, target = unit(preds).float(), unit(target).float()
    values = []
    for budget in (1 << 30, 3000, 1):
        monkeypatch.setattr(checks, "_CACHED_PIXELS", budget)
        values.append(structural_similarity(preds, target, protocol))
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[0], values[2])
