"""Action units of LibreFace through the whole path: checkpoint as published, loader, pool, alignment, network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from extractors.given_landmarks import GivenLandmarks
from extractors.pictures import batch
from parity.seeded import TOLERANCE, deviation, golden, golden_input, loaded, seeded_state
from torch import Tensor

from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError, WeightsError
from thm_torchmetrics.extractors import EXTRACTORS, make_extractor, release
from thm_torchmetrics.extractors.libreface import LibreFace
from thm_torchmetrics.extractors.registry import required_checkpoints
from thm_torchmetrics.nets.libreface import LibreFaceRepVGG, LibreFaceResNet18, normalize

MODELS = {"libreface": "libreface_repvgg_a0", "libreface-resnet18": "libreface_resnet18"}
NETWORKS = {"libreface": LibreFaceRepVGG, "libreface-resnet18": LibreFaceResNet18}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Both files as the repository has them: a dict whose one item is the network."""
    folder = tmp_path_factory.mktemp("weights")
    paths = {name: folder / f"{name}.pt" for name in MODELS}
    for name, path in paths.items():
        torch.save({"model": dict(seeded_state(MODELS[name]))}, path)
    yield paths
    release()


def face_like(case: str) -> Tensor:
    """68 points whose eyes and mouth have the means of a golden case."""
    points = torch.from_numpy(golden("libreface_align")[f"{case}_points"]).double()
    landmarks = torch.zeros(68, 2, dtype=torch.float64)
    landmarks[42:48], landmarks[36:42] = points[:16].mean(dim=0), points[16:32].mean(dim=0)
    lips = points[32:]
    landmarks[48:] = lips.mean(dim=0)
    landmarks[48], landmarks[54] = lips[lips[:, 0].argmin()], lips[lips[:, 0].argmax()]
    return landmarks


@pytest.mark.parametrize("name", MODELS)
def test_intensities_are_those_of_the_original_s_crop(files: dict[str, Path], name: str) -> None:
    extractor = LibreFace.make(name, files, landmarks=GivenLandmarks(face_like("inside")[None]))
    found = extractor.extract(Chunk(batch(golden_input("libreface_align", "inside"))))
    crop = torch.from_numpy(golden("libreface_align")["inside_crop"]).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = loaded(NETWORKS[name](), MODELS[name])(normalize(crop))
    assert deviation(found, expected.numpy()) <= TOLERANCE
    assert np.ptp(expected.numpy()) > 0.1


def test_a_frame_without_a_face_is_nan_and_changes_no_other(files: dict[str, Path]) -> None:
    frame = batch(golden_input("libreface_align", "inside"))
    points = face_like("inside")
    given = torch.stack([points, torch.full_like(points, torch.nan), points])
    rows = LibreFace.make("libreface", files, landmarks=GivenLandmarks(given)).extract(
        Chunk(frame.expand(3, -1, -1, -1))
    )
    assert rows.isnan().all(dim=1).tolist() == [False, True, False]
    torch.testing.assert_close(rows[0], rows[2])


def test_units_are_those_of_the_original_in_its_order() -> None:
    from parity.seeded import golden_meta

    for model in MODELS.values():
        assert [int(unit) for unit in LibreFace.units] == golden_meta(model)["action_units"]


def test_metrics_find_it_by_name(files: dict[str, Path]) -> None:
    assert {"libreface", "libreface-resnet18"} <= set(EXTRACTORS["action_units"])
    for name in MODELS:
        extractor = make_extractor("action_units", name, files, landmarks="dlib")
        assert (str(extractor), str(extractor.landmarks)) == (name, "dlib")
        assert [each.name for each in extractor.checkpoints] == [name, "dlib-68"]
        assert required_checkpoints("action_units", name) == (name, "fan2d", "fan-s3fd")


def test_it_needs_landmarks(files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="'libreface' needs landmarks"):
        LibreFace.make("libreface", files).extract(Chunk(batch(golden_input("libreface_align", "inside"))))


def test_the_one_network_s_file_does_not_fit_the_other(files: dict[str, Path]) -> None:
    mixed = {"libreface": files["libreface-resnet18"]}
    with pytest.raises(WeightsError, match="'libreface' does not fit the network LibreFaceRepVGG"):
        LibreFace.make("libreface", mixed, landmarks=None).load(torch.device("cpu"))


def test_commercial_use_is_refused(files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_COMMERCIAL", "1")
    with pytest.raises(WeightsError, match="USC Research License"):
        make_extractor("action_units", "libreface", landmarks="dlib")
