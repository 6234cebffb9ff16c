"""FAN's landmarks: the whole path against the package's own code."""

from dataclasses import dataclass
from pathlib import Path

import face_alignment.utils
import numpy as np
import pytest
import torch
from extractors.made_up_weights import made_up_file
from extractors.pictures import Picture, chunk_of, portrait
from torch import Tensor

from thm_torchmetrics import LandmarkDistance, TalkingHeadMetrics
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.face_detection import FaceAlignmentS3FD
from thm_torchmetrics.extractors.landmarks import Fan, FanLandmarks
from thm_torchmetrics.nets.fan import FAN
from thm_torchmetrics.nets.s3fd_face_alignment import FanS3FD
from thm_torchmetrics.weights import Checkpoint


@pytest.fixture(autouse=True)
def _fresh() -> None:
    release()


@dataclass(frozen=True)
class KnownFaces(FaceAlignmentS3FD):
    """A detector that has been told where the faces are."""

    boxes: tuple[tuple[tuple[float, ...], ...], ...] = ()

    def faces(self, chunk: Chunk) -> list[Tensor]:
        return [torch.tensor(rows, dtype=torch.float64).reshape(-1, 5) for rows in self.boxes]


def known(*boxes: tuple[tuple[float, ...], ...]) -> KnownFaces:
    return KnownFaces(Checkpoint("fan-s3fd", None, ""), boxes=boxes)


@pytest.fixture
def fan(tmp_path: Path) -> Fan:
    return Fan.make("fan2d", made_up_file(FAN(), tmp_path / "fan.pth"))


def theirs(picture: Picture, box: tuple[float, ...], network: torch.nn.Module, flip: bool) -> np.ndarray:
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
    return np.asarray(points[0])


@pytest.mark.slow
@pytest.mark.parametrize("flip", [False, True])
def test_fan_finds_what_the_package_finds(fan: Fan, flip: bool) -> None:
    box = (60.3, 40.7, 190.2, 200.9, 0.9)
    beyond = (-20.0, 10.5, 90.0, 140.0, 0.8)
    pictures = [portrait(256), portrait(256)[:, ::-1].copy(), portrait(256)]
    points = FanLandmarks(fan, known((box,), (beyond,), ()), flip=flip).extract(chunk_of(*pictures))
    network = fan.network(torch.device("cpu"))
    for picture, face, found in zip(pictures, (box, beyond), points, strict=False):
        expected = theirs(picture, face, network, flip)
        same = (found.numpy() == expected).all(axis=1)
        assert same.mean() > 0.95  # but for maps whose two highest cells are equal to rounding
    assert points[2].isnan().all()


def test_faces_are_chosen_by_the_rule(fan: Fan) -> None:
    small, large = (10.0, 10.0, 60.0, 60.0, 0.99), (100.0, 90.0, 200.0, 190.0, 0.6)
    by_rule = {
        rule: FanLandmarks(fan, known((small, large)), face=rule).extract(chunk_of(portrait(256)))[0].mean(dim=0)
        for rule in ("largest", "first", "last", "center")
    }
    assert (by_rule["first"] < 80).all()
    for rule in ("largest", "last", "center"):
        assert (by_rule[rule] > 80).all()
    with pytest.raises(InputError, match="face must be one of"):
        LandmarkDistance(extractor="dlib", face="prettiest")


def test_no_frame_with_a_face_does_not_run_the_network(fan: Fan) -> None:
    fan.network(torch.device("cpu")).register_forward_hook(lambda *call: pytest.fail("it was run"))
    assert FanLandmarks(fan, known((), ())).extract(chunk_of(*[portrait(64)] * 2)).isnan().all()


def test_the_detector_runs_once_for_all_that_need_it(tmp_path: Path) -> None:
    files = {
        "fan2d": made_up_file(FAN(), tmp_path / "fan.pth"),
        "fan-s3fd": made_up_file(FanS3FD(), tmp_path / "sfd.pth"),
    }
    metrics = TalkingHeadMetrics(["lmd", "lmd:vico", "akd", "mkr"], weights=files)
    passes: list[int] = []
    detector = FaceAlignmentS3FD.make("fan-s3fd", files)
    detector.network(torch.device("cpu")).register_forward_hook(lambda *args: passes.append(len(args[1][0])))
    frames = chunk_of(portrait(64)).rows
    metrics.update(frames, frames.flip(3))
    assert sum(passes) == 2
    made = make_extractor("landmarks", "fan", files, face="last", flip=True, upsample=2, protocol="x")
    assert (made.face, made.flip, str(made)) == ("last", True, "fan")
    assert [checkpoint.name for checkpoint in made.checkpoints] == ["fan2d", "fan-s3fd"]
    assert [checkpoint.file for checkpoint in made.checkpoints] == [str(file) for file in files.values()]
