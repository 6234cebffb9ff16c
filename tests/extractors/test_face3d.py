"""Coefficients through the whole path: a checkpoint laid out as the published one, loader, pool, crops, network.

The weights are made up, so the values of real clips below mean nothing; what is tested is that they arrive.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from parity.seeded import TOLERANCE, deviation, golden, golden_input, seeded_state
from PIL import Image
from skimage.data import astronaut
from torch import Tensor, nn

from thm_torchmetrics import AverageExpressionDistance, AveragePoseDistance, TalkingHeadMetrics, weights
from thm_torchmetrics.cli import main
from thm_torchmetrics.core.chunk import Chunk
from thm_torchmetrics.core.clip import Clip
from thm_torchmetrics.errors import InputError, WeightsNotFoundError
from thm_torchmetrics.extractors import face3d, release
from thm_torchmetrics.extractors.face3d import Deep3D, face3d_makers
from thm_torchmetrics.extractors.landmarks import landmark_makers
from thm_torchmetrics.functional.face3d import COEFFICIENTS
from thm_torchmetrics.media.video import VideoFile
from thm_torchmetrics.media.write import write_video


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The network with its optimiser and scheduler, as training left them in the published file."""
    path = tmp_path_factory.mktemp("weights") / "epoch_20.pth"
    head = nn.Linear(4, 2)
    optimiser = torch.optim.Adam(head.parameters(), lr=1e-4)
    head(torch.ones(1, 4)).sum().backward()
    optimiser.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimiser, step_size=10)
    held = {
        "net_recon": seeded_state("deep3d_resnet50"),
        "opt_00": optimiser.state_dict(),
        "sched_00": scheduler.state_dict(),
    }
    torch.save(held, path)
    yield path
    release()


class Given:
    """Landmarks known beforehand."""

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def extract(self, chunk: Chunk) -> Tensor:
        return self.points[chunk.start : chunk.start + len(chunk)]


def handle(checkpoint: Path, points: Tensor) -> Deep3D:
    return Deep3D.of("deep3d", checkpoint, landmarks=Given(points))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_coefficients_of_the_originals_pictures(checkpoint: Path, index: int) -> None:
    name = ("inside", "border", "lm68")[index]
    arrays = golden("deep3d_resnet50")
    frame = torch.from_numpy(golden_input("deep3d_resnet50", f"{name}_image")).permute(0, 3, 1, 2)
    points = torch.from_numpy(arrays[f"{name}_landmarks"])[None]
    found = handle(checkpoint, points).extract(Chunk(frame))
    assert deviation(found, arrays["crop_coeff"][index : index + 1], abs(arrays["crop_coeff"]).max()) <= TOLERANCE


def test_a_frame_without_a_face_is_nan_and_changes_no_other(checkpoint: Path) -> None:
    frame = torch.from_numpy(golden_input("deep3d_resnet50", "lm68_image")).permute(0, 3, 1, 2)
    points = torch.from_numpy(golden("deep3d_resnet50")["lm68_landmarks"])
    rows = handle(checkpoint, torch.stack([torch.full_like(points, torch.nan), points])).extract(
        Chunk(frame.expand(2, -1, -1, -1))
    )
    assert rows[0].isnan().all()
    assert deviation(rows[1], golden("deep3d_resnet50")["crop_coeff"][2]) <= 3 * TOLERANCE


def portraits() -> np.ndarray:
    """A face, the same a little smaller, and none."""
    face = np.asarray(Image.fromarray(astronaut()[:300, 80:380]).resize((280, 280)))
    smaller = np.asarray(Image.fromarray(np.pad(face, ((12, 12), (12, 12), (0, 0)), mode="edge")).resize((280, 280)))
    return np.stack([face, smaller, np.full_like(face, 90), face])


def test_metrics_on_frames(checkpoint: Path) -> None:
    frames = torch.from_numpy(portraits()).permute(0, 3, 1, 2)
    preds, target = frames[[0, 1, 3]], frames[[1, 1, 2]]
    options = {"weights": checkpoint, "landmarks": "dlib"}
    metrics = TalkingHeadMetrics(["aed", "aed:vico", "apd", "apd:vico", "e-fid"], **options)
    metrics.update(preds, target)
    values = metrics.compute()
    points = landmark_makers()["dlib"]().extract(Chunk(frames))
    rows = handle(checkpoint, points).extract(Chunk(frames)).double().numpy()
    difference = abs(rows[[0, 1]] - rows[[1, 1]]).mean(axis=0)
    assert values["aed"].item() == pytest.approx(difference[80:144].mean(), rel=1e-4)
    assert values["aed:vico"] == values["aed"]
    assert values["apd"].item() == pytest.approx(difference[224:227].mean(), rel=1e-4)
    assert values["apd:vico"].item() == pytest.approx(difference[[224, 225, 226, 254, 255, 256]].mean(), rel=1e-4)
    assert values["aed"] > 0
    assert metrics.members()["aed"].coverage == pytest.approx(2 / 3)
    assert metrics.members()["e-fid"].coverage == pytest.approx(5 / 6)


