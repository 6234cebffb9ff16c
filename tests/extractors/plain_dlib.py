"""dlib called by itself, without this package."""

from typing import Any

import dlib
import numpy as np
import numpy.typing as npt

from thm_torchmetrics import weights


def plain_dlib(picture: npt.NDArray[np.uint8], upsample: int = 0) -> Any:
    """Return the points of the largest face, as a dlib object; None without a face."""
    predictor = dlib.shape_predictor(str(weights.locate("dlib-68").path))
    found = dlib.get_frontal_face_detector()(picture, upsample)
    if not found:
        return None
    return predictor(picture, max(found, key=lambda r: (r.right() - r.left()) * (r.bottom() - r.top())))


def points_of(shape: Any) -> npt.NDArray[np.float64]:
    """Return the points of a dlib object ``(68, 2)``."""
    return np.array([(point.x, point.y) for point in shape.parts()], np.float64)
