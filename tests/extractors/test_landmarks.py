"""Landmarks: FAN's whole path against the package's own code, dlib against plain calls."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import dlib
import face_alignment.utils
import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import Tensor

from thm_torchmetrics import AverageKeypointDistance, LandmarkDistance, MissingKeypointRate, TalkingHeadMetrics, weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import InputError, MissingExtraError
from thm_torchmetrics.extractors import landmarks, release
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.extractors.face_detection import FaceAlignmentS3FD
from thm_torchmetrics.extractors.landmarks import Fan, FanLandmarks
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.nets.fan import FAN
from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


def portrait(size: int = 256) -> np.ndarray:
    return cv2.resize(astronaut()[:300, 80:380], (size, size))


def chunk_of(*pictures: np.ndarray) -> Chunk:
    return Chunk(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2))


def seeded(network: torch.nn.Module, path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    state = network.state_dict()
    for name, value in state.items():
        if value.is_floating_point() and value.ndim > 1:
            value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
    torch.save(state, path)
    return path


@dataclass(frozen=True)
class KnownFaces(FaceAlignmentS3FD):
    """A detector that has been told where the faces are."""

    boxes: tuple[tuple[tuple[float, ...], ...], ...] = ()

    def faces(self, chunk: Chunk) -> list[Tensor]:
        return [torch.tensor(rows, dtype=torch.float64).reshape(-1, 5) for rows in self.boxes]


@pytest.fixture
def fan(tmp_path: Path) -> Fan:
    return Fan.of("fan2d", seeded(FAN(), tmp_path / "fan.pth"))


def theirs(picture: np.ndarray, box: tuple[float, ...], network: torch.nn.Module, flip: bool) -> np.ndarray:
    x1, y1, x2, y2 = box[:4]
    center = torch.tensor([x2 - (x2 - x1) / 2.0, y2 - (y2 - y1) / 2.0 - (y2 - y1) * 0.12], dtype=torch.float64)
    scale = (x2 - x1 + y2 - y1) / 195.0
    crop = face_alignment.utils.crop(picture, center, scale)
    images = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        maps = network(images)
        if flip:
            maps = maps + face_alignment.utils.flip(network(face_alignment.utils.flip(images)), is_label=True)
    _, points, _ = face_alignment.utils.get_preds_fromhm(maps.numpy(), center.numpy(), scale)
    return points[0]


@pytest.mark.parametrize("flip", [False, True])
def test_fan_finds_what_the_package_finds(fan: Fan, flip: bool) -> None:
    box = (60.3, 40.7, 190.2, 200.9, 0.9)
    beyond = (-20.0, 10.5, 90.0, 140.0, 0.8)
    pictures = [portrait(), portrait()[:, ::-1].copy(), portrait()]
    detector = KnownFaces("fan-s3fd", None, "", boxes=((box,), (beyond,), ()))
    points = FanLandmarks(fan, detector, flip=flip).extract(chunk_of(*pictures))
    network = fan.network(torch.device("cpu"))
    for picture, face, found in zip(pictures, (box, beyond), points, strict=False):
        expected = theirs(picture, face, network, flip)
        same = (found.numpy() == expected).all(axis=1)
        assert same.mean() > 0.95  # but for maps whose two highest cells are equal to rounding
    assert points[2].isnan().all()


def test_faces_are_chosen_by_the_rule(fan: Fan) -> None:
    small, large = (10.0, 10.0, 60.0, 60.0, 0.99), (100.0, 90.0, 200.0, 190.0, 0.6)
    detector = KnownFaces("fan-s3fd", None, "", boxes=((small, large),))
    by_rule = {
        rule: FanLandmarks(fan, detector, face=rule).extract(chunk_of(portrait()))[0].mean(dim=0)
        for rule in ("largest", "first", "last", "center")
    }
    assert (by_rule["first"] < 80).all()
    for rule in ("largest", "last", "center"):
        assert (by_rule[rule] > 80).all()
    with pytest.raises(InputError, match="face must be one of"):
        LandmarkDistance(extractor="dlib", face="prettiest")


def test_detector_runs_once_for_all_that_need_it(tmp_path: Path) -> None:
    files = {
        "fan2d": seeded(FAN(), tmp_path / "fan.pth"),
        "fan-s3fd": seeded(FanS3FD(), tmp_path / "sfd.pth"),
    }
    metrics = TalkingHeadMetrics(["lmd", "lmd:vico", "akd", "mkr"], weights=files)
    passes: list[int] = []
    detector = FaceAlignmentS3FD.of("fan-s3fd", files)
    detector.network(torch.device("cpu")).register_forward_hook(lambda *args: passes.append(len(args[1][0])))
    frames = chunk_of(*[portrait(64)] * 3).rows
    metrics.update(frames, frames.flip(3))
    assert sum(passes) == 6


def plain_dlib(picture: np.ndarray, upsample: int = 0) -> np.ndarray | None:
    predictor = dlib.shape_predictor(str(weights.locate("dlib-68").path))
    found = dlib.get_frontal_face_detector()(picture, upsample)
    if not found:
        return None
    box = max(found, key=lambda r: (r.right() - r.left()) * (r.bottom() - r.top()))
    return np.array([(p.x, p.y) for p in predictor(picture, box).parts()])


def test_dlib_is_dlib() -> None:
    pictures = [portrait(), np.zeros((256, 256, 3), np.uint8), portrait()[:, ::-1].copy()]
    points = DlibLandmarks.of(None, "largest", 0).extract(chunk_of(*pictures)).numpy()
    np.testing.assert_array_equal(points[0], plain_dlib(pictures[0]))
    assert np.isnan(points[1]).all()
    np.testing.assert_array_equal(points[2], plain_dlib(pictures[2]))


def test_frames_without_a_face_are_counted() -> None:
    blank = np.zeros((256, 256, 3), np.uint8)
    target = chunk_of(portrait(), portrait(), blank, portrait()).rows
    preds = chunk_of(portrait(), blank, blank, portrait()[:, ::-1].copy()).rows
    distance, missed = LandmarkDistance(extractor="dlib", protocol="vico"), MissingKeypointRate(extractor="dlib")
    expected = np.abs(plain_dlib(portrait()[:, ::-1].copy())[48:] - plain_dlib(portrait())[48:]).mean() / 2
    assert distance(preds, target).item() == pytest.approx(expected)
    assert distance.coverage == 0.5
    assert missed(preds, target).item() == pytest.approx(1 / 3)
    assert missed.coverage == 0.75


def test_without_dlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'thm-torchmetrics\[dlib\]'"):
        AverageKeypointDistance(extractor="dlib")
    assert landmarks.POINTS == 68


@pytest.mark.clips
def test_coverage_where_the_face_leaves(clips: Path) -> None:
    video = Clip(VideoFile(clips / "misc/face_noface.mov", every=12))
    missed = MissingKeypointRate(extractor="dlib")
    missed.update(video, video)
    with_face = sum(
        plain_dlib(picture) is not None for picture, _ in VideoFile(clips / "misc/face_noface.mov", every=12).frames()
    )
    assert missed.compute().item() == 0.0
    assert missed.tally(missed.sums).scored == with_face
    assert 5 <= with_face <= 7  # a face in frames 0 to 71 of 169


@pytest.mark.clips
def test_points_lie_near_those_that_the_authors_published(clips: Path) -> None:
    published = np.load(clips / "misc/vox04570_landmarks.npy")[::10, :, :2]
    handle = DlibLandmarks.of(None, "largest", 1)
    points = torch.cat(
        [handle.extract(chunk) for chunk in Clip(VideoFile(clips / "gt_video/vox04570_x2face.mp4", every=10)).chunks()]
    )
    distances = (points - torch.from_numpy(published)).norm(dim=2).mean(dim=1)
    assert distances.isnan().sum() <= 1
    assert distances.nanmean() < 3.0
