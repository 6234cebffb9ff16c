"""Identity embeddings through the whole path: checkpoint file, loader, pool, network, crops."""

import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import cv2
import dlib
import insightface.app
import numpy as np
import pytest
import torch
from insightface.utils import face_align
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded, seeded_state
from skimage.data import astronaut
from torch import Tensor

from thm_torchmetrics import AverageEuclideanDistance, IdentitySimilarity, TalkingHeadMetrics, weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import InputError, MissingExtraError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.extractors import identity, release
from thm_torchmetrics.extractors.identity import ArcFace, identity_makers
from thm_torchmetrics.nets.iresnet import iresnet18

LARGE = {"arcface-r50": "iresnet50", "arcface-r100": "iresnet100"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@pytest.fixture(scope="module")
def r18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "r18.pth"
    torch.save(seeded_state("iresnet18"), path)
    return path


def batch(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)


def portrait(size: int = 300) -> np.ndarray:
    return cv2.resize(astronaut()[:300, 80:380], (size, size))


def two_frames() -> np.ndarray:
    """A face, and none."""
    return np.stack([portrait(), np.full((300, 300, 3), 90, np.uint8)])


def dlib_face(picture: np.ndarray) -> Any:
    box = dlib.get_frontal_face_detector()(picture)[0]
    return dlib.shape_predictor(str(weights.locate("dlib-68").path))(picture, box)


def test_whole_frames_give_the_originals_cosine(r18: Path) -> None:
    preds, target = (batch(golden_input("iresnet18", name)[:2]) for name in ("images", "odd_images"))
    metric = IdentitySimilarity(protocol="vico", extractor="arcface-r18", weights=r18)
    metric.update(preds, target)
    assert metric.compute().item() == pytest.approx(golden("iresnet18")["cosine"].mean(), abs=1e-5)
    distance = AverageEuclideanDistance(extractor="arcface-r18", weights=r18)
    distance.update(preds, target)
    assert distance.compute().item() == pytest.approx(2 - 2 * golden("iresnet18")["cosine"].mean(), abs=2e-5)


def test_odd_frames_give_the_originals_embeddings(r18: Path) -> None:
    handle = ArcFace.of("arcface-r18", r18)
    embeddings = handle.extract(Chunk(batch(golden_input("iresnet18", "odd_images"))))
    assert deviation(embeddings, golden("iresnet18")["odd_embedding"]) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_odd_frames_through_the_large_networks(name: str, tmp_path: Path) -> None:
    torch.save(seeded_state(LARGE[name]), tmp_path / "own.pth")
    handle = ArcFace.of(name, {name: tmp_path / "own.pth"})
    embeddings = handle.extract(Chunk(batch(golden_input("iresnet18", "odd_images"))))
    assert deviation(embeddings, golden(LARGE[name])["odd_embedding"]) <= TOLERANCE


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")  # insightface's own call
def test_aligned_faces_are_insightface_s(r18: Path) -> None:
    frames = two_frames()
    parts = np.array([(point.x, point.y) for point in dlib_face(frames[0]).parts()], np.float64)
    five = np.stack([(parts[36] + parts[39]) / 2, (parts[42] + parts[45]) / 2, parts[30], parts[48], parts[54]])
    crop = face_align.norm_crop(frames[0], five.astype(np.float32))
    with torch.inference_mode():
        expected = loaded(iresnet18(), "iresnet18")((batch(crop[None]).float() / 255 - 0.5) / 0.5)
    handle = identity_makers({"arcface-r18": r18}, landmarks="dlib")["arcface-r18"]()
    embeddings = handle.extract(Chunk(batch(frames)))
    assert torch.nn.functional.cosine_similarity(embeddings[:1], expected).item() > 0.99999
    assert embeddings[1].isnan().all()


def test_a_pass_serves_both_metrics_and_a_missing_face_is_counted(r18: Path) -> None:
    passes: list[int] = []
    metrics = TalkingHeadMetrics(
        ["csim", "aed-id:aligned", "aed-id"], extractor="arcface-r18", landmarks="dlib", weights={"arcface-r18": r18}
    )
    network = metrics["csim"].extractor.network(torch.device("cpu"))
    hook = network.register_forward_hook(lambda *call: passes.append(len(call[1][0])))
    frames = batch(two_frames())
    metrics.update(frames.flip(3), frames)
    hook.remove()
    assert passes == [2, 2, 2, 2]  # each side aligned, once for two metrics, and whole
    values = metrics.compute()
    assert values["aed-id:aligned"].item() == pytest.approx(2 - 2 * values["csim"].item(), rel=1e-9)
    assert {name: m.coverage for name, m in metrics.members().items()} == {
        "csim": 0.5, "aed-id:aligned": 0.5, "aed-id": 1.0,
    }  # fmt: skip


def test_dlib_gives_dlib_s_descriptor() -> None:
    frames = two_frames()
    network = dlib.face_recognition_model_v1(str(weights.locate("dlib-resnet").path))
    expected = np.array(network.compute_face_descriptor(frames[0], dlib_face(frames[0])))
    embeddings = identity_makers()["dlib"]().extract(Chunk(batch(frames)))
    np.testing.assert_allclose(embeddings[0].numpy(), expected, atol=1e-6)
    assert embeddings[1].isnan().all()


def test_an_own_module_sees_whole_frames() -> None:
    module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
    frames = batch(two_frames())
    metric = IdentitySimilarity(extractor=module)
    metric.update(frames, frames.flip(3))
    with torch.inference_mode():
        sides = [module(side.float() / 255).double() for side in (frames, frames.flip(3))]
    expected = torch.nn.functional.cosine_similarity(*sides).mean()
    assert metric.compute().item() == pytest.approx(expected.item(), rel=1e-6)


class FakeRecognition:
    """Embeds the colour at the nose."""

    output_shape = ("None", 3)

    def get(self, picture: np.ndarray, face: Any) -> np.ndarray:
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

    def detect(self, picture: np.ndarray, max_num: int) -> tuple[np.ndarray, np.ndarray]:
        if picture.std() == 0:
            return np.empty((0, 5), np.float32), np.empty((0, 5, 2), np.float32)
        boxes = np.array([[0, 0, 20, 20, 0.9], [40, 40, 140, 140, 0.8]], np.float32)
        return boxes, np.stack([np.full((5, 2), 10), np.full((5, 2), 90)]).astype(np.float32)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(insightface.app, "FaceAnalysis", FakeAnalysis)
    FakeAnalysis.made.clear()
    identity._app.cache_clear()
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack/det_10g.onnx", b"1")
        archive.writestr("pack/w600k_r50.onnx", b"2")
        archive.writestr("../outside.onnx", b"3")
        archive.writestr("README", b"4")
    return path


@pytest.mark.parametrize(("face", "at"), [("largest", 90), ("first", 10)])
def test_insightface(pack: Path, capsys: pytest.CaptureFixture[str], face: str, at: int) -> None:
    frames = two_frames()
    metric = IdentitySimilarity(extractor="insightface", weights=pack, face=face)
    embeddings = metric.extractor.extract(Chunk(batch(frames)))
    assert embeddings[0].tolist() == frames[0, at, at, ::-1].tolist()  # BGR
    assert embeddings[1].isnan().all()
    metric.update(batch(frames), batch(frames))
    assert metric.compute().item() == pytest.approx(1)
    assert metric.coverage == 0.5
    assert len(FakeAnalysis.made) == 1
    made = FakeAnalysis.made[0]
    assert made.files == ["det_10g.onnx", "outside.onnx", "w600k_r50.onnx"]
    assert len(list(pack.parent.rglob("outside.onnx"))) == 1  # nothing leaves the folder of the pack
    assert made.modules == ["detection", "recognition"]
    assert made.providers == ["CPUExecutionProvider"]
    assert made.options == {"ctx_id": -1, "det_thresh": 0.5, "det_size": (640, 640)}
    assert metric.settings()["landmarks"] == "scrfd"
    assert capsys.readouterr().out == ""


def test_a_pack_that_is_none(pack: Path) -> None:
    with zipfile.ZipFile(pack, "w") as archive:
        archive.writestr("README", b"4")
    chunk = Chunk(batch(two_frames()))
    with pytest.raises(WeightsError, match=r"holds no \.onnx file"):
        IdentitySimilarity(extractor="insightface", weights=pack).extractor.extract(chunk)
    pack.write_bytes(b"not a zip")
    with pytest.raises(WeightsError, match="no model pack"):
        IdentitySimilarity(extractor="insightface", weights=pack).extractor.extract(chunk)
    assert not list((pack.parent / "cache").rglob("pack"))


@pytest.mark.parametrize("name", ["dlib", "insightface"])
def test_an_absent_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name, *(other for other in sys.modules if other.startswith(f"{name}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"thm-torchmetrics\[{name}\]"):
        IdentitySimilarity(extractor=name)


def test_wrong_options(r18: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="landmarks must be 'fan' or 'dlib', got 'mtcnn'"):
        IdentitySimilarity(extractor="arcface-r18", weights=r18, landmarks="mtcnn")
    with pytest.raises(InputError, match="face must be one of 'largest'"):
        IdentitySimilarity(extractor=None, face="biggest")
    for name in ("dlib", "insightface"):
        with pytest.raises(InputError, match="aligned faces only"):
            IdentitySimilarity(protocol="vico", extractor=name)
    monkeypatch.setenv("THM_OFFLINE", "1")
    with pytest.raises(WeightsNotFoundError, match=r"fan2d|fan-s3fd"):  # r18 is not the landmark network's file
        IdentitySimilarity(extractor="arcface-r18", weights=r18)


@pytest.mark.clips
@pytest.mark.slow
def test_the_same_person_scores_above_another(clips_extra: Path) -> None:
    from thm_torchmetrics.media.video import VideoFile

    names = ("radio42_daetalker", "radio51_iplap", "roskam_pcavs")
    sides = {
        (side, name): Clip(VideoFile(clips_extra / f"{side}_video" / f"{name}.mp4", every=25))
        for side in ("gt", "pred")
        for name in names
    }

    def csim(preds: str, target: str) -> float:
        metric = IdentitySimilarity(extractor="dlib", reference="target-first")
        metric.update(sides["pred", preds], sides["gt", target])
        return metric.compute().item()

    same = [csim(name, name) for name in names]
    others = [csim(first, second) for first in names for second in names if first != second]
    assert min(same) > max(others) + 0.02
