"""insightface's packs: what is unpacked, asked for and embedded, with a stand-in for its models."""

import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import insightface.app
import numpy as np
import numpy.typing as npt
import pytest
import torch
from extractors.pictures import batch, chunk_of, face_and_none

from thm_torchmetrics import IdentitySimilarity
from thm_torchmetrics.errors import MissingExtraError, WeightsError
from thm_torchmetrics.extractors import release
from thm_torchmetrics.weights import unpack


class FakeRecognition:
    """Embeds the colour at the nose."""

    output_shape = ("None", 3)

    def get(self, picture: npt.NDArray[np.uint8], face: Any) -> npt.NDArray[np.float32]:
        x, y = face.kps[2].astype(int)
        return picture[y, x].astype(np.float32)


class FakeAnalysis:
    """In place of insightface's: finds two faces in a picture that is not grey."""

    made: ClassVar[list[SimpleNamespace]] = []

    def __init__(self, name: str, root: str, allowed_modules: list[str], providers: list[Any]) -> None:
        print("find model")  # noqa: T201
        files = sorted(path.name for path in (Path(root) / "models" / name).iterdir())
        self.made.append(SimpleNamespace(files=files, modules=allowed_modules, providers=providers))
        self.models = {"detection": self, "recognition": FakeRecognition()}

    def prepare(self, **options: Any) -> None:
        self.made[-1].options = options

    def detect(
        self, picture: npt.NDArray[np.uint8], max_num: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        if picture.std() == 0:
            return np.empty((0, 5), np.float32), np.empty((0, 5, 2), np.float32)
        boxes = np.array([[0, 0, 20, 20, 0.9], [40, 40, 140, 140, 0.8]], np.float32)
        return boxes, np.stack([np.full((5, 2), 10), np.full((5, 2), 90)]).astype(np.float32)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(unpack, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(insightface.app, "FaceAnalysis", FakeAnalysis)
    FakeAnalysis.made.clear()
    release()
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack/det_10g.onnx", b"1")
        archive.writestr("pack/w600k_r50.onnx", b"2")
        archive.writestr("../outside.onnx", b"3")
        archive.writestr("README", b"4")
    return path


@pytest.mark.parametrize(("face", "at"), [("largest", 90), ("first", 10)])
def test_the_chosen_face_is_embedded_and_nothing_is_printed(
    pack: Path, capsys: pytest.CaptureFixture[str], face: str, at: int
) -> None:
    pictures = face_and_none()
    metric = IdentitySimilarity(extractor="insightface", weights=pack, face=face)
    embeddings = metric.extractor.extract(chunk_of(*pictures))
    assert embeddings[0].tolist() == pictures[0, at, at, ::-1].tolist()  # BGR
    assert embeddings[1].isnan().all()
    metric.update(batch(pictures), batch(pictures))
    assert metric.compute().item() == pytest.approx(1)
    assert metric.coverage == 0.5
    assert capsys.readouterr().out == ""
    assert str(metric.extractor) == metric.settings()["extractor"] == "insightface"


def test_the_models_are_unpacked_and_made_once(pack: Path) -> None:
    metric = IdentitySimilarity(extractor="insightface", weights=pack)
    for _ in range(2):
        metric.update(batch(face_and_none()), batch(face_and_none()))
    (made,) = FakeAnalysis.made
    assert made.files == ["det_10g.onnx", "outside.onnx", "w600k_r50.onnx"]
    assert len(list(pack.parent.rglob("outside.onnx"))) == 1  # nothing leaves the folder of the pack
    assert made.modules == ["detection", "recognition"]
    assert made.providers == ["CPUExecutionProvider"]
    assert made.options == {"ctx_id": -1, "det_thresh": 0.5, "det_size": (640, 640)}
    release()
    metric.update(batch(face_and_none()), batch(face_and_none()))
    assert len(FakeAnalysis.made) == 2  # `release` frees what is outside PyTorch, too


def test_a_pack_that_is_none_is_named(pack: Path) -> None:
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr("README", b"4")
    for content in (pack.read_bytes(), b"not a zip"):
        pack.write_bytes(content)
        with pytest.raises(WeightsError, match=r"pack\.zip"):
            IdentitySimilarity(extractor="insightface", weights=pack).extractor.load(torch.device("cpu"))
    assert not list((pack.parent / "cache").rglob("part"))


def test_loading_makes_the_models_before_the_first_frame(pack: Path) -> None:
    metric = IdentitySimilarity(extractor="insightface", weights=pack)
    assert not FakeAnalysis.made
    metric.extractor.load(torch.device("cpu"))
    assert len(FakeAnalysis.made) == 1
    metric.update(batch(face_and_none()), batch(face_and_none()))
    assert len(FakeAnalysis.made) == 1


def test_damaged_models_are_our_error(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real insightface reads the made-up files, and ONNX Runtime raises an error of its own."""
    monkeypatch.undo()
    monkeypatch.setattr(unpack, "cache_dir", lambda: pack.parent / "cache")
    extractor = IdentitySimilarity(extractor="insightface", weights=pack).extractor
    for _ in range(2):
        with pytest.raises(
            WeightsError, match=r"pack\.zip cannot be loaded by insightface \(\w+: .*--weights buffalo_l=FILE"
        ):
            extractor.load(torch.device("cpu"))
    with pytest.raises(WeightsError, match=r"pack\.zip cannot be loaded"):
        extractor.extract(chunk_of(*face_and_none()))


@pytest.mark.parametrize("task", ["detection", "recognition"])
def test_a_pack_without_one_of_the_models_is_named(pack: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    class Incomplete(FakeAnalysis):
        def prepare(self, **options: Any) -> None:
            super().prepare(**options)
            del self.models[task]

    monkeypatch.setattr(insightface.app, "FaceAnalysis", Incomplete)
    extractor = IdentitySimilarity(extractor="insightface", weights=pack).extractor
    with pytest.raises(WeightsError, match=f"it has no model for {task}"):
        extractor.load(torch.device("cpu"))


def test_without_insightface_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ["insightface", *(other for other in sys.modules if other.startswith("insightface."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"thm-torchmetrics\[insightface\]"):
        IdentitySimilarity(extractor="insightface")
