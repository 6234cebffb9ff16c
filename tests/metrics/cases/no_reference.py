"""Cases of MS-SSIM, of given scores and of given flow: pytorch-msssim and NumPy."""

import numpy as np
import torch
from metrics.cases.case import GIVEN, Case, ClipInputs, Reference, clip_mean, frame_mean
from metrics.cases.image_quality import unit
from pytorch_msssim import ms_ssim
from torch import Tensor


def _scores(low: float, high: float, first: int = 4) -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(2)
    counts = (first, 6, 1, 9)
    clips = [low + (high - low) * torch.rand(count, dtype=torch.float64, generator=generator) for count in counts]
    clips[1][3] = torch.nan
    return [{"preds": clip} for clip in clips]


def _mean_score(clips: list[ClipInputs]) -> float:
    return float(np.nanmean(np.concatenate([clip["preds"].numpy() for clip in clips])))


def _flows() -> list[ClipInputs]:
    generator = torch.Generator().manual_seed(3)
    speeds = {15: 0.1, 9: 2.0, 3: 0.2, 7: 1.0}
    return [{"preds": torch.randn(count, 2, 16, 24, generator=generator) * speed} for count, speed in speeds.items()]


def _share_that_moves(clips: list[ClipInputs]) -> float:
    moving = []
    for clip in clips:
        flow = clip["preds"].numpy()
        lengths = np.sort(np.hypot(flow[:, 0], flow[:, 1]).reshape(len(flow), -1))
        fastest = lengths[:, -int(16 * 24 * 0.05) :].mean(axis=1)
        moving.append((fastest > 6 * 16 / 256).sum() >= round((len(flow) + 1) / 4))
    return float(np.mean(moving))


def _large() -> list[ClipInputs]:
    clips: list[ClipInputs] = []
    generator = torch.Generator().manual_seed(4)
    for count in (2, 3, 1, 4):
        coarse = torch.rand(count, 3, 9, 9, generator=generator) * 255
        target = torch.nn.functional.interpolate(coarse, (163, 170), mode="bilinear")
        noise = torch.randn(target.shape, generator=generator) * 12 * (count != 2)
        clips.append({"preds": (target + noise).clamp(0, 255).to(torch.uint8), "target": target.to(torch.uint8)})
    return clips


def _ms_ssim(preds: Tensor, target: Tensor) -> float:
    return float(ms_ssim(unit(preds), unit(target), data_range=1.0))


_MEAN: Reference = _mean_score
_MARKS = _scores(1.1, 4.9)

CASES = [
    Case("ms-ssim", _large(), frame_mean(_ms_ssim)),
    Case("niqe", _MARKS, _MEAN, GIVEN),
    Case("brisque", _MARKS, _MEAN, GIVEN),
    Case("quality", _MARKS, _MEAN),
    Case("quality", _MARKS, clip_mean(_mean_score), {"average": "clip"}),
    Case("quality:lower", _MARKS, _MEAN),
    Case("quality:q-align", _scores(0.0, 1.0, first=5), _MEAN),
    Case("quality:q-align-1-5", _MARKS, _MEAN),
    Case("dynamic-degree", _flows(), _share_that_moves),
]
