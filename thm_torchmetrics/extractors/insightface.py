"""Extract identity embeddings with a model pack of the insightface package."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import MissingExtraError, WeightsError
from thm_torchmetrics.extractors.base import Extractor
from thm_torchmetrics.extractors.dlib import pictures_of
from thm_torchmetrics.extractors.network import released_with_networks
from thm_torchmetrics.faces.boxes import choose_face
from thm_torchmetrics.weights import Checkpoint, Checkpoints, CustomFiles

_DETECTOR_SIZE = (640, 640)


@dataclass(frozen=True)
class InsightFace(Extractor):
    """Run detection, alignment and recognition of an insightface model pack (ONNX Runtime).

    Attributes:
        pack: the checkpoint, a zip file.
        face: the face of a frame that counts.
    """

    packages = ("insightface", "onnxruntime", "onnxruntime-gpu")
    kind = "identity"

    pack: Checkpoint
    face: str = "largest"

    @classmethod
    def make(cls, name: str, files: CustomFiles = None, *, face: str = "largest", **options: Any) -> Self:
        """Return the extractor; ``options`` are those of other identity extractors.

        Raises:
            MissingExtraError: if insightface is not installed.
            WeightsError: if the pack is absent or not allowed.
        """
        cls.check_installed()
        return cls(Checkpoints.of(files, "buffalo_l").obtain("buffalo_l"), face)

    @classmethod
    def check_installed(cls) -> None:
        """Raise an error if insightface is not installed."""
        _face_analysis()

    @property
    def name(self) -> str:
        """Return the name for reports."""
        return "insightface"

    @property
    def why_missing(self) -> str:
        """Return why a frame may have no features, in words, for reports."""
        return "no face found"

    def load(self, device: torch.device) -> None:
        """Load detection and recognition.

        Raises:
            WeightsError: if the pack is damaged, or lacks one of them.
        """
        self._models(device)

    def extract(self, chunk: Chunk) -> Tensor:
        """Return embeddings ``(n, D)``, not normalised; NaN if a frame has no face."""
        device = chunk.rows.device
        app = self._models(device)
        rows = [
            self._embedding(app, picture[..., ::-1].copy()) for picture in pictures_of(chunk)
        ]  # insightface takes BGR
        missing = np.full(int(app.models["recognition"].output_shape[-1]), np.nan)
        embeddings = np.stack([missing if row is None else row for row in rows])
        return torch.from_numpy(embeddings.astype(np.float64)).to(device)

    def _embedding(self, app: Any, picture: np.ndarray) -> np.ndarray | None:
        boxes, points = app.models["detection"].detect(picture, max_num=0)
        chosen = choose_face(torch.from_numpy(np.asarray(boxes, np.float64)), self.face, picture.shape[:2])
        if chosen is None:
            return None
        face = _Face(points[chosen])
        return np.asarray(app.models["recognition"].get(picture, face)).reshape(-1)

    def _models(self, device: torch.device) -> Any:
        """Return the models of the pack, which is unpacked to a folder of the form ROOT/models/NAME for insightface."""
        archive = weights.locate(self.pack.name, self.pack.file).path
        folder = weights.unpacked(archive, f"insightface/models/{self.pack.sha256[:16]}", ".onnx")
        index = (device.index or 0) if device.type == "cuda" else -1
        try:
            return _analysis(folder, index)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # ONNX Runtime and insightface raise whatever a damaged model makes them raise
            summary = (str(error).splitlines() or [""])[0]
            raise WeightsError(
                f"{archive} cannot be loaded by insightface ({type(error).__name__}: {summary}); it needs an .onnx "
                "file for detection and one for recognition; fetch the pack again, or give another (weights= in "
                f"Python, --weights {self.pack.name}=FILE)"
            ) from error


class _Face:
    """A face has the two attributes that insightface's recognition uses."""

    def __init__(self, points: np.ndarray) -> None:
        self.kps = points
        self.embedding: np.ndarray | None = None


def _face_analysis() -> Any:
    try:
        from insightface.app import FaceAnalysis
    except ImportError as error:
        raise MissingExtraError(
            "the extractor 'insightface' needs insightface and onnxruntime: pip install 'thm-torchmetrics[insightface]'"
        ) from error
    return FaceAnalysis


@released_with_networks
@cache
def _analysis(folder: Path, device: int) -> Any:
    """Load detection and recognition of a pack on a CUDA device, or with -1 on the CPU."""
    cuda: list[Any] = [("CUDAExecutionProvider", {"device_id": device})] if device >= 0 else []
    with redirect_stdout(io.StringIO()):  # it prints the names of its models; standard output is for the report
        app = _face_analysis()(
            name=folder.name,
            root=str(folder.parent.parent),
            allowed_modules=["detection", "recognition"],
            providers=[*cuda, "CPUExecutionProvider"],
        )
        # one size: later releases would pool detections at 128 and 640
        app.prepare(ctx_id=device, det_thresh=0.5, det_size=_DETECTOR_SIZE)
    if missing := {"detection", "recognition"} - set(app.models):
        raise LookupError(f"it has no model for {' and '.join(sorted(missing))}")
    return app
