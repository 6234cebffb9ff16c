"""ArcFace's embeddings through the whole path: checkpoint file, loader, pool, network, crops."""

from pathlib import Path

import numpy as np
import pytest
import torch
from extractors.pictures import batch, chunk_of, face_and_none
from extractors.plain_dlib import plain_dlib, points_of
from insightface.utils import face_align
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded, seeded_state

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.identity import ArcFace
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


def test_whole_frames_give_the_original_s_embeddings(r18: Path) -> None:
    network = ArcFace.make("arcface-r18", r18)
    embeddings = network.extract(Chunk(batch(golden_input("iresnet18", "odd_images"))))
    assert deviation(embeddings, golden("iresnet18")["odd_embedding"]) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_the_large_networks_give_the_original_s_embeddings(name: str, tmp_path: Path) -> None:
    torch.save(seeded_state(LARGE[name]), tmp_path / "custom.pth")
    network = ArcFace.make(name, {name: tmp_path / "custom.pth"})
    embeddings = network.extract(Chunk(batch(golden_input("iresnet18", "odd_images"))))
    assert deviation(embeddings, golden(LARGE[name])["odd_embedding"]) <= TOLERANCE


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")  # insightface's own call
def test_aligned_faces_are_insightface_s(r18: Path) -> None:
    pictures = face_and_none()
    parts = points_of(plain_dlib(pictures[0]))
    five = np.stack([(parts[36] + parts[39]) / 2, (parts[42] + parts[45]) / 2, parts[30], parts[48], parts[54]])
    crop = face_align.norm_crop(pictures[0], five.astype(np.float32))
    with torch.inference_mode():
        expected = loaded(iresnet18(), "iresnet18")((batch(crop[None]).float() / 255 - 0.5) / 0.5)
    made = make_extractor("identity", "arcface-r18", {"arcface-r18": r18}, landmarks="dlib")
    embeddings = made.extract(chunk_of(*pictures))
    assert torch.nn.functional.cosine_similarity(embeddings[:1], expected).item() > 0.99999
    assert embeddings[1].isnan().all()


def test_the_landmarks_are_part_of_the_description(r18: Path) -> None:
    aligned = make_extractor("identity", "arcface-r18", r18, landmarks="dlib")
    last = make_extractor("identity", "arcface-r18", r18, landmarks="dlib", face="last")
    whole = make_extractor("identity", "arcface-r18", r18, whole_frame=True)
    assert len({aligned, last, whole}) == 3
    assert aligned == make_extractor("identity", "arcface-r18", r18, landmarks="dlib", face="largest")
    assert whole.landmarks is None
    assert [checkpoint.name for checkpoint in aligned.checkpoints] == ["arcface-r18", "dlib-68"]
    assert [checkpoint.name for checkpoint in whole.checkpoints] == ["arcface-r18"]


@pytest.mark.parametrize("name", ["dlib", "insightface"])
def test_extractors_of_aligned_faces_take_no_whole_frames(name: str) -> None:
    with pytest.raises(InputError, match="aligned faces only"):
        make_extractor("identity", name, whole_frame=True)
