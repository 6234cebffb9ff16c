"""Seconds of a Fréchet distance from its sums, beside torchmetrics: ``python tests/benchmarks/frechet.py``."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torchmetrics.image.fid import _compute_fid

from thm_torchmetrics.functional.frechet import frechet_distance, frechet_sums


def rows(features: int = 2048, repeats: int = 2) -> list[dict[str, object]]:
    """One row per number of frames: seconds of this package and of torchmetrics, and what they gave."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        return [_row(n, m, features, repeats) for n, m in ((3000, 4000), (1000, 4000), (250, 250))]
    finally:
        torch.set_num_threads(threads)


def _row(n: int, m: int, features: int, repeats: int) -> dict[str, object]:
    generator = torch.Generator().manual_seed(n)
    x, y = (torch.rand(k, features, generator=generator, dtype=torch.float64) ** 2 for k in (n, m))
    sums = (frechet_sums(x), frechet_sums(y))
    ours, seconds = _best(lambda: frechet_distance(*sums), repeats)
    theirs, reference = _best(lambda: _torchmetrics(*sums), repeats)
    return {
        "frames": f"{n} and {m}",
        "seconds": seconds,
        "torchmetrics seconds": reference,
        "speed-up": reference / seconds,
        "value": float(ours),
        "torchmetrics value": float(theirs),
    }


def _torchmetrics(*sums: Tensor) -> Tensor:
    """What its ``compute`` does with its states."""
    statistics = []
    for side in sums:
        count, mean = side[0, 0], side[0, 1:] / side[0, 0]
        statistics += [mean, (side[1:, 1:] - count * mean[:, None] * mean) / (count - 1)]
    return _compute_fid(*statistics)


def _best(function: Callable[[], Tensor], repeats: int) -> tuple[Tensor, float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        seconds.append(time.perf_counter() - start)
    return value, min(seconds)


if __name__ == "__main__":
    for row in rows():
        print(row)
