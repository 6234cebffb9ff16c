"""The extractor `openface-au` and the module of action units, with made-up models on dlib's landmarks."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from extractors.pictures import batch, face_and_none, portrait
from parity.openface import array, frames, models, write_files
from torch import Tensor

from thm_torchmetrics import weights
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError, WeightsError, WeightsNotFoundError
from thm_torchmetrics.extractors import Extractor, make_extractor, release
from thm_torchmetrics.extractors.action_units import ActionUnits
from thm_torchmetrics.extractors.dlib import DlibLandmarks
from thm_torchmetrics.extractors.openface_au import DYNAMIC, STATIC, OpenFaceActionUnits
from thm_torchmetrics.functional.action_units import ACTION_UNITS
from thm_torchmetrics.functional.openface_au import action_unit_intensities


@dataclass(frozen=True)
class Known(Extractor):
    """The landmarks of a case of the golden file."""

    case: str
    kind = "landmarks"

    def extract(self, chunk: Chunk) -> Tensor:
        """Return the points of the chunk's frames."""
        points = array(f"{self.case}_landmarks").double()[chunk.start : chunk.start + len(chunk)]
        found = array(f"{self.case}_success").bool()[chunk.start : chunk.start + len(chunk)]
        return torch.where(found[:, None, None], points, torch.nan)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    made = {
        name: write_files(tmp_path / name, [part.file for part in weights.registry()[name].parts])
        for name in (DYNAMIC, STATIC)
    }
    yield made
    release()


@pytest.mark.parametrize("case", ["face", "edge", "pair"])
@pytest.mark.parametrize("step", [1, 64])
def test_rows_of_chunks_become_what_openface_writes(files: dict[str, Path], case: str, step: int) -> None:
    extractor = OpenFaceActionUnits.make(DYNAMIC, files, landmarks=Known(case))
    starts = range(0, len(frames(case)), step)
    rows = torch.cat([extractor.extract(Chunk(frames(case)[start : start + step], start)) for start in starts])
    tracked = array(f"{case}_success").bool()
    assert torch.equal(rows.isnan().any(dim=1), ~tracked)
    got = extractor.intensities(rows)
    assert got[~tracked].isnan().all()
    assert (got - array(f"{case}_intensity"))[tracked].abs().max() <= 0.02


def test_static_models_are_another_checkpoint(files: dict[str, Path]) -> None:
    extractor = OpenFaceActionUnits.make(DYNAMIC, files, landmarks=Known("face"), net=STATIC)
    got = extractor.intensities(extractor.extract(Chunk(frames("face"))))
    tracked = array("face_success").bool()
    assert (got - array("face_static_intensity"))[tracked].abs().max() <= 0.02
    assert extractor != OpenFaceActionUnits.make(DYNAMIC, files, landmarks=Known("face"))
    assert [each.name for each in extractor.checkpoints] == [STATIC]


def test_the_name_tells_the_landmarks(files: dict[str, Path]) -> None:
    extractor = make_extractor("action_units", DYNAMIC, files, landmarks="dlib")
    assert str(extractor) == "openface-au/dlib"
    assert [each.name for each in extractor.checkpoints] == [DYNAMIC, "dlib-68"]
    assert extractor.checkpoints[0].file == str(files[DYNAMIC])
    assert extractor.units == ACTION_UNITS
    assert pickle.loads(pickle.dumps(extractor)) == extractor  # noqa: S301
    assert hash(extractor) == hash(make_extractor("action_units", DYNAMIC, files, landmarks="dlib"))


def test_landmarks_are_needed() -> None:
    with pytest.raises(InputError, match="needs landmarks"):
        OpenFaceActionUnits.make(DYNAMIC)
    with pytest.raises(InputError, match="landmarks must be 'fan', 'dlib'"):
        make_extractor("action_units", DYNAMIC, landmarks="mine")


