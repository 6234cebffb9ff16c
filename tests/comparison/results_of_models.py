"""Results of models that never ran, for the tests of comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from reports.results import metric

from thm_torchmetrics.core.score import ClipScore
from thm_torchmetrics.scoring.result import ClipResult, Result

OPTIONS = {"missing": "skip", "align": "truncate", "resize": None}


def model(
    values: Mapping[str, Sequence[float]],
    frames: Sequence[int] | None = None,
    average: str = "frame",
    **provenance: Any,
) -> Result:
    """A result of clips c00, c01, ..., whose metrics are means over frames or over clips."""
    count = len(next(iter(values.values())))
    frames = frames or [50] * count
    clips = [
        ClipResult(f"c{i:02d}", metrics={key: ClipScore(float(of[i]), frames[i], 0) for key, of in values.items()})
        for i in range(count)
    ]
    weights = frames if average == "frame" else None
    metrics = {
        key: metric(key, float(np.average(of, weights=weights)), frames=sum(frames), clips=count)
        for key, of in values.items()
    }
    options = {key: {**OPTIONS, "protocol": metrics[key].protocol, "average": average} for key in values}
    versions = {"thm-torchmetrics": "0.1.0", "python": "3.11.7", "torch": "2.6.0"}
    return Result({"options": options, "versions": versions, "every": 1, **provenance}, metrics, clips, {})


def drawn(seed: int, count: int = 20, mean: float = 30.0, spread: float = 2.0) -> npt.NDArray[np.float64]:
    """Values of clips."""
    return np.random.default_rng(seed).normal(mean, spread, count)


def two_models(count: int = 20, gain: float = 1.0) -> dict[str, Result]:
    """A model and one that is worse by ``gain``, on clips of unlike length and difficulty."""
    frames = [50 + 10 * (i % 7) for i in range(count)]
    psnr, ssim = drawn(0, count), drawn(1, count, 0.8, 0.05)
    better = {"psnr": psnr + drawn(2, count, 0, 0.3), "ssim": ssim}
    worse = {"psnr": psnr - gain + drawn(3, count, 0, 0.3), "ssim": ssim + drawn(4, count, 0, 0.01)}
    return {"ours": model(better, frames), "base": model(worse, frames)}
