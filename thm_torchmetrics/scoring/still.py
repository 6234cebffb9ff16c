"""A still is a picture of one frame of a clip, for a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Picture:
    """A picture shows one side of a frame.

    Attributes:
        pixels: ``(H, W, 3)``, RGB, uint8.
        points: landmarks ``(K, 2)``, x and y in its pixels; None where there are none.
    """

    pixels: npt.NDArray[np.uint8]
    points: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Still:
    """A still shows a frame of a clip that is the worst one by some metrics.

    Attributes:
        number: the frame, from 0, among those that were measured.
        time: its time in seconds.
        values: its values by the metrics that it is the worst of.
        preds: the generated frame.
        target: the real frame beside which it was measured; None if there is none.
        landmarks: the network that found the landmarks, empty if they were not looked for.
    """

    number: int
    time: float
    values: Mapping[str, float]
    preds: Picture
    target: Picture | None = None
    landmarks: str = ""