def test_absent_models_say_where_the_terms_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsNotFoundError) as error:
        make_extractor("action_units", DYNAMIC, landmarks="dlib")
    said = str(error.value)
    assert "https://github.com/TadasBaltrusaitis/OpenFace/blob/OpenFace_2.2.0/OpenFace-license.txt" in said
    assert "`thm weights fetch openface-au --accept-license`" in said
    with pytest.raises(WeightsError, match="refused under commercial use"):
        make_extractor("action_units", DYNAMIC, weights.Checkpoints(commercial=True), landmarks="dlib")


def test_a_damaged_model_is_found_when_networks_are_loaded(files: dict[str, Path]) -> None:
    path = next(files[DYNAMIC].glob("AU_1_*.dat"))
    path.write_bytes(path.read_bytes()[:-1])
    extractor = make_extractor("action_units", DYNAMIC, files, landmarks="dlib")
    with pytest.raises(WeightsError, match=r"AU_1_dynamic.* is cut short"):
        extractor.load(torch.device("cpu"))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.zeros(3, 64, 64), r"frames must be frames \(T, 3, H, W\) with T, H, W >= 1, got \(3, 64, 64\)"),
        (torch.zeros(2, 64, 64, 3), r"got \(2, 64, 64, 3\)"),
        (torch.zeros(1, 2, 3, 64, 64), r"got \(1, 2, 3, 64, 64\)"),
        (torch.zeros(0, 3, 64, 64), r"with T, H, W >= 1, got \(0, 3, 64, 64\)"),
        (torch.zeros(2, 3, 0, 0), r"with T, H, W >= 1, got \(2, 3, 0, 0\)"),
        (torch.zeros(2, 3, 64, 64).numpy(), r"must be a tensor, got ndarray; pass torch\.from_numpy"),
        (torch.full((2, 3, 64, 64), 200.0), "divide by 255"),
    ],
    ids=["a frame", "channels last", "a batch of clips", "no frame", "no pixel", "array", "0..255"],
)
def test_frames_of_another_form_are_refused_by_the_module(files: dict[str, Path], frames: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ActionUnits(landmarks="dlib", weights=files)(frames)


def test_models_that_change_on_disk_are_read_again(files: dict[str, Path]) -> None:
    before = OpenFaceActionUnits.make(DYNAMIC, files, landmarks=Known("pair"))
    first = before.extract(Chunk(frames("pair")))
    path, other = (next(files[DYNAMIC].glob(f"AU_{unit}_*.dat")) for unit in (4, 6))
    path.write_bytes(other.read_bytes())
    after = OpenFaceActionUnits.make(DYNAMIC, files, landmarks=Known("pair"))
    assert after != before
    second = after.extract(Chunk(frames("pair")))
    assert torch.equal(second[:, ACTION_UNITS.index("04")], first[:, ACTION_UNITS.index("06")])


@pytest.mark.parametrize("dynamic", [True, False])
def test_the_module_gives_units_of_frames_by_dlib(files: dict[str, Path], dynamic: bool) -> None:
    shots = [batch(face_and_none(side)) for side in (240,)] * 2
    clip = torch.cat([*shots, batch(portrait(240)[None]).roll(7, dims=3)])
    module = ActionUnits(landmarks="dlib", dynamic=dynamic, weights=files)
    got = module(clip)
    points = DlibLandmarks.make("dlib").extract(Chunk(clip))
    tracked = points.isfinite().all(dim=2).all(dim=1)
    assert tracked.tolist() == [True, False, True, False, True]
    expected = action_unit_intensities(clip, points, tracked, models(), dynamic)
    assert (got[tracked] - expected[tracked]).abs().max() < 1e-10
    assert got[~tracked].isnan().all()
    named = module.by_name(clip.float() / 255)
    assert list(named) == [f"AU{unit}" for unit in ACTION_UNITS]
    torch.testing.assert_close(torch.stack(list(named.values()), dim=1), got, rtol=0, atol=1e-9, equal_nan=True)
    assert not module.state_dict()
    assert not list(module.parameters())
