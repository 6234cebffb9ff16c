"""TITLE extractors/insightface."""

from __future__ import annotations

import io
import tempfile
import zipfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thm_torchmetrics import weights as checkpoints
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import MissingExtraError, WeightsError
from thm_torchmetrics.extractors.identity import _pictures
from thm_torchmetrics.extractors.network import CustomFiles, custom_file
from thm_torchmetrics.faces.boxes import choose_face

_DETECTOR_SIZE = (640, 640)


@dataclass(frozen=True)
class InsightFace:
    """A model pack of the insightface package, by its own detector, alignment and recognition (ONNX Runtime).

    Attributes:
        file: the user's own pack (a zip file), None for the published ``buffalo_l``.
        sha256: its hash.
        face: which of the detected faces counts.
        landmarks: what finds the points that it aligns by.
    """

    file: str | None
    sha256: str
    face: str = "largest"
    landmarks: str = "scrfd"

    def __str__(self) -> str:
        return "insightface"

    @classmethod
    def of(cls, files: CustomFiles, face: str) -> InsightFace:
        """The handle.

        Raises:
            MissingExtraError: if insightface is not installed.
            WeightsError: if the pack is absent or not allowed.
        """
        _face_analysis()
        file, sha256 = custom_file("buffalo_l", files)
        return cls(file, sha256, face)

    def extract(self, chunk: Chunk) -> Tensor:
        """Embeddings ``(n, D)``, not normalised; NaN where a frame has no face."""
        device = chunk.rows.device
        app = _app(self._folder(), (device.index or 0) if device.type == "cuda" else -1)
        rows = [self._embedding(app, picture[..., ::-1].copy()) for picture in _pictures(chunk)]  # it wants BGR
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

    def _folder(self) -> Path:
        """The pack unpacked, where insightface looks for packs: ROOT/models/NAME."""
        archive = checkpoints.find("buffalo_l", self.file).path
        folder = checkpoints.cache_dir() / "insightface" / "models" / self.sha256[:16]
        if not folder.is_dir():
            _unpack(archive, folder)
        return folder


class _Face:
    """What insightface's recognition reads of a face, and where it leaves the embedding."""

    def __init__(self, points: np.ndarray) -> None:
        self.kps = points
        self.embedding: np.ndarray | None = None


def _unpack(archive: Path, folder: Path) -> None:
    """The networks of a pack, without the folders that some packs have around them; whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        part = Path(scratch) / "pack"
        part.mkdir()
        try:
            with zipfile.ZipFile(archive) as pack:
                for member in (name for name in pack.namelist() if name.endswith(".onnx")):
                    (part / Path(member).name).write_bytes(pack.read(member))
        except zipfile.BadZipFile as error:
            raise WeightsError(f"{archive} is no model pack of insightface: {error}") from error
        if not any(part.iterdir()):
            raise WeightsError(f"{archive} is no model pack of insightface: it holds no .onnx file")
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise


def _face_analysis() -> Any:
    try:
        from insightface.app import FaceAnalysis
    except ImportError as error:
        raise MissingExtraError(
            "the extractor 'insightface' needs insightface and onnxruntime: pip install 'thm-torchmetrics[insightface]'"
        ) from error
    return FaceAnalysis


@cache
def _app(folder: Path, device: int) -> Any:
    """The package's detection and recognition of one pack; ``device`` is a CUDA device, or -1 for the CPU."""
    cuda: list[Any] = [("CUDAExecutionProvider", {"device_id": device})] if device >= 0 else []
    with redirect_stdout(io.StringIO()):  # it prints what it loads, standard output is the report's
        app = _face_analysis()(
            name=folder.name,
            root=str(folder.parent.parent),
            allowed_modules=["detection", "recognition"],
            providers=[*cuda, "CPUExecutionProvider"],
        )
        # one size: later releases would pool detections at 128 and 640
        app.prepare(ctx_id=device, det_thresh=0.5, det_size=_DETECTOR_SIZE)
    return app
