"""Cases of L1, MSE, sharpness and flicker: NumPy and OpenCV."""

import cv2
import numpy as np
from metrics.cases.case import Case, ClipInputs, clip_mean, frame_mean
from metrics.cases.image_quality import videos
from torch import Tensor


def _difference(preds: Tensor, target: Tensor) -> np.ndarray:
    return preds.numpy() / 255.0 - target.numpy() / 255.0


def _l1(preds: Tensor, target: Tensor) -> float:
    return float(np.abs(_difference(preds, target)).mean())


def _mse(preds: Tensor, target: Tensor) -> float:
    return float(np.square(_difference(preds, target)).mean())


def _laplacian(preds: Tensor, target: Tensor) -> float:
    grey = cv2.cvtColor(preds.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _changes(clips: list[ClipInputs]) -> list[float]:
    frames = [clip["preds"].numpy().astype(np.float64) for clip in clips]
    pairs = [pair for each in frames for pair in zip(each[1:], each[:-1], strict=True)]
    return [1 - float(np.abs(after - before).mean()) / 255 for after, before in pairs]


def _flicker_of_clips(clips: list[ClipInputs]) -> float:
    return float(np.mean([np.mean(_changes([clip])) for clip in clips]))


def _flicker_of_frames(clips: list[ClipInputs]) -> float:
    return float(np.mean(_changes(clips)))


_VIDEOS = videos()
_MOVING = [clip for clip in _VIDEOS if len(clip["preds"]) > 1]

CASES = [
    Case("l1", _VIDEOS, frame_mean(_l1)),
    Case("l1", _VIDEOS, clip_mean(frame_mean(_l1)), {"average": "clip"}),
    Case("mse", _VIDEOS, frame_mean(_mse)),
    Case("vl", _VIDEOS, frame_mean(_laplacian)),
    Case("flicker", _MOVING, _flicker_of_clips),
    Case("flicker", _MOVING, _flicker_of_frames, {"average": "frame"}),
]
