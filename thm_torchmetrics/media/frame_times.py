"""Tell the time of every frame, and the frame rate, from the times of some frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RESOLUTION = 0.001
"""The times are given in seconds with three decimals."""

_USUAL_RATES = (25, 30, 24, 50, 60)


def fill_times(
    frames: npt.NDArray[np.int64], times: npt.NDArray[np.float64], length: int
) -> tuple[list[float], float] | tuple[None, None]:
    """Return the time of every frame and the frame rate.

    Frames between two known ones are spread evenly; those before the first and after the last follow the rate. The rate
    is the mean over all steps that are within half of the median step, so that a pause of the camera does not count. A
    whole rate that fits all times is preferred, a usual one above all, because three decimals do not tell it from its
    neighbors if there are few frames.

    Args:
        frames: indices of some frames, in any order, also more than once.
        times: the time of each in seconds; NaN where it is unknown.
        length: number of frames.

    Returns:
        The times of the frames ``0..length - 1`` and the frames per second; None for both if the times decrease, are
        too few, or are too close together to tell a rate, such as all 0.
    """
    known = np.isfinite(times)
    at, first = np.unique(frames[known], return_index=True)
    times = times[known][first]
    counts, seconds = np.diff(at), np.diff(times)
    if not len(counts) or (seconds < 0).any():
        return None, None
    steps = seconds / counts
    step = np.sort(steps)[len(steps) // 2]
    if step < 2 * RESOLUTION:
        return None, None
    even = np.abs(steps / step - 1) < 0.5
    fps = counts[even].sum() / seconds[even].sum()
    for whole in (*_USUAL_RATES, max(1, round(fps))):
        # the first time and each other one are rounded, by half the resolution at most
        if (np.abs(times - times[0] - (at - at[0]) / whole) <= RESOLUTION).all():
            fps = whole
            break
    every = np.arange(length)
    outside = np.minimum(every - at[0], 0) + np.maximum(every - at[-1], 0)
    return (np.interp(every, at, times) + outside / fps).tolist(), float(fps)
