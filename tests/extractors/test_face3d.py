"""Coefficients through the whole path: a checkpoint laid out as the published one, loader, pool, crops, network."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from extractors.given_landmarks import GivenLandmarks
from extractors.pictures import batch
from parity.seeded import TOLERANCE, deviation, golden, golden_input, seeded_state
from torch import Tensor, nn

from thm_torchmetrics import weights
from thm_torchmetrics.cli import main
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.errors import InputError
from thm_torchmetrics.extractors import make_extractor, release
from thm_torchmetrics.extractors.face3d import RELEASES, Deep3D
from thm_torchmetrics.weights import Checkpoint

MODEL = "deep3d_resnet50"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The network with its optimiser and scheduler, as training left them in the published file."""
    path = tmp_path_factory.mktemp("weights") / "epoch_20.pth"
    head = nn.Linear(4, 2)
    optimiser = torch.optim.Adam(head.parameters(), lr=1e-4)
    head(torch.ones(1, 4)).sum().backward()
    optimiser.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=10)
    held = {"net_recon": seeded_state(MODEL), "opt_00": optimiser.state_dict(), "sched_00": scheduler.state_dict()}
    torch.save(held, path)
    yield path
    release()


def deep3d(checkpoint: Path, points: Tensor) -> Deep3D:
    return Deep3D.make("deep3d", checkpoint, landmarks=GivenLandmarks(points))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_coefficients_are_the_original_s(checkpoint: Path, index: int) -> None:
    name = ("inside", "border", "lm68")[index]
    arrays = golden(MODEL)
    points = torch.from_numpy(arrays[f"{name}_landmarks"])[None]
    found = deep3d(checkpoint, points).extract(Chunk(batch(golden_input(MODEL, f"{name}_image"))))
    assert deviation(found, arrays["crop_coeff"][index : index + 1], abs(arrays["crop_coeff"]).max()) <= TOLERANCE


def test_a_frame_without_a_face_is_nan_and_changes_no_other(checkpoint: Path) -> None:
    frame = batch(golden_input(MODEL, "lm68_image"))
    points = torch.from_numpy(golden(MODEL)["lm68_landmarks"])
    given = torch.stack([torch.full_like(points, torch.nan), points])
    rows = deep3d(checkpoint, given).extract(Chunk(frame.expand(2, -1, -1, -1)))
    assert rows[0].isnan().all()
    assert deviation(rows[1], golden(MODEL)["crop_coeff"][2]) <= 3 * TOLERANCE


def test_reports_name_the_release_by_its_hash(checkpoint: Path) -> None:
    asked = [make_extractor("face3d", name, {name: checkpoint}, landmarks="dlib") for name in RELEASES]
    assert [str(extractor) for extractor in asked] == ["deep3d", "deep3d-2023"]
    first = Deep3D(Checkpoint("deep3d-2023", str(checkpoint), weights.registry()["deep3d"].sha256 or ""))
    assert str(first) == "deep3d"  # the first release, given in the place of the second


def test_coefficients_need_landmarks(checkpoint: Path) -> None:
    with pytest.raises(InputError, match="'deep3d' needs landmarks"):
        Deep3D.make("deep3d", checkpoint).extract(Chunk(batch(golden_input(MODEL, "lm68_image"))))


def test_files_of_coefficients_are_scored(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    rows = generator.standard_normal((2, 90, 257)).astype(np.float32)
    for side, part in zip(("preds", "target"), rows, strict=True):
        (tmp_path / side).mkdir()
        np.savez(tmp_path / side / "a.npz", coefficients=part, exp=part[:, 80:144], fps=25.0)
    options = [f"--{side}-features={key}={tmp_path / side}" for side in ("preds", "target") for key in ("aed", "apd")]
    done = CliRunner().invoke(main, ["score", *options, "--metrics", "aed,apd:vico", "--format", "json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)["metrics"]
    difference = abs(rows[0].astype(np.float64) - rows[1]).mean(axis=0)
    assert result["aed"]["value"] == pytest.approx(difference[80:144].mean(), rel=1e-9)
    assert result["apd:vico"]["value"] == pytest.approx(difference[[224, 225, 226, 254, 255, 256]].mean(), rel=1e-9)
