"""Cases of PSNR, SSIM and CPBD: piq, torchmetrics, scikit-image and cpbd."""

from collections.abc import Callable

import cv2
import numpy as np
import piq
import skimage.metrics
import torch
import torchmetrics.functional.image as reference
from metrics.cases.case import Case, ClipInputs, Reference, clip_mean, frame_mean
from regions.eat_pipeline import crop_video, face_frames
from torch import Tensor


def _frames(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 9, 9, generator=generator) * 255
    smooth = torch.nn.functional.interpolate(coarse, (72, 80), mode="bilinear")
    return (smooth + torch.randn(smooth.shape, generator=generator) * 12).clamp(0, 255).to(torch.uint8)


def videos() -> list[ClipInputs]:
    """Four clips of 8-bit frames with noise in the prediction."""
    clips: list[ClipInputs] = [{"preds": _frames(0, 4), "target": _frames(0, 4)}]
    for seed, count in ((1, 5), (2, 1), (3, 9)):
        target = _frames(seed, count)
        noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(seed + 100)) * 15
        clips.append({"preds": (target + noise).clamp(0, 255).to(torch.uint8), "target": target})
    return clips


def faces() -> list[ClipInputs]:
    """Four clips of one face that moves, with noise in the prediction."""
    clips: list[ClipInputs] = []
    for seed, count in enumerate((2, 3, 1, 4)):
        target = face_frames(count, shift=seed)
        noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(seed)) * 6
        clips.append({"preds": (target + noise).clamp(0, 255).to(torch.uint8), "target": target})
    return clips


def without_equal_frames(clips: list[ClipInputs]) -> list[ClipInputs]:
    """The clips with other frames in the first prediction, which is its target; equal frames have a PSNR of inf."""
    first = clips[0]["target"]
    return [{"preds": first // 2, "target": first}, *clips[1:]]


def unit(frame: Tensor) -> Tensor:
    """A frame as a batch of one, float64 in 0..1."""
    return frame[None].to(torch.float64) / 255


def _psnr_piq(preds: Tensor, target: Tensor) -> float:
    return piq.psnr(unit(preds), unit(target)).item()


def _psnr_skimage(preds: Tensor, target: Tensor) -> float:
    return float(skimage.metrics.peak_signal_noise_ratio(target.numpy(), preds.numpy()))


def _on_crops(per_frame: Callable[[Tensor, Tensor], float]) -> Reference:
    """A mean over the pairs of the crops that EAT's own steps make of each clip."""

    def value(clips: list[ClipInputs]) -> float:
        return frame_mean(per_frame)([{side: crop_video(clip[side]) for side in clip} for clip in clips])

    return value


def _psnr_global(clips: list[ClipInputs]) -> float:
    preds, target = (torch.cat([clip[side] for clip in clips]).double() / 255 for side in ("preds", "target"))
    return reference.peak_signal_noise_ratio(preds, target, data_range=1.0).item()


def _ssim_piq(preds: Tensor, target: Tensor) -> float:
    return piq.ssim(unit(preds), unit(target)).item()


def _ssim_torchmetrics(preds: Tensor, target: Tensor) -> float:
    return reference.structural_similarity_index_measure(unit(preds), unit(target), data_range=1.0).item()


def _ssim_skimage(preds: Tensor, target: Tensor) -> float:
    a, b = (frame.numpy().astype(np.float64) for frame in (preds, target))
    return float(skimage.metrics.structural_similarity(a, b, channel_axis=0, data_range=255))


def _ssim_talklip(preds: Tensor, target: Tensor) -> float:
    crops = [side[:, 8:68, 10:60].permute(1, 2, 0).numpy() for side in (preds, target)]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    resized = [cv2.resize(crop, (96, 96)) for crop in crops]
    return float(skimage.metrics.structural_similarity(*resized, channel_axis=-1, **options))


def _cpbd(preds: Tensor, target: Tensor) -> float:
    import scipy.ndimage

    scipy.ndimage.imread = None  # the package imports a name that SciPy dropped and never uses it
    import cpbd

    return float(cpbd.compute(cv2.cvtColor(preds.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY)))


_VIDEOS = videos()
_FACES = faces()

CASES = [
    Case("psnr", _VIDEOS, frame_mean(_psnr_piq)),
    Case("psnr", _VIDEOS, clip_mean(frame_mean(_psnr_piq)), {"average": "clip"}),
    Case("psnr:mean-of-frames", without_equal_frames(_VIDEOS), frame_mean(_psnr_skimage)),
    Case("psnr:global-mse", _VIDEOS, _psnr_global),
    Case("psnr:eat", _FACES, _on_crops(_psnr_skimage)),
    Case("ssim", _VIDEOS, frame_mean(_ssim_piq)),
    Case("ssim:torchmetrics", _VIDEOS, frame_mean(_ssim_torchmetrics)),
    Case("ssim:skimage", _VIDEOS, frame_mean(_ssim_skimage)),
    Case("ssim:talklip", _VIDEOS, frame_mean(_ssim_talklip), {"region": "10,8,50,60"}),
    Case("ssim:eat", _FACES, _on_crops(_ssim_skimage)),
    Case("cpbd", _VIDEOS, frame_mean(_cpbd)),
]
