"""Cases of the metrics of meshes: NumPy, SciPy."""

import numpy as np
import torch
from metrics.cases.case import Case, ClipInputs, Reference, clip_mean, frame_mean
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

_LIPS, _UPPER = (0, 2, 2), (1, 3, 3)


def _clips(double: bool = False) -> list[ClipInputs]:
    """Clips of five vertices; with ``double`` the real side has twice as many frames."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for number, frames in enumerate((12, 20, 31)):
        time = torch.arange(frames * (2 if double else 1)) / (2 if double else 1)
        real = torch.randn(len(time), 5, 3, generator=generator, dtype=torch.float64) / (2000 if double else 20)
        real[:, 0, 1] += 2 + torch.sin(time / 2)
        made = real[::2] if double else real
        if number:
            late = torch.cat([made[:1], made[:-1]])
            made = late + (0 if double else 0.01) * torch.randn(made.shape, generator=generator).double()
        found.append({"preds": made.clone(), "target": real})
    return found


def _farthest(preds: Tensor, target: Tensor) -> float:
    return float(np.max(np.sum((preds.numpy() - target.numpy())[list(_LIPS)] ** 2, axis=1)))


def _mean_distance(preds: Tensor, target: Tensor) -> float:
    return float(np.linalg.norm(preds.numpy() - target.numpy(), axis=1).mean())


def _upper(reduce: str) -> Reference:
    return frame_mean(
        lambda preds, target: float(
            getattr(np.linalg.norm((preds.numpy() - target.numpy())[list(_UPPER)], axis=1), reduce)()
        )
    )


def _opening(frame: Tensor) -> float:
    return float(np.linalg.norm(frame.numpy()[0] - frame.numpy()[1]))


def _dynamics(clips: list[ClipInputs]) -> float:
    (clip,) = clips
    moves = [np.std(np.sum(clip[side].numpy()[:, list(_UPPER)] ** 2, axis=2), axis=0).mean() for side in clip]
    return float(moves[1] - moves[0])


def _delay(clips: list[ClipInputs]) -> float:
    """By how many frames the smoothed curves are apart where both turn, by a search of the nearest turn."""
    (clip,) = clips
    curves = []
    for side, step in (("preds", 1), ("target", 2)):
        vertices = clip[side].numpy()[::step]
        curves.append(gaussian_filter1d(np.linalg.norm(vertices[:, 0] - vertices[:, 1], axis=1), 2.0))
    turns = [np.flatnonzero(np.diff(np.sign(np.diff(curve)))) + 1 for curve in curves]
    apart = np.array([np.abs(turns[0] - turn).min() for turn in turns[1]])
    return float(apart[apart < 3].mean())  # a turn at the end of one curve has none in the other


_NEUTRAL = {"upper": _UPPER, "template": torch.zeros(5, 3)}

CASES = [
    Case("lve", _clips(), frame_mean(_farthest), {"lips": _LIPS}),
    Case("lve:euclidean", _clips(), frame_mean(lambda a, b: _farthest(a, b) ** 0.5), {"lips": _LIPS}),
    Case("mve", _clips(), frame_mean(_mean_distance)),
    Case("ufve", _clips(), _upper("mean"), {"upper": _UPPER}),
    Case("ufve:emotalk", _clips(), _upper("max"), {"upper": _UPPER}),
    Case("fdd", _clips(), clip_mean(_dynamics), _NEUTRAL),
    Case("fdd:facediffuser", _clips(), clip_mean(lambda clips: abs(_dynamics(clips))), _NEUTRAL),
    Case("mod", _clips(), frame_mean(lambda a, b: abs(_opening(a) - _opening(b))), {"lips": (0, 1)}),
    Case("mtm", _clips(double=True), clip_mean(lambda clips: 40 * _delay(clips)), {"lips": (0, 1)}),
    Case("mtm:perceptual-frames", _clips(double=True), clip_mean(_delay), {"lips": (0, 1)}),
]
