"""A portrait, and pictures as the frames of a clip."""

import cv2
import numpy as np
import numpy.typing as npt
import torch
from skimage.data import astronaut
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk

Picture = npt.NDArray[np.uint8]


def portrait(size: int = 300) -> Picture:
    """Return a square picture of one face."""
    return np.asarray(cv2.resize(astronaut()[:300, 80:380], (size, size)), np.uint8)


def face_and_none(size: int = 300) -> Picture:
    """Return two pictures ``(2, H, W, 3)``, one of a face and one of grey."""
    return np.stack([portrait(size), np.full((size, size, 3), 90, np.uint8)])


def batch(pictures: Picture) -> Tensor:
    """Return pictures ``(N, H, W, 3)`` as frames."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)


def chunk_of(*pictures: Picture) -> Chunk:
    """Return pictures as a chunk."""
    return Chunk(batch(np.stack(pictures)))