def test_metrics_share_landmarks_and_coefficients(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    extract = Deep3D.extract
    monkeypatch.setattr(Deep3D, "extract", lambda self, chunk: (calls.append(len(chunk)), extract(self, chunk))[1])
    frames = torch.from_numpy(portraits()).permute(0, 3, 1, 2)
    metrics = TalkingHeadMetrics(["aed", "apd", "apd:vico", "e-fid"], weights=checkpoint, landmarks="dlib")
    metrics.update(frames[:2], frames[1:3])
    assert calls == [2, 2]


def test_settings_that_change_the_value_change_the_state(checkpoint: Path) -> None:
    options = {"weights": checkpoint, "landmarks": "dlib"}
    names = {
        AverageExpressionDistance(**options)._state_name,
        AverageExpressionDistance(**options, face="first")._state_name,
        AverageExpressionDistance(**options, extractor="deep3d-2023")._state_name,
        AveragePoseDistance(**options)._state_name,
    }
    assert len(names) == 4


def test_reports_name_the_release_by_its_hash(checkpoint: Path) -> None:
    asked = {name: face3d_makers({name: checkpoint}, landmarks="dlib")[name]() for name in face3d.RELEASES}
    assert [str(extractor) for extractor in asked.values()] == ["deep3d", "deep3d-2023"]
    entry = weights.registry()["deep3d"]
    first = Deep3D("deep3d-2023", str(checkpoint), entry.sha256)
    assert str(first) == "deep3d"  # the first release, given in the place of the second


def test_wrong_options(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="'fan' or 'dlib', got 'mtcnn'"):
        AverageExpressionDistance(weights=checkpoint, landmarks="mtcnn")
    with pytest.raises(InputError, match="'deep3d', 'deep3d-2023'"):
        AverageExpressionDistance(extractor="deca")
    monkeypatch.setenv("THM_OFFLINE", "1")
    monkeypatch.setenv("THM_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(WeightsNotFoundError, match=r"epoch_20\.pth"):
        AverageExpressionDistance(landmarks="dlib")


def thm(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return f"{result.exit_code} {result.stdout}{result.stderr}"


def test_the_command_writes_what_the_extractor_finds(checkpoint: Path, tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    write_video(video, list(portraits()), 25)
    output = tmp_path / "talk.npz"
    said = thm("coefficients", video, "-o", output, "--landmarks", "dlib", "--weights", f"deep3d={checkpoint}")
    assert said.startswith("0 ")
    assert "4 frames, 1 without a face" in said
    with np.load(output) as held:
        arrays = dict(held)
    frames = torch.from_numpy(np.stack([frame for frame, _ in VideoFile(video).frames()])).permute(0, 3, 1, 2)
    points = landmark_makers()["dlib"]().extract(Chunk(frames))
    rows = handle(checkpoint, points).extract(Chunk(frames)).numpy()
    np.testing.assert_allclose(arrays["coefficients"], rows, rtol=1e-4, atol=1e-5)
    assert arrays["coefficients"].dtype == np.float32
    assert np.isnan(arrays["coefficients"]).all(axis=1).tolist() == [False, False, True, False]
    for part, columns in COEFFICIENTS.items():
        np.testing.assert_array_equal(arrays[part], arrays["coefficients"][:, columns])
    assert arrays["fps"] == 25
    np.testing.assert_allclose(arrays["times"], [0, 0.04, 0.08, 0.12])
    assert arrays["sha256"] == weights.locate("deep3d", checkpoint).sha256
    assert (arrays["weights"], arrays["landmarks"], arrays["missing"]) == ("deep3d", "dlib", 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk.mp4", "talk.npz"]


def test_the_written_files_are_scored(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    rows = generator.standard_normal((2, 90, 257)).astype(np.float32)
    for side, own in zip(("preds", "target"), rows, strict=True):
        (tmp_path / side).mkdir()
        np.savez(tmp_path / side / "a.npz", coefficients=own, exp=own[:, 80:144], fps=25.0, weights="deep3d")
    options = [f"--{side}-features={key}={tmp_path / side}" for side in ("preds", "target") for key in ("aed", "apd")]
    said = thm("score", *options, "--metrics", "aed,apd:vico", "--format", "json")
    result = json.loads(said[2:])["metrics"]
    difference = abs(rows[0].astype(np.float64) - rows[1]).mean(axis=0)
    assert said.startswith("0 ")
    assert result["aed"]["value"] == pytest.approx(difference[80:144].mean(), rel=1e-9)
    assert result["apd:vico"]["value"] == pytest.approx(difference[[224, 225, 226, 254, 255, 256]].mean(), rel=1e-9)


def test_the_command_says_what_is_wrong(checkpoint: Path, tmp_path: Path) -> None:
    video, output = tmp_path / "talk.mp4", tmp_path / "talk.npz"
    own = ("--landmarks", "dlib", "--weights", f"deep3d={checkpoint}")
    assert "must end in .npz" in thm("coefficients", video, "-o", tmp_path / "talk.csv", *own)
    assert "there is no folder" in thm("coefficients", video, "-o", tmp_path / "x" / "talk.npz", *own)
    assert "talk.mp4" in thm("coefficients", video, "-o", output, *own)
    write_video(video, list(portraits()[:1]), 25)
    assert "'x' is none of" in thm("coefficients", video, "-o", output, "--weights", "x=y")
    assert "does not exist" in thm("coefficients", video, "-o", output, *own[:2], "--weights", "deep3d=y")
    assert not output.exists()


@pytest.mark.clips
@pytest.mark.slow
def test_a_real_pair(clips: Path, checkpoint: Path) -> None:
    """Coverage is real; the values are those of made-up weights and mean nothing."""
    name = "radio22_pcavs"
    sides = [Clip(VideoFile(next((clips / side).glob(f"{name}.*")), every=20)) for side in ("pred_video", "gt_video")]
    metric = AverageExpressionDistance(weights=checkpoint, landmarks="dlib", align="truncate")
    metric.update(*sides)
    assert metric.compute() > 0
    points = [landmark_makers()["dlib"]().extract(chunk) for clip in sides for chunk in clip.chunks()]
    count = min(len(side) for side in points)
    seen = ~torch.stack([side[:count] for side in points]).isnan().flatten(2).any(dim=2)
    assert metric.coverage == pytest.approx(seen.all(dim=0).double().mean().item())
    assert metric.coverage > 0.9
    assert count >= 5
