"""dlib's landmarks and embeddings beside plain calls of dlib."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dlib
import numpy as np
import pytest
import torch
from extractors.pictures import batch, chunk_of, face_and_none, portrait
from extractors.plain_dlib import plain_dlib, points_of
from parity.seeded import golden_input

from thm_torchmetrics import AverageKeypointDistance, IdentitySimilarity, weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import MissingExtraError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.dlib import DlibEmbedding, DlibLandmarks, pictures_of
from thm_torchmetrics.media.video import VideoFile


def test_landmarks_are_dlib_s() -> None:
    pictures = [portrait(256), np.zeros((256, 256, 3), np.uint8), portrait(256)[:, ::-1].copy()]
    points = DlibLandmarks.make("dlib").extract(chunk_of(*pictures)).numpy()
    np.testing.assert_array_equal(points[0], points_of(plain_dlib(pictures[0])))
    assert np.isnan(points[1]).all()
    np.testing.assert_array_equal(points[2], points_of(plain_dlib(pictures[2])))


def test_float_frames_are_rounded_to_bytes() -> None:
    picture = portrait(256)
    shown = pictures_of(chunk_of(picture))
    np.testing.assert_array_equal(shown[0], picture)
    floats = batch(picture[None]).float() / 255 + 0.001
    assert torch.equal(
        DlibLandmarks.make("dlib").extract(Chunk(floats.clamp(0, 1))),
        DlibLandmarks.make("dlib").extract(chunk_of(picture)),
    )


def test_upsampling_finds_smaller_faces() -> None:
    small = chunk_of(portrait(110))
    assert DlibLandmarks.make("dlib").extract(small).isnan().all()
    found = DlibLandmarks.make("dlib", upsample=1).extract(small)[0].numpy()
    np.testing.assert_array_equal(found, points_of(plain_dlib(portrait(110), 1)))


def test_embeddings_are_dlib_s_descriptor() -> None:
    pictures = face_and_none()
    network = dlib.face_recognition_model_v1(str(weights.locate("dlib-resnet").path))
    expected = np.array(network.compute_face_descriptor(pictures[0], plain_dlib(pictures[0])))
    made = make_extractor("identity", "dlib")
    assert isinstance(made, DlibEmbedding)
    assert [checkpoint.name for checkpoint in made.checkpoints] == ["dlib-resnet", "dlib-68"]
    embeddings = made.extract(chunk_of(*pictures))
    np.testing.assert_allclose(embeddings[0].numpy(), expected, atol=1e-6)
    assert embeddings[1].isnan().all()


def test_equal_descriptions_are_equal_and_others_are_not() -> None:
    assert DlibLandmarks.make("dlib", face="last", flip=True) == DlibLandmarks.make("dlib", face="last")
    assert hash(DlibLandmarks.make("dlib")) == hash(DlibLandmarks.make("dlib"))
    assert DlibLandmarks.make("dlib", face="last") != DlibLandmarks.make("dlib")
    assert DlibLandmarks.make("dlib", upsample=1) != DlibLandmarks.make("dlib")
    assert str(DlibLandmarks.make("dlib")) == "dlib"


def test_without_dlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    for make in (AverageKeypointDistance, IdentitySimilarity):
        with pytest.raises(MissingExtraError, match=r"pip install 'thm-torchmetrics\[dlib\]'"):
            make(extractor="dlib")


def test_a_picture_without_a_face_is_nan() -> None:
    noise = golden_input("iresnet18", "images")
    assert DlibLandmarks.make("dlib").extract(chunk_of(*noise)).isnan().all()


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
    release()


@pytest.mark.parametrize("kind", ["landmarks", "identity"])
def test_the_number_of_threads_changes_no_value_and_no_order(kind: str, threads: Callable[[int], None]) -> None:
    """Each frame has another face, or none."""
    face = portrait(200)
    pictures = [(np.roll(face, 3 * i, axis=1) * (1 - i / 30)).astype(np.uint8) for i in range(9)]
    pictures[4] = np.zeros_like(face)
    values = []
    for number in (1, 3):
        threads(number)
        values.append(make_extractor(kind, "dlib").extract(chunk_of(*pictures)).flatten(1).numpy())
    np.testing.assert_array_equal(values[0], values[1])
    assert np.isnan(values[0]).all(axis=1).tolist() == [i == 4 for i in range(9)]
    assert len(np.unique(values[0], axis=0)) == 9


def test_frames_are_measured_side_by_side(monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]) -> None:
    threads(2)
    together = threading.Barrier(2, timeout=20)

    class Detector:
        """Waits until another one runs, too."""

        def __call__(self, picture: np.ndarray, upsample: int) -> list[object]:
            together.wait()
            return []

    release()
    monkeypatch.setattr(dlib, "get_frontal_face_detector", Detector)
    assert DlibLandmarks.make("dlib").extract(chunk_of(*[portrait(64)] * 4)).isnan().all()


def test_a_fault_of_dlib_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]) -> None:
    threads(2)

    def fault(picture: np.ndarray, upsample: int) -> list[object]:
        raise RuntimeError("dlib failed")

    release()
    monkeypatch.setattr(dlib, "get_frontal_face_detector", lambda: fault)
    with pytest.raises(RuntimeError, match="dlib failed"):
        DlibLandmarks.make("dlib").extract(chunk_of(*[portrait(64)] * 4))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dlib")]


@pytest.mark.clips
def test_points_lie_near_those_that_the_authors_published(clips: Path) -> None:
    published = np.load(clips / "misc/vox04570_landmarks.npy")[::10, :, :2]
    extractor = DlibLandmarks.make("dlib", upsample=1)
    video = Clip(VideoFile(clips / "gt_video/vox04570_x2face.mp4", every=10))
    points = torch.cat([extractor.extract(chunk) for chunk in video.chunks()])
    distances = (points - torch.from_numpy(published)).norm(dim=2).mean(dim=1)
    assert distances.isnan().sum() <= 1
    assert distances.nanmean() < 3.0
