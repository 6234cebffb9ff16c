"""EAT's steps from a clip to its crops, by scikit-image, dlib and OpenCV, without this package; and a face to crop."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import numpy.typing as npt
import torch
from extractors.pictures import portrait
from skimage.transform import SimilarityTransform, warp
from torch import Tensor

from thm_torchmetrics import weights

Picture = npt.NDArray[np.uint8]

NOSE_AND_EYES = np.array(
    [[65, 37], [65, 47], [65, 57], [66, 68], [54, 75], [60, 77], [66, 78], [71, 76], [77, 75], [28, 39], [35, 35],
     [43, 35], [50, 40], [43, 42], [34, 42], [79, 40], [86, 34], [94, 34]], np.float32,
)  # fmt: skip
"""Points 27 to 44 of ``base_68.npy`` of github.com/yuangan/evaluation_eat."""


def face_frames(count: int, shift: int = 0, size: int = 96) -> Tensor:
    """Return frames ``(count, 3, size, size)`` of a face that moves by a pixel per frame."""
    face = portrait(size + 12)
    frames = [face[i : i + size, i : i + size] for i in range(shift, shift + count)]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)


def pictures(frames: Tensor) -> list[Picture]:
    """Return frames ``(N, 3, H, W)`` as pictures ``(H, W, 3)``."""
    return [np.ascontiguousarray(frame) for frame in frames.permute(0, 2, 3, 1).numpy()]


@cache
def _models() -> tuple[Any, Any]:
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(weights.locate("dlib-68").path))


def landmarks(picture: Picture, upsample: int) -> npt.NDArray[np.int64] | None:
    """Return the 68 points of dlib's first face in the grey frame, red and blue swapped; None without a face."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    detector, predictor = _models()
    found = detector(grey, upsample)
    if not found:
        return None
    return np.array([(point.x, point.y) for point in predictor(grey, found[0]).parts()])


def fitted(points: npt.NDArray[np.float32]) -> SimilarityTransform:
    """Return the similarity from the template to 18 points of a frame."""
    if hasattr(SimilarityTransform, "from_estimate"):  # scikit-image 0.26
        return SimilarityTransform.from_estimate(NOSE_AND_EYES, points)
    transform = SimilarityTransform()
    transform.estimate(NOSE_AND_EYES, points)
    return transform


def crop(picture: Picture, points: npt.NDArray[Any]) -> Picture:
    """Return the aligned crop ``(128, 128, 3)`` by 68 points."""
    transform = fitted(points[27:45].astype(np.float32))
    whole = np.array(warp(picture, transform, output_shape=(163, 163)) * 255, np.uint8)
    return whole[1:129, 1:129]


def crop_video(frames: Tensor) -> Tensor:
    """Return the crops of frames ``(N, 3, H, W)`` as they are read from OpenCV's file."""
    cut = [(picture, landmarks(picture, 1)) for picture in pictures(frames)]
    return written_and_read([crop(picture, points) for picture, points in cut if points is not None])


def paired(preds: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the crops that are compared: the shorter video spread over the longer."""
    count = min(len(preds), len(target))
    sides = (side[np.linspace(0, len(side), count, endpoint=False).astype(np.int32)] for side in (preds, target))
    return list(zip(*sides, strict=True))


def mean_distance(pairs: list[tuple[Tensor, Tensor]], first: int, last: int) -> float:
    """Return the mean distance of dlib's points ``first`` to ``last`` of the crops, centered on each side."""
    distances = []
    for pair in pairs:
        found = [landmarks(picture, 0) for picture in pictures(torch.stack(pair))]
        points = [each[first:last] for each in found if each is not None]
        if len(points) == 2:
            preds, target = (each - each.mean(axis=0) for each in points)
            distances.append(np.linalg.norm(preds - target, axis=1).mean())
    return float(np.mean(distances))


def written_and_read(crops: list[Picture]) -> Tensor:
    """Return crops after a file of ``cv2.VideoWriter``, MP4V at 25 pictures per second."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "crops.mp4")
        writer = cv2.VideoWriter(file, cv2.VideoWriter_fourcc(*"mp4v"), 25, (128, 128))
        for picture in crops:
            writer.write(np.ascontiguousarray(picture[..., ::-1]))
        writer.release()
        video = cv2.VideoCapture(file)
        read = [video.read()[1][..., ::-1] for _ in crops]
        video.release()
    return torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2)
